"""SQL as text: what stands in for binds means the same, and no comment or quote hides anything."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from awm_lib import sqltext
from awm_lib.errors import SqlError

_CONNECTION = sqlite3.connect(":memory:")
_TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=30)
_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_subnormal=False), _TEXT
)


def run(sql: str, values: dict[str, Any] | None = None) -> Any:
    """The first row of a query, with the types that SQLite sees."""
    return _CONNECTION.execute(sql, values or {}).fetchone()


@settings(deadline=None, max_examples=200)
@given(_VALUES)
@example(-0.0)
@example(1e308)
@example(-(2**63))
@example("it's -- /* ' :a")
def test_a_literal_is_the_value_that_would_be_bound(value: Any) -> None:
    query = "SELECT :a, typeof(:a), :a IS :a"
    shown, kind, _ = run(sqltext.with_literals(query, {"a": value}))
    bound, bound_kind, _ = run(query, {"a": value})
    assert (shown, kind) == (bound, bound_kind)


@settings(deadline=None, max_examples=100)
@given(st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6), st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6))
def test_a_literal_stands_in_any_expression(a: float, b: float) -> None:
    query = "SELECT 10-:a-:b, -:a, :a*-:b, :a||:b, :a<:b"
    assert run(sqltext.with_literals(query, {"a": a, "b": b})) == run(query, {"a": a, "b": b})


def test_numbers_that_are_none_are_literals_too() -> None:
    query = "SELECT :a, typeof(:a)"
    for value in (float("inf"), float("-inf"), float("nan")):
        assert run(sqltext.with_literals(query, {"a": value})) == run(query, {"a": value})


def test_only_binds_are_replaced() -> None:
    sql = """SELECT ':a', ":a", [:a], `:a`, :a, :ab -- :a\n, /* :a */ :a FROM t"""
    assert sqltext.binds(sql) == {"a", "ab"}
    assert (
        sqltext.with_literals(sql, {"a": 1}) == """SELECT ':a', ":a", [:a], `:a`, 1, :ab -- :a\n, /* :a */ 1 FROM t"""
    )
    assert sqltext.with_nulls("SELECT :a + :b") == "SELECT NULL + NULL"


@pytest.mark.parametrize("sql", ["SELECT ?", "SELECT ?1", "SELECT @a", "SELECT $a"])
def test_other_kinds_of_bind_are_refused(sql: str) -> None:
    with pytest.raises(SqlError, match="write :name"):
        sqltext.binds(sql)


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=60) | st.text("'\"`[]/*-:;(), \nSELECTab1", max_size=40))
def test_tokens_are_the_whole_statement(sql: str) -> None:
    assert "".join(text for _, text in sqltext.tokens(sql)) == sql


@pytest.mark.parametrize(
    ("sql", "single"),
    [
        ("SELECT 1", True),
        ("SELECT 1;", True),
        ("SELECT 1; -- done", True),
        ("SELECT ';'", True),
        ("SELECT 1 /* ; */", True),
        ("SELECT 1; SELECT 2", False),
        ("SELECT 1;;", False),
        ("SELECT 1 /* ' */; DELETE FROM t --'", False),
        ("SELECT '/*'; DELETE FROM t /* '*/", False),
        ('SELECT "a;b"', True),
        ("SELECT 1 -- '\n; DELETE FROM t", False),
    ],
)
def test_one_statement_is_told_from_several(sql: str, single: bool) -> None:
    assert sqltext.is_single(sql) is single


@pytest.mark.parametrize(
    ("sql", "query"),
    [
        ("SELECT 1", True),
        ("  /* a */ select 1", True),
        ("WITH a AS (SELECT 1) SELECT * FROM a", True),
        ("VALUES (1)", True),
        ("DELETE FROM t", False),
        ("WITH a AS (SELECT 1) DELETE FROM t", False),
        ("WITH a AS (SELECT 1) INSERT INTO t SELECT 1", False),
        ("PRAGMA foreign_keys", False),
        ("", False),
        ("EXPLAIN SELECT 1", False),
        ("SELECT replace('a', 'b', 'c')", True),
        ("REPLACE INTO t VALUES (1)", False),
        ("WITH a AS (SELECT 1) REPLACE INTO t SELECT 1", False),
    ],
)
def test_a_query_is_told_from_a_write(sql: str, query: bool) -> None:
    assert sqltext.is_query(sql) is query


@pytest.mark.parametrize(
    ("sql", "rest"),
    [
        (" SELECT 1 ; ", "SELECT 1"),
        ("SELECT 1 -- note", "SELECT 1"),
        ("SELECT 1; /* a */ -- b\n;\n", "SELECT 1"),
        ("SELECT '--'", "SELECT '--'"),
        ("SELECT 1 -- a\n, 2", "SELECT 1 -- a\n, 2"),
        ("", ""),
        (";", ""),
    ],
)
def test_what_stands_after_a_statement_is_taken_off(sql: str, rest: str) -> None:
    assert sqltext.stripped(sql) == rest


@pytest.mark.parametrize(
    ("sql", "term"),
    [
        ("SELECT a FROM t ORDER BY a, id", "id"),
        ("SELECT a FROM t ORDER BY t.a DESC", "a"),
        ("SELECT a FROM t", None),
        ("SELECT a FROM (SELECT a FROM t ORDER BY b)", None),
        ('SELECT a FROM t ORDER BY "id" ASC NULLS LAST', "id"),
        ("SELECT (SELECT x FROM u ORDER BY x) FROM t ORDER BY max(a), key", "key"),
        ("SELECT a ORDER BY a -- , id", "a"),
    ],
)
def test_the_last_term_of_the_order_is_found(sql: str, term: str | None) -> None:
    assert sqltext.last_order_term(sql) == term


def test_a_limit_counts_at_the_top_only() -> None:
    assert sqltext.has_limit("SELECT a FROM t LIMIT 3")
    assert not sqltext.has_limit("SELECT a FROM (SELECT a FROM t LIMIT 3)")
    assert not sqltext.has_limit("SELECT 'limit' FROM t")


STATEMENTS = [
    "SELECT a, b FROM t LEFT JOIN u ON u.id = t.id AND u.x BETWEEN 1 AND 5 WHERE a = 'from  where\nand' "
    "AND (b = 1 AND c = 2) "
    "GROUP BY a HAVING count(*) > 1 ORDER BY a, b LIMIT 3",
    "INSERT INTO t (a, b) VALUES (:a, 'x; y') ON CONFLICT (a) DO UPDATE SET b = excluded.b RETURNING id",
    "SELECT " + ", ".join(f"'a text of some length {n}' AS c{n}" for n in range(12)),
    "WITH a AS (SELECT 1 AS n UNION ALL SELECT 2) SELECT CASE WHEN n = 1 THEN 'one' ELSE \"n\" END FROM a",
    "SELECT 'a -- no comment', '/* none */' -- a comment\nFROM t",
]


@pytest.mark.parametrize("sql", STATEMENTS)
@pytest.mark.parametrize("width", [30, 60, 100, 10_000])
def test_layout_changes_nothing_but_white_space(sql: str, width: int) -> None:
    def significant(text: str) -> list[str]:
        return [part for kind, part in sqltext.tokens(text) if kind not in ("space", "comment")]

    assert significant(sqltext.pretty(sql, width)) == significant(sql)
