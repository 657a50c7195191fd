"""Statements of tools: what may run, and what is refused before it ever runs."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from awm_lib.errors import SqlError
from awm_lib.runtime.environment import Environment
from tests.shop import SPEC, shop

DONE = {"return": "one", "sql": "SELECT 1 AS done"}


def tool(
    program: list[dict[str, Any]], effect: str = "write", parameters: list[dict[str, Any]] | None = None
) -> Environment:
    """The shop with one more tool."""
    spec = copy.deepcopy(SPEC)
    made = {"name": "probe", "summary": "Probe", "effect": effect, "parameters": parameters or [], "program": program}
    spec["tools"].append(made)
    return shop(spec=spec)


def refusal(program: list[dict[str, Any]], effect: str = "write", **more: Any) -> str:
    """Why a tool is refused."""
    with pytest.raises(SqlError) as caught:
        tool(program, effect, **more)
    shown = str(caught.value)
    assert shown.startswith("tool probe")
    return shown


NEVER = [
    "ATTACH ':memory:' AS other",
    "ATTACH '/etc/passwd' AS other",
    "DETACH main",
    "PRAGMA foreign_keys = OFF",
    "PRAGMA user_version",
    "CREATE TABLE t (id INTEGER)",
    "DROP TABLE users",
    "ALTER TABLE users ADD COLUMN x",
    "CREATE TRIGGER t AFTER INSERT ON users BEGIN SELECT 1; END",
    "CREATE VIEW v AS SELECT 1",
    "CREATE TEMP TABLE t (id INTEGER)",
    "VACUUM",
    "VACUUM INTO '/tmp/copy.db'",
    "REINDEX",
    "ANALYZE",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT a",
    "RELEASE a",
    "UPDATE sqlite_sequence SET seq = 0",
    "DELETE FROM sqlite_master",
    "UPDATE users SET credit = random()",
    "UPDATE users SET credit = abs(RANDOM())",
    "UPDATE users SET name = hex(randomblob(4))",
    "UPDATE users SET name = load_extension('x')",
    "UPDATE users SET name = readfile('/etc/passwd')",
    "UPDATE users SET credit = last_insert_rowid()",
    "UPDATE users SET credit = changes()",
    "UPDATE users SET name = zeroblob(9)",
    "UPDATE users SET name = sqlite_version()",
    "EXPLAIN UPDATE users SET credit = 0",
    "QUERY PLAN UPDATE users SET credit = 0",
    "UPDATE users SET credit = 0; DELETE FROM users",
    "UPDATE users SET credit = 0 /* ; */; DELETE FROM users",
    "UPDATE users SET credit = 0 -- '\n; DELETE FROM users --'",
    "",
    "-- nothing",
    "/*",
    "UPDATE",
    "UPDATE users SET credit = ?",
    "UPDATE users SET credit = @a",
    "UPDATE users SET credit = :unknown",
    "UPDATE nothing SET a = 1",
    "UPDATE users SET nothing = 1",
    "INSERT INTO users VALUES (1)",
    "WITH RECURSIVE x AS (SELECT 1) SELECT * FROM x",
    "SELECT 1",
    "INSERT INTO users (name) SELECT name FROM pragma_table_info('users')",
    "INSERT INTO users (name) SELECT sql FROM sqlite_dbpage",
]


@pytest.mark.parametrize("sql", [sql for sql in NEVER if sql and sql != "-- nothing"])
def test_a_statement_that_may_never_run_is_refused(sql: str) -> None:
    refusal([{"run": sql}, DONE])


READS = [
    "UPDATE users SET credit = 0",
    "DELETE FROM users RETURNING id",
    "INSERT INTO users (name) VALUES ('x') RETURNING id",
]


@pytest.mark.parametrize("sql", READS)
def test_a_read_tool_does_not_write(sql: str) -> None:
    assert "which only a tool of effect 'write' may" in refusal([{"run": sql}, DONE], "read")
    assert "only a tool of effect 'write'" in refusal([{"let": "a", "sql": sql}, DONE], "read")
    assert "only a tool of effect 'write'" in refusal([{"return": "rowcount", "sql": sql}], "read")


@pytest.mark.parametrize("sql", READS)
def test_checks_and_results_only_look(sql: str) -> None:
    assert "check takes a SELECT" in refusal([{"check": sql, "error": "conflict", "message": "no"}, DONE])
    assert "return one takes a SELECT" in refusal([{"return": "one", "sql": sql}])


def test_a_write_tool_writes() -> None:
    assert "effect is 'write', but no statement writes" in refusal([DONE])


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ([{"run": "UPDATE orders SET totl = 1"}, DONE], "step 1: no such column: totl; orders has id, user_id, status"),
        (
            [{"return": "one", "sql": "SELECT totl FROM orders"}],
            "step 1: no such column: totl; orders has id, user_id, status",
        ),
        ([{"run": "UPDATE order SET x = 1"}, DONE], "step 1: "),
        ([{"run": "UPDATE ordrs SET x = 1"}, DONE], "no such table: ordrs; there are users, products, orders"),
        ([{"run": "UPDATE users SET credit = :_nwo"}, DONE], "there is no bind :_nwo\n  did you mean '_now'?"),
        (
            [{"let": "a", "sql": "UPDATE users SET credit = 0"}, DONE],
            "let a takes a SELECT or a statement with RETURNING",
        ),
        ([{"let": "a", "sql": "SELECT 1 AS b"}, {"let": "a", "sql": "SELECT 1 AS b"}, DONE], "the bind :a_b is taken"),
        ([{"let": "a", "sql": "SELECT count(*) FROM users"}, DONE], "needs a name: write AS"),
        ([{"let": "a", "sql": "SELECT 1 AS b, 2 AS b"}, DONE], "comes twice"),
        ([{"return": "one", "sql": "SELECT price * 2 FROM products"}], "needs a name: write AS"),
        ([{"return": "one", "sql": "SELECT 1 AS a", "types": [{"column": "b", "type": "money"}]}], "types names 'b'"),
        (
            [{"check": "SELECT 1", "error": "conflict", "message": "no {thing}"}, DONE],
            "its message uses {thing}, which is no bind",
        ),
        ([{"return": "all", "sql": "SELECT id FROM users"}], "return all needs an ORDER BY"),
        (
            [{"return": "all", "sql": "SELECT id, credit FROM users ORDER BY credit"}],
            "credit, is not unique: end in a key",
        ),
        ([{"return": "all", "sql": "SELECT id FROM users ORDER BY id LIMIT 5"}], "leave them out"),
    ],
)
def test_a_mistake_is_named_with_its_place(program: list[dict[str, Any]], message: str) -> None:
    effect = "read" if all("return" in step or "check" in step for step in program) else "write"
    assert message in refusal(program, effect)


def test_statements_that_may_run() -> None:
    program = [
        {"check": "WITH a AS (SELECT 1 AS n) SELECT n FROM a -- fine", "error": "conflict", "message": "no"},
        {
            "let": "made",
            "sql": "INSERT INTO users (name) VALUES ('Cleo') ON CONFLICT (name) DO UPDATE SET credit = 1 "
            "RETURNING id, name AS who",
        },
        {"let": "other", "sql": "SELECT replace(:made_who, 'C', 'K') AS name"},
        {"run": "REPLACE INTO visits (id, user_id, seen_at) SELECT 1, :made_id, :_now;"},
        {"run": "WITH a AS (SELECT :made_id AS id) DELETE FROM visits WHERE user_id IN (SELECT id FROM a)"},
        {
            "return": "one",
            "sql": "SELECT :made_who || '/' || :other_name AS names, count(*) OVER () AS n FROM json_each('[1]')",
        },
    ]
    assert tool(program).start().call("probe").data == {"names": "Cleo/Kleo", "n": 1}


def test_a_program_knows_what_it_reads_and_writes() -> None:
    found = shop().tools["order_product"]
    assert found.written == {"orders", "order_items", "products"}
    assert {"orders", "products"} <= found.reads
    assert shop().tools["list_orders"].written == frozenset()


def test_result_columns_take_the_tables_types() -> None:
    columns = {column.name: (column.type, column.nullable) for column in shop().tools["search_products"].columns}
    assert columns == {
        "id": ("integer", False),
        "name": ("string", False),
        "price": ("money", False),
        "stock": ("integer", False),
        "active": ("boolean", False),
    }


def test_an_outer_join_may_give_nulls() -> None:
    sql = "SELECT u.id, p.price FROM users u LEFT JOIN products p ON p.id = u.id + 100 ORDER BY u.id"
    made = tool([{"return": "all", "sql": sql}], "read")
    assert {column.name: column.nullable for column in made.tools["probe"].columns}["price"] is True
    assert made.start().call("probe").data["items"][0] == {"id": 1, "price": None}


def test_published_schemas_are_json_schemas_that_results_keep() -> None:
    import jsonschema

    environment = shop()
    episode = environment.start()
    calls: list[tuple[str, dict[str, Any]]] = [
        ("search_products", {}),
        ("get_product", {"product_id": 1}),
        ("order_product", {"product_id": 1}),
        ("list_orders", {}),
        ("cancel_order", {"order_id": 1}),
        ("set_note", {"order_id": 2, "note": "x"}),
        ("get_user", {"user_id": 1}),
    ]
    for name, arguments in calls:
        schema = environment.tools[name].output_schema
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(episode.call(name, arguments).data, schema)
