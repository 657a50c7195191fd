"""The figures of a build for the report: sizes, faults, distributions, categories, checks."""

from __future__ import annotations

from statistics import fmean, median
from typing import TYPE_CHECKING, Any, NamedTuple

from awm_lib.statistics import published
from awm_lib.statistics.histogram import histogram
from awm_lib.statistics.overview import BY_CATEGORY
from awm_lib.statistics.query import ask

if TYPE_CHECKING:
    import duckdb

LEVELS = ("easy", "middle", "hard")


class Comparison(NamedTuple):
    """One figure of this build beside the published one."""

    name: str
    here: str
    published: str
    note: str = ""


class Distribution(NamedTuple):
    """A histogram with its title."""

    title: str
    svg: str


class Share(NamedTuple):
    """A part of a whole: its name, number, and per cent of the whole."""

    name: str
    number: int
    percent: float


def totals(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The sums over all environments, by name."""
    return ask(
        connection,
        "SELECT count(*) AS environments, count(*) FILTER (passed) AS certified, "
        + ", ".join(
            f"coalesce(sum({name}), 0)::BIGINT AS {name}"
            for name in (
                "tools", "tables", "rows", "tasks", "tasks_proven", "fuzz_calls", "internal_errors", "variants",
                "variants_accepted", "mutants", "mutants_killed", "mutants_equivalent",
            )
        )
        + ", (SELECT count(*) FROM oracle_calls) AS calls FROM environments",
    ).records()[0]  # fmt: skip


def comparisons(connection: duckdb.DuckDBPyConnection) -> list[Comparison]:
    """The build's figures beside the published ones."""
    sums = totals(connection)
    passing = _number(connection, "SELECT count(*) FROM certificates WHERE check_name = 'no_op' AND status = 'failed'")
    unsolved = _number(
        connection, "SELECT count(*) FROM certificates WHERE check_name = 'oracle' AND status <> 'passed'"
    )
    faulty = _number(
        connection,
        "SELECT count(*) FROM environments WHERE internal_errors > 0 OR scenario IN "
        "(SELECT scenario FROM certificates WHERE check_name = 'tools' AND status = 'failed')",
    )
    sizes = [
        ("Tables per environment", "environments", "tables", published.TABLES, ""),
        ("Rows per environment", "environments", "rows", published.ROWS, "of the initial database"),
        ("Tools per environment", "environments", "tools", published.TOOLS, ""),
        ("Lines of server code per environment", "environments", "code_lines", published.CODE_LINES,
         "here compiled from typed parameters and SQL"),
        ("Steps per task", "tasks", "calls", published.STEPS,
         "here the calls of the solution, there those of an agent, which also explores"),
        ("Distinct tools per task", "tasks", "distinct_tools", published.DISTINCT_TOOLS, "as above"),
    ]  # fmt: skip
    return [
        Comparison("Environments", f"{sums['environments']:,}", f"{published.ENVIRONMENTS:,}"),
        Comparison("Tasks", f"{sums['tasks']:,}", f"{published.TASKS:,}"),
        *(
            Comparison(name, _mean(_values(connection, table, column)), f"{size.mean:,g} ({size.median:,g})", note)
            for name, table, column, size, note in sizes
        ),
        Comparison(
            "Tasks that an agent passes by doing nothing", _share(passing, sums["tasks"]), published.NO_OP,
            "here run for every task, with empty answers and with claims of success",
        ),
        Comparison(
            "Tasks that cannot be solved", _share(unsolved, sums["tasks"]), published.BLOCKED,
            "here tasks whose solution does not run twice to the same accepted state",
        ),
        Comparison(
            "Environments with faults", _share(faulty, sums["environments"]), published.BUGS,
            f"here any internal error or wrong result in {sums['fuzz_calls']:,} generated calls; there bugs that "
            "audits of a sample found",
        ),
    ]  # fmt: skip


def distributions(connection: duckdb.DuckDBPyConnection) -> list[Distribution]:
    """Histograms of sizes and of solutions."""
    wanted = [
        ("Tools per environment", "environments", "tools", published.TOOLS.mean),
        ("Tables per environment", "environments", "tables", published.TABLES.mean),
        ("Rows per environment", "environments", "rows", published.ROWS.mean),
        ("Calls per solution", "tasks", "calls", published.STEPS.mean),
        ("Distinct tools per solution", "tasks", "distinct_tools", published.DISTINCT_TOOLS.mean),
        ("Words per instruction", "tasks", "words", None),
    ]
    return [
        Distribution(title, histogram(_values(connection, table, column), column.replace("_", " "), mark))
        for title, table, column, mark in wanted
    ]


def task_shares(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, list[Share]]]:
    """How the tasks divide by difficulty, by what is judged, and by the answer's type."""
    level = dict(ask(connection, "SELECT level, count(*) FROM tasks GROUP BY 1").rows)
    parts = [("Difficulty", shares([(name, level.get(name, 0)) for name in LEVELS]))]
    for title, column in (("Judged", "kind"), ("Answer", "answer_type")):
        rows = ask(
            connection, f"SELECT coalesce({column}, 'no answer'), count(*) FROM tasks GROUP BY 1 ORDER BY 2 DESC, 1"
        ).rows
        parts.append((title, shares([(str(name), int(count)) for name, count in rows])))
    return parts


def categories(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """A row for each category, the largest first, then the whole."""
    found = ask(connection, BY_CATEGORY).records()
    for row in found:
        row["levels"] = shares([(name, row[name]) for name in LEVELS])
    return found


def checks(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """How often each check passed, failed, or had nothing to show."""
    return ask(
        connection,
        "SELECT check_name AS name, CASE WHEN bool_or(task IS NOT NULL) THEN 'task' ELSE 'environment' END AS per, "
        "count(*) FILTER (status = 'passed') AS passed, count(*) FILTER (status = 'failed') AS failed, "
        "count(*) FILTER (status = 'not_shown') AS not_shown FROM certificates GROUP BY 1 "
        "ORDER BY list_position(['schema', 'tools', 'oracle', 'no_op', 'accepts', 'mutants', 'grounded', 'unique', "
        "'load_bearing'], check_name)",
    ).records()


def families(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Runs of each family of variants and mutants, and how many came out as they should."""
    return ask(
        connection,
        "SELECT kind, family, sum(made)::BIGINT AS made, sum(passed)::BIGINT AS passed, "
        "sum(equivalent)::BIGINT AS equivalent FROM families GROUP BY 1, 2 ORDER BY kind DESC, made DESC, family",
    ).records()


def failures(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Environments without a passed certificate and scenarios that were left out, each with the reason."""
    rows = ask(
        connection,
        "SELECT scenario, coalesce(reasons[1], 'not certified') FROM environments WHERE NOT passed "
        "UNION ALL SELECT scenario, reason FROM left_out ORDER BY 1",
    ).rows
    return [(str(name), str(reason)) for name, reason in rows]


def _values(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> list[int]:
    return [int(row[0]) for row in ask(connection, f"SELECT {column} FROM {table}").rows]


def _number(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(ask(connection, sql).rows[0][0])


def _mean(values: list[int]) -> str:
    return f"{fmean(values):,.1f} ({median(values):,g})" if values else "-"


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,}"


def shares(counts: list[tuple[str, int]]) -> list[Share]:
    """Numbers as parts of their sum."""
    whole = sum(count for _, count in counts) or 1
    return [Share(name, count, round(100 * count / whole, 1)) for name, count in counts]
