"""The rows of a database as values, and the difference between two of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import compress, count, islice
from operator import itemgetter, ne
from typing import Any, Literal

from awm_lib.errors import SqlError
from awm_lib.runtime.schema import Schema, Table
from awm_lib.runtime.values import FROM_SQL

Key = tuple[Any, ...]
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One row that differs between two states, in SQL's values."""

    table: str
    kind: Literal["insert", "update", "delete"]
    key: Key
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def columns(self) -> list[str]:
        """The columns whose values differ, for an update; all columns otherwise."""
        if self.before is None or self.after is None:
            return list(self.after or self.before or ())
        return [name for name in self.after if self.after[name] != self.before[name]]

    def plain(self, table: Table) -> dict[str, Any]:
        """As JSON-able data, with values as agents see them."""
        kinds = {column.name: column.type for column in table.columns}

        def shown(record: Mapping[str, Any] | None) -> dict[str, Any] | None:
            if record is None:
                return None
            return {name: FROM_SQL.get(kinds[name], lambda v: v)(value) for name, value in record.items()}

        return {
            "table": self.table,
            "kind": self.kind,
            "key": list(self.key),
            "before": shown(self.before),
            "after": shown(self.after),
        }


class State:
    """All rows of all tables (those of SQLite itself excepted), read once."""

    __slots__ = ("_keyed", "court", "image", "now", "schema", "tables")

    def __init__(self, schema: Schema, tables: dict[str, list[Row]], now: str, image: bytes | None = None) -> None:
        self.schema = schema
        self.tables = tables
        self.image = image
        """The same rows as the bytes of a database file; of the initial state only."""
        self.now = now
        """The clock at this state."""
        self.court: Any = None
        """Where ``awm_lib.verify.court`` keeps its connection; on the initial state only."""
        self._keyed: dict[str, dict[Key, Row]] = {}

    @classmethod
    def read(
        cls,
        connection: sqlite3.Connection,
        schema: Schema,
        now: str,
        unchanged: Mapping[str, list[Row]] | None = None,
    ) -> State:
        """Read a database's rows in the order of their keys; the rows of ``unchanged`` tables are taken as given."""
        known = unchanged or {}
        tables = {
            name: known[name] if name in known else _rows(connection, name, table) for name, table in schema.items()
        }
        return cls(schema, tables, now)

    def keyed(self, name: str) -> dict[Key, Row]:
        """A table's rows by primary key."""
        if name not in self._keyed:
            rows = self.tables[name]
            self._keyed[name] = dict(zip(keys(self.schema[name], rows), rows, strict=True))
        return self._keyed[name]


def _rows(connection: sqlite3.Connection, name: str, table: Table) -> list[Row]:
    try:
        return connection.execute(f'SELECT {_columns(table)} FROM "{name}" ORDER BY {", ".join(table.key)}').fetchall()
    except sqlite3.Error as error:  # text that is not UTF-8, or a generated column that asks for too much
        raise SqlError(f"the rows of table {name} cannot be read: {error}") from None


def keys(table: Table, rows: Iterable[Row]) -> Iterator[Key]:
    """The primary keys of some rows of a table."""
    if table.key == ("rowid",):
        return ((row[-1],) for row in rows)
    names = [column.name for column in table.columns]
    if len(table.key) == 1:
        only = names.index(table.key[0])
        return ((row[only],) for row in rows)
    return map(itemgetter(*(names.index(part) for part in table.key)), rows)


def _differing(before: list[Row], after: list[Row]) -> tuple[list[Row], list[Row]]:
    """Two lists without the rows that they begin and end with alike; most runs change a few rows of a table."""
    longest = min(len(before), len(after))
    first = next(compress(count(), map(ne, before, after)), longest)
    tails = map(ne, islice(reversed(before), longest - first), islice(reversed(after), longest - first))
    last = next(compress(count(), tails), longest - first)
    return before[first : len(before) - last], after[first : len(after) - last]


def _columns(table: Table) -> str:
    names = [f'"{column.name}"' for column in table.columns]
    return ", ".join([*names, "rowid"] if table.key == ("rowid",) else names)


def changes(initial: State, final: State) -> list[Change]:
    """The rows that differ, table by table in the schema's order, each table's in the order of its keys."""
    found: list[Change] = []
    for name, table in initial.schema.items():
        before, after = initial.tables[name], final.tables[name]
        if before is after or before == after:
            continue
        columns = [column.name for column in table.columns]
        old, new = (dict(zip(keys(table, rows), rows, strict=True)) for rows in _differing(before, after))
        for key in old:
            if key not in new:
                found.append(Change(name, "delete", key, dict(zip(columns, old[key], strict=False)), None))
        for key, row in new.items():
            previous = old.get(key)
            if previous is None:
                found.append(Change(name, "insert", key, None, dict(zip(columns, row, strict=False))))
            elif previous != row:
                pair = (dict(zip(columns, previous, strict=False)), dict(zip(columns, row, strict=False)))
                found.append(Change(name, "update", key, *pair))
    return found
