"""schema.sql and seed.json -> seed.sqlite: the same bytes for the same inputs under one SQLite version."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence

from awm_lib import sqltext
from awm_lib.contracts.seed import Seed
from awm_lib.errors import ContractError, SqlError
from awm_lib.memo import Memo, digest
from awm_lib.runtime import clock as clocks
from awm_lib.runtime.clock import Clock
from awm_lib.runtime.schema import read_schema
from awm_lib.runtime.state import State

PAGE_SIZE = 1024
"""Small pages keep episodes small: 1,024 episodes of 18 tables take 201 MB (494 MB at 4096)."""


BUILD_TIME = "2025-01-01 00:00:00"
"""What the clock functions say while a seed is built, should a default or a generated column use them."""

_IMAGES: Memo[bytes] = Memo(16)


def build_database(schema: str, seed: Seed) -> bytes:
    """The bytes of seed.sqlite.

    Raises SqlError if the DDL does not load, ContractError if a row breaks a constraint, with table and row.
    """
    return _IMAGES.get(digest(schema, seed), lambda: _build(schema, seed))


def _build(schema: str, seed: Seed) -> bytes:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        connection.execute("PRAGMA foreign_keys = ON")
        clocks.install(connection, Clock(BUILD_TIME))
        create_tables(connection, schema)
        read_schema(connection)
        connection.execute("BEGIN")
        connection.execute("PRAGMA defer_foreign_keys = ON")
        for table in seed.tables:
            _insert(connection, table.table, table.columns, table.rows)
        broken = connection.execute("PRAGMA foreign_key_check").fetchone()
        if broken is not None:
            raise ContractError(_broken_reference(connection, *broken))
        connection.execute("COMMIT")
        connection.execute("VACUUM")
        return connection.serialize()
    finally:
        connection.close()


def create_tables(connection: sqlite3.Connection, schema: str) -> None:
    """Run the DDL, which may only create tables and indexes (and views). Raises SqlError with the statement."""
    refused: list[str] = []
    allowed = {
        sqlite3.SQLITE_CREATE_TABLE, sqlite3.SQLITE_CREATE_INDEX, sqlite3.SQLITE_CREATE_VIEW, sqlite3.SQLITE_INSERT,
        sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_READ, sqlite3.SQLITE_SELECT, sqlite3.SQLITE_REINDEX,
        sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_TRANSACTION,
    }  # fmt: skip

    def authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
        writes = action in (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE)
        if action in allowed and not (writes and not str(first).startswith("sqlite_")):
            return sqlite3.SQLITE_OK
        refused.append(f"schema.sql may only create tables, indexes and views (refused: {first or second or action})")
        return sqlite3.SQLITE_DENY

    connection.set_authorizer(authorize)
    try:
        for statement in statements(schema):
            try:
                connection.execute(statement)
            except sqlite3.Error as error:
                head = " ".join(statement.split())[:80]
                raise SqlError(f"schema.sql: {refused[0] if refused else error} in: {head}") from None
    finally:
        connection.set_authorizer(None)


def statements(script: str) -> list[str]:
    """A script's statements."""
    found, current = [], ""
    for kind, text in sqltext.tokens(script):
        if kind == "symbol" and text == ";":
            found.append(current.strip())
            current = ""
        else:
            current += text
    found.append(current.strip())
    return [text for text in found if any(kind not in ("space", "comment") for kind, _ in sqltext.tokens(text))]


def _insert(connection: sqlite3.Connection, table: str, columns: list[str], rows: Sequence[Sequence[object]]) -> None:
    if not rows:
        return
    marks = ", ".join("?" * len(columns))
    names = ", ".join(f'"{column}"' for column in columns)
    statement = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'
    for number, row in enumerate(rows, 1):
        try:
            connection.execute(statement, row)
        except sqlite3.Error as error:
            shown = json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False, default=str)[:300]
            raise ContractError(f"seed.json: table {table}, row {number}: {error}: {shown}") from None


def _broken_reference(connection: sqlite3.Connection, table: str, rowid: int | None, parent: str, number: int) -> str:
    columns = [row[3] for row in connection.execute(f'PRAGMA foreign_key_list("{table}")') if row[0] == number]
    if rowid is None:  # SQLite does not say which row, in a table WITHOUT ROWID
        return f"seed.json: table {table}: a row's {', '.join(columns)} is no row of {parent}"
    value = connection.execute(f'SELECT "{columns[0]}" FROM "{table}" WHERE rowid = ?', (rowid,)).fetchone()
    return f"seed.json: table {table}, row with key {rowid}: {columns[0]} = {value[0]!r} is no row of {parent}"


def content_digest(state: State) -> str:
    """A digest of all rows in order, equal under every SQLite version."""
    digest = hashlib.sha256()
    for name, rows in state.tables.items():
        digest.update(json.dumps([name, [column.name for column in state.schema[name].columns]]).encode())
        for row in rows:
            digest.update(json.dumps(row, ensure_ascii=False).encode() + b"\n")
    return digest.hexdigest()
