"""An environment as three vectors: what it is about, what its database holds, and what its tools do.

The text is title and description; the schema stands for itself by its tables' names, the tool set by its tools'.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from awm_lib.embeddings import embed
from awm_lib.statistics.diversity import map_of
from awm_lib.statistics.query import ask

if TYPE_CHECKING:
    import duckdb

KINDS = ("text", "schema", "tools")


def environment_texts(connection: duckdb.DuckDBPyConnection, scenarios: list[str]) -> dict[str, list[str]]:
    """Kind -> the text that is embedded for each scenario, in their order."""
    queries = {
        "text": "SELECT scenario, title || '. ' || description FROM environments",
        "schema": "SELECT scenario, string_agg(table_name, ', ' ORDER BY position) FROM schema_tables GROUP BY 1",
        "tools": "SELECT scenario, string_agg(tool, ', ' ORDER BY position) FROM tools GROUP BY 1",
    }
    found = {}
    for kind in KINDS:
        by_name = {str(name): str(text).replace("_", " ") for name, text in ask(connection, queries[kind]).rows}
        found[kind] = [by_name.get(name, "") for name in scenarios]
    return found


def vectors_and_map(texts: dict[str, list[str]], jobs: int) -> tuple[dict[str, Any], Any]:
    """Kind -> an array with a row of length 1 for each text; and the places on the map of what environments are about.

    ``jobs`` are threads, 0 for one on each core. Raises AwmError without the embedding packages.
    """
    with ThreadPoolExecutor(1) as beside:
        found = {"text": embed(texts["text"], jobs)}
        places = beside.submit(map_of, found["text"])  # needs one core, while what follows leaves none idle
        rest = embed([*texts["schema"], *texts["tools"]], jobs)
        found["schema"], found["tools"] = rest[: len(texts["schema"])], rest[len(texts["schema"]) :]
        return found, places.result()
