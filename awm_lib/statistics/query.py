"""Queries over results/stats.duckdb: read only, without access to any other file, with errors for people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from awm_lib.errors import AwmError
from awm_lib.statistics.tables import TABLES

if TYPE_CHECKING:
    import duckdb


class Answer(NamedTuple):
    """The result of a query."""

    columns: list[str]
    rows: list[tuple[Any, ...]]

    def records(self) -> list[dict[str, Any]]:
        """The rows as objects."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@contextmanager
def opened(file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that can read the database and nothing else. Raises AwmError if there is no such database."""
    import duckdb

    if not file.is_file():
        raise AwmError(f"{file} does not exist", hint=f"build it: snakemake {file}")
    try:
        connection = duckdb.connect(
            str(file), read_only=True, config={"enable_external_access": "false", "lock_configuration": "true"}
        )
    except duckdb.Error as error:
        raise AwmError(
            f"{file} cannot be opened: {_first_line(error)}",
            hint=f"delete it and build it again: snakemake {file}",
        ) from None
    try:
        yield connection
    finally:
        connection.close()


def ask(connection: duckdb.DuckDBPyConnection, sql: str) -> Answer:
    """Run one query. Raises AwmError with what is wrong with it and the names that there are."""
    import duckdb

    try:
        statements = connection.extract_statements(sql)
        if len(statements) != 1:
            raise AwmError(f"one query is expected, not {len(statements)}", hint=_names(""))
        found = connection.execute(statements[0])
        return Answer([column[0] for column in found.description or []], found.fetchall())
    except duckdb.Error as error:
        raise AwmError(_message(error), hint=_names(sql)) from None


def _message(error: Exception) -> str:
    """DuckDB's message without what only its developers need; the part that points at the place stays."""
    text = str(error).strip()
    if "attached in read-only mode" in text:
        return "the statistics can only be read: write a SELECT"
    if "disabled by configuration" in text:
        return "a query reads the statistics and no other file"
    return re.sub(r"\nDid you mean \"(?:pg_|sqlite_|duckdb_)\w*[^\n]*", "", text)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _names(sql: str) -> str:
    """The columns of the tables that a query names; the tables, if it names none."""
    words = set(re.findall(r"\w+", sql.lower()))
    lines = [
        f"{table.name} has {', '.join(column.name for column in table.columns)}"
        for table in TABLES
        if re.search(rf"\b(?:from|join)\s+{table.name}\b", sql.lower())
        or (table.name in words and not words & {"from"})
    ]
    tables = "tables: " + ", ".join(table.name for table in TABLES) + " (awm stats --tables explains them)"
    return "\n".join([*lines, tables])
