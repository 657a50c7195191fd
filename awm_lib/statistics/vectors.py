"""An environment as three vectors: what it is about, what its database holds, and what its tools do.

The text is title and description; the schema stands for itself by its tables' names, the tool set by its tools'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from awm_lib.embeddings import embed
from awm_lib.statistics.query import ask

if TYPE_CHECKING:
    import duckdb

KINDS = ("text", "schema", "tools")


def environment_vectors(connection: duckdb.DuckDBPyConnection, scenarios: list[str]) -> dict[str, Any]:
    """Kind -> an array with a row of length 1 for each scenario, in their order. Raises AwmError without the
    embedding packages.
    """
    texts = {
        "text": "SELECT scenario, title || '. ' || description FROM environments",
        "schema": "SELECT scenario, string_agg(table_name, ', ' ORDER BY position) FROM schema_tables GROUP BY 1",
        "tools": "SELECT scenario, string_agg(tool, ', ' ORDER BY position) FROM tools GROUP BY 1",
    }
    found = {}
    for kind in KINDS:
        by_name = {str(name): str(text).replace("_", " ") for name, text in ask(connection, texts[kind]).rows}
        found[kind] = embed([by_name.get(name, "") for name in scenarios])
    return found
