"""Tables of a DuckDB file: columns with their types and meanings, their documentation, and filling them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import duckdb

Row = tuple[Any, ...]


class Column(NamedTuple):
    """One column."""

    name: str
    type: str
    doc: str


class Table(NamedTuple):
    """One table; its rows come in this order of columns."""

    name: str
    doc: str
    columns: tuple[Column, ...]

    @property
    def ddl(self) -> str:
        """The statements that create the table, its documentation included."""
        columns = ", ".join(f"{column.name} {column.type}" for column in self.columns)
        comments = [f"COMMENT ON TABLE {self.name} IS {_text(self.doc)}"]
        comments += [f"COMMENT ON COLUMN {self.name}.{column.name} IS {_text(column.doc)}" for column in self.columns]
        return ";\n".join([f"CREATE TABLE {self.name} ({columns})", *comments])


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def table(name: str, doc: str, *columns: tuple[str, str, str]) -> Table:
    """A table from its columns' names, types and meanings."""
    return Table(name, doc, tuple(Column(*column) for column in columns))


def reference(tables: Iterable[Table]) -> str:
    """The tables as Markdown."""
    parts = []
    for one in tables:
        lines = [f"### {one.name}", "", one.doc, "", "| column | type | meaning |", "| --- | --- | --- |"]
        lines += [f"| `{column.name}` | {column.type} | {column.doc} |" for column in one.columns]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def insert(connection: duckdb.DuckDBPyConnection, into: Table, rows: Sequence[Row]) -> None:
    """Insert rows by one statement. Values are as DuckDB's Python types; texts stand for JSON."""
    import numpy as np

    if not rows:
        return
    arrays = {}
    for column, values in zip(into.columns, zip(*rows, strict=True), strict=True):
        # Arrays of objects are read several times faster than lists as parameters. They are filled one by one where
        # values are lists, of which numpy would make an array of two dimensions.
        arrays[column.name] = array = np.empty(len(rows), object)
        if column.type.endswith("[]"):
            for at, value in enumerate(values):
                array[at] = value
        else:
            array[:] = values
    # The type of such an array is that of the values that are looked at: all of them, not a sample.
    connection.execute(f"SET pandas_analyze_sample = {len(rows)}")
    connection.register("inserted_rows", arrays)
    try:
        casts = ", ".join(f"{column.name}::{column.type}" for column in into.columns)
        connection.execute(f"INSERT INTO {into.name} SELECT {casts} FROM inserted_rows")
    finally:
        connection.unregister("inserted_rows")
