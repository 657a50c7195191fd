"""Statements, checked before they ever run: what they read, write and return.

Each statement of a program is prepared once against the schema under an authorizer. What is refused here (ATTACH,
PRAGMA,
``random()``, loading extensions, a write in a read tool, schema changes) can therefore never reach an episode, which
runs
no other statements than these.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from awm_lib import sqltext
from awm_lib.contracts.spec import ColumnType
from awm_lib.errors import SqlError, nearest
from awm_lib.runtime.schema import Schema, column_type

_REFUSED_FUNCTIONS = frozenset(
    {"random", "randomblob", "load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "sqlite_version",
     "sqlite_source_id", "sqlite_compileoption_get", "sqlite_compileoption_used", "last_insert_rowid", "changes",
     "total_changes", "zeroblob"}
)  # fmt: skip
_WRITES = {sqlite3.SQLITE_INSERT: "INSERT", sqlite3.SQLITE_UPDATE: "UPDATE", sqlite3.SQLITE_DELETE: "DELETE"}
_AFFINITIES = frozenset({"TEXT", "REAL", "INT", "INTEGER"})
_HARMLESS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE}


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """One column of a result. ``type`` is None where SQLite tells nothing and the spec says nothing."""

    name: str
    type: ColumnType | None
    nullable: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that may run."""

    sql: str
    reads: frozenset[str]
    writes: frozenset[str]


@contextmanager
def guarded(connection: sqlite3.Connection) -> Iterator[tuple[set[str], set[str], list[str]]]:
    """Watch what is prepared: tables read, tables written, and what was refused."""
    reads: set[str] = set()
    writes: set[str] = set()
    refused: list[str] = []

    def authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if action in _HARMLESS:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ:
            reads.add(str(first))
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION:
            if str(second).lower() not in _REFUSED_FUNCTIONS:
                return sqlite3.SQLITE_OK
            refused.append(f"the function {second}() is not allowed")
        elif action in _WRITES:
            if not str(first).startswith("sqlite_"):
                writes.add(str(first))
                return sqlite3.SQLITE_OK
            refused.append(f"{first} belongs to SQLite")
        else:
            refused.append("only SELECT, INSERT, UPDATE and DELETE are allowed")
        return sqlite3.SQLITE_DENY

    connection.set_authorizer(authorize)
    try:
        yield reads, writes, refused
    finally:
        connection.set_authorizer(None)


def prepare(
    connection: sqlite3.Connection, sql: str, known: Collection[str], schema: Schema, *, write: bool
) -> Statement:
    """Check one statement against the schema.

    ``known`` are the binds that it may use; ``write`` whether it may change rows. Raises SqlError with what is wrong
    and,
    where a name is wrong, the names that there are.
    """
    text = sqltext.stripped(sql)
    if not sqltext.is_single(text):
        raise SqlError("one statement is expected, not several")
    if sqltext.words(text)[:1] == ["query"]:  # of EXPLAIN QUERY PLAN, which is no statement of its own
        raise SqlError("only SELECT, INSERT, UPDATE and DELETE are allowed")
    unknown = sqltext.binds(text) - set(known)
    if unknown:
        name = sorted(unknown)[0]
        raise SqlError(f"there is no bind :{name}", hint=nearest(name, sorted(known)))
    with guarded(connection) as (reads, writes, refused):
        try:
            connection.execute("EXPLAIN " + text, dict.fromkeys(sqltext.binds(text)))
        except sqlite3.Error as error:
            if refused:
                raise SqlError(refused[0]) from None
            raise SqlError(*_with_names(str(error), schema, text)) from None
    if writes and not write:
        raise SqlError(f"it writes to {', '.join(sorted(writes))}, which only a tool of effect 'write' may")
    return Statement(text, frozenset(reads), frozenset(writes))


def _with_names(message: str, schema: Schema, sql: str) -> tuple[str]:
    """Add the columns of the tables that a statement names to a message about a missing column."""
    if message.startswith("no such table"):
        return (f"{message}; there are {', '.join(schema)}",)
    if "no such column" in message or "has no column" in message:
        named = [table for table in schema if table in sqltext.words(sql)]
        lists = "; ".join(f"{table} has {', '.join(c.name for c in schema[table].columns)}" for table in named[:4])
        return (f"{message}; {lists}" if lists else message,)
    return (message,)


def result_columns(connection: sqlite3.Connection, sql: str, schema: Schema) -> list[ResultColumn]:
    """Names and types of a query's columns.

    Plain columns take their table's type, which SQLite tells of a view; of expressions it tells nothing.
    """
    connection.execute(f"CREATE TEMP VIEW result_columns AS {sqltext.with_nulls(sql)}")
    try:
        described = connection.execute("PRAGMA temp.table_info(result_columns)").fetchall()
    finally:
        connection.execute("DROP VIEW temp.result_columns")
    unsure = bool({"left", "right", "full"} & set(sqltext.words(sql))) or sqltext.has_scalar_subquery(sql)
    columns = []
    plain = sqltext.plain_columns(sql)
    for _, name, declared, *_ in described:
        kind = column_type(declared)
        # Newer versions of SQLite give expressions a type by their affinity, older ones none. Results have the same
        # types under all of them because these types count only for plain columns.
        if declared.upper() in _AFFINITIES and plain is not None and not _is_column(plain.get(name), kind, schema):
            kind = None
        holders = [c for table in schema.values() for c in table.columns if c.name == name]
        never_null = kind is not None and not unsure and bool(holders) and all(c.not_null for c in holders)
        columns.append(ResultColumn(name, kind, not never_null))
    return columns


def _is_column(name: str | None, kind: ColumnType | None, schema: Schema) -> bool:
    return any(column.name == name and column.type == kind for table in schema.values() for column in table.columns)


def returning_columns(sql: str) -> list[str]:
    """The column names of a RETURNING clause, by its text."""
    pairs = [(kind, text) for kind, text in sqltext.tokens(sqltext.stripped(sql)) if kind not in {"space", "comment"}]
    starts = [position for position, (_, text) in enumerate(pairs) if text.lower() == "returning"]
    if not starts:
        return []
    names, depth, last = [], 0, ""
    for kind, text in pairs[starts[-1] + 1 :]:
        depth += {"(": 1, ")": -1}.get(text, 0)
        if text == "," and depth == 0:
            names.append(last)
        elif depth == 0 and kind in {"word", "quoted"}:
            last = text.strip('"`[]')
    return [*names, last]
