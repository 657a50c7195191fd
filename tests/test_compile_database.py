"""seed.sqlite: the rows that were given, in one transaction, and the same bytes every time."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from awm_lib.compile.database import PAGE_SIZE, build_database, content_digest, statements
from awm_lib.contracts.seed import Seed
from awm_lib.errors import ContractError, SqlError
from tests.shop import ROWS, SCHEMA, shop


def seed(*tables: dict[str, Any]) -> Seed:
    """Some tables' rows."""
    return Seed.parse({"scenario": "shop_1", "tables": list(tables)}, "seed.json")


def opened(image: bytes) -> sqlite3.Connection:
    """A database from its bytes."""
    connection = sqlite3.connect(":memory:")
    connection.deserialize(image)
    return connection


def test_all_rows_are_there_and_the_database_is_sound() -> None:
    connection = opened(build_database(SCHEMA, seed(*ROWS)))
    for table in ROWS:
        found = connection.execute(
            f"SELECT {', '.join(table['columns'])} FROM {table['table']} ORDER BY rowid"
        ).fetchall()
        assert [list(row) for row in found] == table["rows"]
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert connection.execute("PRAGMA page_size").fetchone() == (PAGE_SIZE,)
    assert connection.execute("PRAGMA journal_mode").fetchone() != ("wal",)
    connection.close()


def test_the_bytes_are_the_same_every_time_and_follow_the_rows() -> None:
    first = build_database(SCHEMA, seed(*ROWS))
    assert build_database(SCHEMA, seed(*ROWS)) == first
    other = {**ROWS[0], "rows": [[1, "Ada", 5001], [2, "Ben", 0]]}
    assert build_database(SCHEMA, seed(other, *ROWS[1:])) != first


def test_values_of_all_kinds_come_back() -> None:
    values = [None, 0, -(2**63), 2**63 - 1, 1.5, True, "", "é 日本 🎉", "it's", "x" * 10_000]
    columns = [f"c{number}" for number in range(len(values))]
    ddl = "CREATE TABLE v (" + ", ".join(f"{name} JSON" for name in columns) + ")"
    connection = opened(build_database(ddl, seed({"table": "v", "columns": columns, "rows": [values]})))
    assert list(connection.execute("SELECT * FROM v").fetchone()) == values
    connection.close()


def test_tables_may_refer_to_later_rows() -> None:
    tree = "CREATE TABLE nodes (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES nodes(id))"
    build_database(tree, seed({"table": "nodes", "columns": ["id", "parent_id"], "rows": [[1, 2], [2, None]]}))
    build_database(SCHEMA, seed(*ROWS[::-1]))


BROKEN = [
    ("users", [[1, "Ada", -1]], r"table users, row 1: CHECK constraint failed: credit >= 0: \{.*\"credit\": -1"),
    ("users", [[1, "Ada", 0], [1, "Ben", 0]], "table users, row 2: UNIQUE constraint failed: users.id"),
    ("users", [[1, None, 0]], "table users, row 1: NOT NULL constraint failed: users.name"),
]


@pytest.mark.parametrize(("table", "rows", "message"), BROKEN)
def test_a_row_that_breaks_a_constraint_is_named(table: str, rows: list[list[Any]], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        build_database(SCHEMA, seed({"table": table, "columns": ["id", "name", "credit"], "rows": rows}))


def test_a_reference_to_no_row_is_named() -> None:
    row = {"table": "orders", "columns": ["id", "user_id", "placed_at"], "rows": [[7, 99, "2025-01-01 00:00:00"]]}
    with pytest.raises(ContractError, match="table orders, row with key 7: user_id = 99 is no row of users"):
        build_database(SCHEMA, seed(row))


def test_a_reference_to_no_row_is_named_also_in_tables_without_rowid() -> None:
    ddl = SCHEMA + "CREATE TABLE links (a INTEGER REFERENCES users(id), b INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID;"
    with pytest.raises(ContractError, match="table links"):
        build_database(ddl, seed({"table": "links", "columns": ["a", "b"], "rows": [[9, 1]]}))


@pytest.mark.parametrize(
    ("table", "columns", "message"),
    [("usrs", ["id"], "no such table: usrs"), ("users", ["id", "nme"], "no column named nme")],
)
def test_rows_that_do_not_fit_the_schema_are_named(table: str, columns: list[str], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        build_database(SCHEMA, seed({"table": table, "columns": columns, "rows": [[1] * len(columns)]}))


@pytest.mark.parametrize(
    "ddl",
    [
        "CREATE TABEL t (id INTEGER)",
        "CREATE TABLE t (id INTEGER",
        "DROP TABLE users",
        "INSERT INTO users (name) VALUES ('x')",
        "ATTACH '/tmp/x' AS x",
        "PRAGMA writable_schema = 1",
        "CREATE TRIGGER t AFTER INSERT ON users BEGIN DELETE FROM users; END",
        "CREATE VIRTUAL TABLE f USING fts5(a)",
        "SELECT load_extension('x')",
        "VACUUM INTO '/tmp/x'",
        "UPDATE sqlite_master SET sql = ''",
        "CREATE TABLE t AS SELECT * FROM users",
        "DELETE FROM users",
    ],
)
def test_a_schema_only_creates_tables_indexes_and_views(ddl: str) -> None:
    with pytest.raises(SqlError, match=r"schema\.sql"):
        build_database(f"{SCHEMA}\n{ddl};", seed())


def test_a_column_of_a_type_without_meaning_is_named() -> None:
    with pytest.raises(SqlError, match="table t, column picture: the type 'BLOB' has no meaning here"):
        build_database("CREATE TABLE t (id INTEGER PRIMARY KEY, picture BLOB)", seed())


def test_statements_are_told_apart() -> None:
    assert statements(
        "CREATE TABLE a (x TEXT DEFAULT ';'); -- one; two\nCREATE TABLE b (y TEXT) /* ; */;\n\n-- end;\n"
    ) == [
        "CREATE TABLE a (x TEXT DEFAULT ';')",
        "-- one; two\nCREATE TABLE b (y TEXT) /* ; */",
    ]


def test_the_content_digest_is_of_rows_in_order_not_of_bytes() -> None:
    digest = content_digest(shop().initial)
    assert content_digest(shop(rows=[{**table, "rows": table["rows"][::-1]} for table in ROWS]).initial) == digest
    fewer = [ROWS[0], ROWS[1], ROWS[2], {**ROWS[3], "rows": ROWS[3]["rows"][:2]}]
    assert content_digest(shop(rows=fewer).initial) != digest
    assert (
        content_digest(
            shop(schema=SCHEMA.replace("note TEXT", "remark TEXT"), spec={"scenario": "shop_1"}, rows=ROWS[:2]).initial
        )
        != digest
    )
