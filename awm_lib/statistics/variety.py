"""What the report says about variety: measures over subsets, the map, nearest pairs, splits, skills."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from awm_lib.statistics import published
from awm_lib.statistics.figures import LEVELS, shares
from awm_lib.statistics.query import ask
from awm_lib.statistics.scatter import Point, scatter

if TYPE_CHECKING:
    import duckdb

PAIRS = 12
"""Nearest pairs that the page lists."""

ROWS: tuple[tuple[str, str, int], ...] = (
    ("categories", "Categories covered", 0),
    ("niches", "Niches covered", 0),
    ("text_cosine_mean", "Texts: mean cosine of two", 3),
    ("text_cosine_nearest", "Texts: mean cosine with the nearest", 3),
    ("text_cosine_max", "Texts: largest cosine of two", 3),
    ("text_vendi", "Texts: Vendi score", 1),
    ("schema_cosine_mean", "Schemas: mean cosine of two", 3),
    ("schema_cosine_nearest", "Schemas: mean cosine with the nearest", 3),
    ("schema_vendi", "Schemas: Vendi score", 1),
    ("tools_cosine_mean", "Tool sets: mean cosine of two", 3),
    ("tools_cosine_nearest", "Tool sets: mean cosine with the nearest", 3),
    ("tools_vendi", "Tool sets: Vendi score", 1),
    ("tool_names_jaccard_mean", "Tool names in common (Jaccard): mean", 3),
    ("tool_names_jaccard_max", "Tool names in common (Jaccard): largest", 3),
    ("columns_jaccard_mean", "Columns in common (Jaccard): mean", 3),
    ("columns_jaccard_max", "Columns in common (Jaccard): largest", 3),
    ("schemas_distinct", "Different schemas", 0),
    ("tool_names_distinct", "Different tool names", 0),
    ("program_shapes_distinct", "Different programs, names erased", 0),
    ("program_shapes_jaccard_max", "Programs in common, names erased (Jaccard): largest", 3),
    ("task_shapes_distinct", "Different tasks, names erased", 0),
    ("instruction_grams_distinct", "Distinct among runs of six words in instructions", 3),
)
"""Measure, its name on the page, digits."""


class Variety(NamedTuple):
    """The table of measures: one column for each subset."""

    subsets: list[int]
    rows: list[tuple[str, list[str], str]]
    """Name, a value for each subset, and the published value for the first 100 where there is one."""


def variety(connection: duckdb.DuckDBPyConnection) -> Variety:
    """The measures that there are, in the page's order."""
    found = {
        (str(measure), int(subset)): float(value)
        for measure, subset, value in ask(connection, "SELECT measure, subset, value FROM diversity").rows
    }
    subsets = sorted({subset for _, subset in found})
    rows = []
    for measure, name, digits in ROWS:
        values = [found.get((measure, subset)) for subset in subsets]
        if any(value is not None for value in values):
            shown = ["" if value is None else f"{value:,.{digits}f}" for value in values]
            rows.append((name, shown, published.DIVERSITY.get(measure, "")))
    return Variety(subsets, rows)


def pairs(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The pairs of environments whose texts are nearest, each once."""
    return ask(
        connection,
        "SELECT one, two, any_value(cosine) AS cosine, any_value(a.title) AS one_title, "
        "any_value(b.title) AS two_title "
        "FROM (SELECT least(scenario, other) AS one, greatest(scenario, other) AS two, cosine FROM nearest "
        "WHERE kind = 'text') JOIN environments a ON a.scenario = one JOIN environments b ON b.scenario = two "
        f"GROUP BY one, two ORDER BY cosine DESC, one LIMIT {PAIRS}",
    ).records()


def environment_map(connection: duckdb.DuckDBPyConnection) -> str:
    """The map as SVG; empty without embeddings."""
    rows = ask(
        connection,
        "SELECT scenario, title, category, x, y FROM vectors JOIN environments USING (scenario) ORDER BY scenario",
    ).rows
    return scatter(
        [Point(str(name), f"{title} ({category})", str(category), x, y) for name, title, category, x, y in rows]
    )


def splits(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """A row for each split: environments, tasks, and its categories."""
    return ask(
        connection,
        "SELECT split, count(*) AS environments, sum(tasks)::BIGINT AS tasks, "
        "list_sort(list(DISTINCT category)) AS categories FROM environments GROUP BY split "
        "ORDER BY list_position(['train', 'validation', 'test'], split)",
    ).records()


def skills(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """How many tasks ask for each skill, and how hard they are."""
    found = ask(
        connection,
        "SELECT skill, count(*) AS tasks, avg(calls) AS calls, count(*) FILTER (level = 'easy') AS easy, "
        "count(*) FILTER (level = 'middle') AS middle, count(*) FILTER (level = 'hard') AS hard "
        "FROM (SELECT unnest(skills) AS skill, calls, level FROM tasks) GROUP BY skill ORDER BY tasks DESC, skill",
    ).records()
    for row in found:
        row["levels"] = shares([(name, row[name]) for name in LEVELS])
    return found


def timings(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Processor time of each stage, the longest first."""
    return ask(
        connection,
        "SELECT stage, count(*) AS runs, sum(cpu_seconds) AS total, avg(cpu_seconds) * 1000 AS mean, "
        "max(cpu_seconds) * 1000 AS longest FROM stage_timings GROUP BY stage ORDER BY total DESC, stage",
    ).records()
