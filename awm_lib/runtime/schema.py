"""What a database's schema says: tables, columns, types, keys, enumerations, references."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from awm_lib.contracts.spec import ColumnType
from awm_lib.errors import SqlError
from awm_lib.memo import Memo

_TYPES: dict[str, ColumnType] = {
    "INTEGER": "integer",
    "INT": "integer",
    "BIGINT": "integer",
    "TEXT": "string",
    "REAL": "number",
    "NUMERIC": "number",
    "BOOLEAN": "boolean",
    "MONEY": "money",
    "DATE": "date",
    "DATETIME": "datetime",
    "TIMESTAMP": "datetime",
    "JSON": "json",
}
# One pass each over a table's DDL, for all columns: a pattern per column would be compiled anew for each.
_ENUMERATION = re.compile(r"CHECK\s*\(\s*\"?(\w+)\"?\s+IN\s*\(([^()]*)\)", re.I)
_BETWEEN = re.compile(r"CHECK\s*\(\s*\"?(\w+)\"?\s+BETWEEN\s+(-?\d+(?:\.\d+)?)\s+AND\s+(-?\d+(?:\.\d+)?)\s*\)", re.I)
_AT_LEAST = re.compile(r"CHECK\s*\(\s*\"?(\w+)\"?\s*>(=?)\s*(-?\d+)\s*\)", re.I)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}\Z")
_STRING = re.compile(r"'((?:[^']|'')*)'")


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    name: str
    type: ColumnType
    not_null: bool
    default: str | None
    """The default's SQL text."""
    generated: bool
    enum: tuple[str, ...] | None
    references: tuple[str, str] | None
    """(table, column) of a foreign key."""
    minimum: float | None
    maximum: float | None


@dataclass(frozen=True, slots=True)
class Table:
    """One table."""

    name: str
    comment: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    """The primary key's columns; ('rowid',) if none is declared."""
    unique: frozenset[str]
    """Columns that are unique by themselves."""
    autoincrement: bool

    def column(self, name: str) -> Column | None:
        """A column by name."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def integer_key(self) -> str | None:
        """The single integer key column, whose values SQLite generates."""
        if len(self.key) != 1:
            return None
        column = self.column(self.key[0])
        return column.name if column is not None and column.type == "integer" else None


class Schema(dict[str, Table]):
    """All tables by name, in the order of their creation."""

    def __init__(self, tables: Mapping[str, Table], ddl: tuple[str, ...]) -> None:
        super().__init__(tables)
        self.ddl = ddl
        """Everything that the database creates, indexes and views too: equal for equal schemas."""


def column_type(declared: str) -> ColumnType | None:
    """The contract's type of a declared SQL type; None for an expression or an unknown type."""
    base = declared.upper().split("(")[0].strip()
    if base in _TYPES:
        return _TYPES[base]
    if base in {"NUM", "BLOB", ""}:
        return None
    if "CHAR" in base or "CLOB" in base:
        return "string"
    if base in {"DOUBLE", "FLOAT", "DECIMAL", "DOUBLE PRECISION"}:
        return "number"
    return None


_SCHEMAS: Memo[Schema] = Memo(16)


def read_schema(connection: sqlite3.Connection) -> Schema:
    """All tables of a database, in the order of their creation. Raises SqlError for a type that has no meaning."""
    created = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY rowid").fetchall()
    ddl = tuple(sql for _, _, sql in created if sql is not None)
    return _SCHEMAS.get(ddl, lambda: _read(connection, created, ddl))


def _read(connection: sqlite3.Connection, created: list[tuple[str, str, str]], ddl: tuple[str, ...]) -> Schema:
    found = [(name, sql) for kind, name, sql in created if kind == "table" and not name.startswith("sqlite_")]
    for name, sql in found:
        if not _NAME.match(name):
            raise SqlError(f"schema.sql: {name[:80]!r} is not a name for a table: use letters, digits and _")
        if sql.split(None, 2)[1].upper() == "VIRTUAL":
            raise SqlError(f"schema.sql: table {name} is virtual; only plain tables are allowed")
    return Schema({name: _read_table(connection, name, sql) for name, sql in found}, ddl)


def _read_table(connection: sqlite3.Connection, name: str, ddl: str) -> Table:
    references = {row[3]: (row[2], row[4] or "id") for row in connection.execute(f'PRAGMA foreign_key_list("{name}")')}
    enumerations, ranges = _enumerations(ddl), _ranges(ddl)
    columns, key = [], []
    for _, column, declared, not_null, default, position, hidden in connection.execute(f'PRAGMA table_xinfo("{name}")'):
        if not _NAME.match(column):
            raise SqlError(
                f"schema.sql: table {name}: {column[:80]!r} is not a name for a column: use letters, digits, _"
            )
        kind = column_type(declared)
        if kind is None:
            raise SqlError(
                f"schema.sql: table {name}, column {column}: the type {declared!r} has no meaning here",
                hint="use one of " + ", ".join(_TYPES),
            )
        low, high = ranges.get(column.lower(), (None, None))
        columns.append(
            Column(
                name=column,
                type=kind,
                not_null=bool(not_null or position),
                default=default,
                generated=hidden in (2, 3),
                enum=enumerations.get(column.lower()),
                references=references.get(column),
                minimum=low,
                maximum=high,
            )
        )
        if position:
            key.append((position, column))
    unique = set()
    for _, index, is_unique, _, partial in connection.execute(f'PRAGMA index_list("{name}")').fetchall():
        parts = [row[2] for row in connection.execute(f'PRAGMA index_info("{index}")')]
        if is_unique and not partial and len(parts) == 1 and parts[0]:
            unique.add(parts[0])
    if len(key) == 1:
        unique.add(key[0][1])
    return Table(
        name=name,
        comment=_comment(ddl),
        columns=tuple(columns),
        key=tuple(column for _, column in sorted(key)) or ("rowid",),
        unique=frozenset(unique),
        autoincrement="AUTOINCREMENT" in ddl.upper(),
    )


def _enumerations(ddl: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for column, listed in _ENUMERATION.findall(ddl):
        texts = tuple(text.replace("''", "'") for text in _STRING.findall(listed))
        if texts:
            found.setdefault(column.lower(), texts)
    return found


def _ranges(ddl: str) -> dict[str, tuple[float | None, float | None]]:
    found: dict[str, tuple[float | None, float | None]] = {}
    for column, low, high in _BETWEEN.findall(ddl):
        found.setdefault(column.lower(), (float(low), float(high)))
    for column, equal, low in _AT_LEAST.findall(ddl):
        found.setdefault(column.lower(), (float(low) + (0 if equal else 1), None))
    return found


def _comment(ddl: str) -> str:
    match = re.match(r"CREATE TABLE[^(]*\(\s*--\s*([^\n]*)", ddl, re.I)
    return match.group(1).strip() if match else ""


def reference_of(column: Column) -> str | None:
    """'table.column' that a column refers to."""
    return ".".join(column.references) if column.references else None
