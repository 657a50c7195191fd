"""What hostile files and unusual but right agents must meet: each test is a defect that was found by attack."""

from __future__ import annotations

import ast
import json
import os
import sqlite3
import time
from pathlib import Path

import pytest

from awm_lib import sqltext
from awm_lib.compile import server as server_compiler
from awm_lib.contracts.base import read_json
from awm_lib.contracts.scenario import Scenario
from awm_lib.contracts.tasks import Context, User
from awm_lib.errors import ContractError, ExpressionError, SqlError
from awm_lib.expressions import parse
from awm_lib.records import FUNCTIONS
from awm_lib.runtime import database
from awm_lib.runtime.arguments import binder
from awm_lib.runtime.clock import Clock
from awm_lib.runtime.database import Budget
from awm_lib.runtime.schema import read_schema
from awm_lib.runtime.state import State
from awm_lib.textfile import demand_file
from awm_lib.verify.answers import Answer

NOW = "2025-03-01 09:00:00"
BIG = "(SELECT replace(printf('%.10000c', 'a'), 'a', printf('%.20c', 'b')))"


# --- nothing that a stranger wrote is executed ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ['X """\nraise SystemExit(9)\n"""', 'X\\"""\nraise SystemExit(9)\n"""', 'X"', "X\\", "X\x00\r", '""""""']
)
def test_no_text_ends_the_docstring_that_it_stands_in(text: str) -> None:
    source = f'"""Verifiers of x: {sqltext.in_docstring(text)}.\n\nmore\n"""\n'
    module = compile(source, "<test>", "exec")
    namespace: dict[str, object] = {}
    exec(module, namespace)
    assert str(namespace["__doc__"]).startswith("Verifiers of x")


def test_title_and_description_of_a_scenario_stay_text_in_server_py() -> None:
    evil = 'X """\nraise SystemExit(9)\n"""'
    scenario = Scenario(name="shop_1", category="shop", title=evil, description=evil)
    head = server_compiler._head(scenario, "")
    assert not [node for node in ast.parse(head).body if isinstance(node, ast.Raise)]


# --- expressions end, whatever they say -------------------------------------------------------------------------------

SIXTY = '"' + "a" * 60 + '"'
BOMBS = {
    "product of loops": f"len([1 for a in {SIXTY} for b in {SIXTY} for c in {SIXTY} for d in {SIXTY}])",
    "negative digits": "round(5, -99999999)",
    "list in list": "text(" + "[[a, a] for a in " * 25 + "[[1]]" + "]" * 25 + ")",
    "equal lists": "(" + "[[a, a] for a in " * 40 + "[[1]]" + "]" * 40 + ") == 1",
    "texts": "len(" + '[f"{a}{a}" for a in ' * 40 + '["aaaaaaaa"]' + "]" * 40 + ")",
    "records": "text(" + "[{'k': a, 'm': a} for a in " * 25 + "[1]" + "]" * 25 + ")",
}


def squares(depth: int) -> str:
    text = "99999999"
    for _ in range(depth):
        text = f"[a * a for a in [{text}]][0]"
    return text


@pytest.mark.parametrize("source", [*BOMBS.values(), squares(40)], ids=[*BOMBS, "squares"])
def test_an_expression_that_explodes_is_refused_at_once(source: str) -> None:
    began = time.thread_time()
    with pytest.raises(ExpressionError):
        parse(source)(FUNCTIONS)
    assert time.thread_time() - began < 3


# --- statements whose single steps are expensive ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT {BIG} LIKE '%' || printf('%.9000c', 'b') || 'x%'",
        f"SELECT {BIG} GLOB '*' || printf('%.9000c', 'b') || 'x*'",
        f"WITH RECURSIVE k(b) AS (SELECT {BIG}), c(n, x) AS (SELECT 1, 0 UNION ALL SELECT n + 1, "
        "length(replace((SELECT b FROM k), 'b', 'c' || '')) FROM c LIMIT 1000000) SELECT max(x) FROM c",
    ],
    ids=["like", "glob", "replace in a loop"],
)
def test_a_statement_of_expensive_steps_is_stopped(sql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "MAX_SECONDS", 0.5)
    connection = database.connect(Clock(NOW), Budget())
    began = time.thread_time()
    with pytest.raises(sqlite3.Error):
        connection.execute(sql).fetchall()
    assert time.thread_time() - began < 4
    connection.close()


def test_reading_a_state_does_not_count_as_the_call_before() -> None:
    """The backstop measures one call; time between calls is nobody's."""
    budget = Budget()
    assert not budget.tick()
    budget._began -= 100
    assert budget.tick()
    budget.reset()
    assert not budget.tick()


# --- files ------------------------------------------------------------------------------------------------------------


def seed_with(*statements: str) -> sqlite3.Connection:
    connection = database.connect(Clock(NOW))
    for statement in statements:
        connection.execute(statement)
    return connection


@pytest.mark.parametrize(
    "ddl",
    [
        'CREATE TABLE "x""; SELECT 1; --" (id INTEGER PRIMARY KEY)',
        'CREATE TABLE "x"" UNION SELECT 1 --" (id INTEGER PRIMARY KEY)',
        'CREATE TABLE items (id INTEGER PRIMARY KEY, "a(" TEXT)',
        'CREATE TABLE items (id INTEGER PRIMARY KEY, "a""b" TEXT)',
        "CREATE VIRTUAL TABLE items USING fts5(a, b)",
    ],
)
def test_a_schema_with_strange_names_or_virtual_tables_is_one_message(ddl: str) -> None:
    with pytest.raises(SqlError):
        read_schema(seed_with(ddl))


def test_rows_that_cannot_be_read_are_one_message() -> None:
    connection = seed_with(
        "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT)",
        "INSERT INTO items VALUES (1, CAST(x'ffc0ff' AS TEXT))",
    )
    with pytest.raises(SqlError, match="items"):
        State.read(connection, read_schema(connection), NOW)


def test_a_check_that_explodes_is_stopped_when_the_image_is_checked() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("PRAGMA ignore_check_constraints = 1")
    connection.execute("CREATE TABLE z (id INTEGER PRIMARY KEY, CHECK (length(hex(zeroblob(3000000))) > 0))")
    connection.execute("INSERT INTO z VALUES (1)")
    connection.commit()
    with pytest.raises(ContractError):
        database.check_image(connection.serialize(), "seed.sqlite")


def test_devices_pipes_and_directories_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "zero.json").symlink_to("/dev/zero")
    (tmp_path / "dir.json").mkdir()
    for name in ("pipe.json", "zero.json", "dir.json"):
        with pytest.raises(ContractError, match="not a plain file"):
            read_json(tmp_path / name)
        with pytest.raises(ContractError, match="not a plain file"):
            database.read_image(tmp_path / name)
    demand_file(tmp_path / "missing.json")


@pytest.mark.parametrize("now", ["2025-02-31 00:00:00", "0000-01-01 00:00:00", "9999-12-31 23:59:59"])
def test_a_moment_that_no_clock_can_show_is_refused(now: str) -> None:
    with pytest.raises(ValueError, match="is not a moment"):
        Context(now=now, user=User(id=1, name="Ann"))


# --- right agents -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        (Answer("money", 1234.5, unit="USD"), "**$1,234.50**"),
        (Answer("integer", 1, unit="days"), "1 day"),
        (Answer("date", "2026-03-03"), "Tuesday, March 3rd, 2026"),
        (Answer("text", "Jane O'Neil"), "<answer>**Jane O’Neil**</answer>"),
        (Answer("text", "Jane O'Neil"), "“Jane O’Neil”"),
        (Answer("id", "ORD-0012"), "`ORD-0012`"),
        (Answer("id", "ORD-0012"), "ORD-0012."),
        (Answer("list", ["A", "B", "C"]), "A, B, and C"),
        (Answer("list", ["A", "B", "C"]), "['A', 'B', 'C']"),
        (Answer("list", ["A", "B", "C"]), "[A, B, C]"),
    ],
)
def test_equivalent_forms_of_an_answer_are_right(answer: Answer, reply: str) -> None:
    assert answer.accepts(reply)


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        (Answer("list", ["A", "B"]), "A, B and C"),
        (Answer("list", ["A", "B"]), "A and A and B"),
        (Answer("list", ["A", "B"], ordered=True), "B and A"),
        (Answer("list", ["A"]), "[" * 9_000 + "]" * 9_000),
        (Answer("id", "ORD-0012"), "ORD-0012 or ORD-0013"),
        (Answer("integer", 1, unit="days"), "1 or 2 days"),
        (Answer("money", 5), "**5** or **6**"),
    ],
)
def test_hedges_stay_wrong(answer: Answer, reply: str) -> None:
    assert not answer.accepts(reply)


def test_white_space_around_a_text_argument_is_no_part_of_it() -> None:
    from awm_lib.contracts.spec import Parameter

    bind = binder("add_note", [Parameter(name="body", type="string", description="Text")])
    assert bind({"body": " Please call back.\n"}) == {"body": "Please call back."}


# --- a whole environment ----------------------------------------------------------------------------------------------


def test_code_in_a_title_is_never_run(environment_copy: Path, tmp_path: Path) -> None:
    """The title stands in the docstring of verifier.py, which is compiled and run."""
    home = environment_copy
    scenario = json.loads((home / "scenario.json").read_text())
    scenario["title"] = f'X """\nopen({str(tmp_path / "run")!r}, "w")\n"""'
    (home / "scenario.json").write_text(json.dumps(scenario))
    from awm_lib.compile.verifier import compile_verifier
    from awm_lib.runtime.environment import Environment

    (home / "verifier.py").write_text(compile_verifier(Environment.load(home)))
    assert Environment.load(home).verifier("t01") is not None
    assert not (tmp_path / "run").exists()
