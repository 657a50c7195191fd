"""The changes that a verifier expects, derived from real runs: constants where they hold, relations elsewhere."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awm_lib.errors import SynthesisError
from awm_lib.oracles.relations import Derived, derive
from awm_lib.oracles.replay import replay
from awm_lib.oracles.shifted import start_shifted
from awm_lib.runtime import database
from awm_lib.runtime.clock import Clock
from awm_lib.runtime.environment import Environment
from awm_lib.runtime.episode import Episode, Snapshot
from awm_lib.verify import contains, day, key, like, moment, near, non_empty, varies
from tests.shop import ORACLE, SPEC, TASKS, shop

SHOP = shop()


def parts(environment: Environment, task: str) -> Any:
    """A task and its solution."""
    found = next(item for item in environment.tasks.tasks if item.id == task)
    return environment, found, next(item for item in environment.oracle.solutions if item.task == task)


def derived(task: str = "t01", **fields: Any) -> Derived:
    """What a task's solution shows, with fields of the solution replaced."""
    oracle = copy.deepcopy(ORACLE)
    oracle["solutions"][int(task[1:]) - 1].update(fields)
    return derive(*parts(shop(oracle=oracle), task))


def tooled(program: list[dict[str, Any]], **more: Any) -> Environment:
    """The shop with t01 solved by one call of a tool ``probe``."""
    spec, oracle = copy.deepcopy(SPEC), copy.deepcopy(ORACLE)
    done = {"return": "one", "sql": "SELECT 1 AS done"}
    spec["tools"].append({"name": "probe", "summary": "Probe", "effect": "write", "program": [*program, done]})
    oracle["solutions"][0].update(
        {"calls": [{"id": "probed", "tool": "probe"}], "selections": [], "goal": None, **more}
    )
    return shop(spec=spec, oracle=oracle)


def test_an_order_is_expected_with_its_relations() -> None:
    stock, order, item = derived().accepted[0]
    assert (stock.kind, stock.table, stock.key, stock.cells) == ("update", "products", (1,), {"stock": 3})
    assert (order.kind, order.table, order.label) == ("insert", "orders", "orders#1")
    assert order.cells == {
        "user_id": 1,
        "status": "open",
        "reference": like("ORD-", key("orders#1")),
        "note": None,
        "placed_at": moment(),
        "due_on": day(7),
    }
    assert item.cells == {"order_id": key("orders#1"), "product_id": 1, "quantity": 2}


def test_a_question_expects_no_change_and_its_answer() -> None:
    found = derived("t02")
    assert (found.accepted, found.answer) == ([[]], 38.97)


def test_a_key_that_meets_an_equal_number_is_no_constant() -> None:
    """The new order is number 4 in the plain run; a quantity of 4 must stay a 4."""
    program = [
        {"let": "order", "sql": "INSERT INTO orders (user_id, placed_at) VALUES (1, :_now) RETURNING id"},
        {"run": "INSERT INTO order_items (order_id, product_id, quantity) VALUES (:order_id, 4, 4)"},
    ]
    found = derive(*parts(tooled(program), "t01")).accepted[0]
    assert found[-1].cells == {"order_id": key("orders#1"), "product_id": 4, "quantity": 4}


def test_numbers_and_texts_made_of_keys() -> None:
    program = [
        {"let": "order", "sql": "INSERT INTO orders (user_id, placed_at) VALUES (1, :_now) RETURNING id"},
        {
            "run": "UPDATE orders SET note = 'see ' || id || '/' || (id + 500), "
            "reference = 'A' || substr(:_now, 1, 4) || '-' || id "
            "WHERE id = :order_id"
        },
        {"run": "UPDATE users SET credit = :order_id * 100 WHERE id = 2"},
    ]
    user, order = derive(*parts(tooled(program), "t01")).accepted[0]
    assert order.cells["note"] == like("see ", key("orders#1"), "/", key("orders#1", plus=500))
    assert order.cells["reference"] == like("A2025-", key("orders#1"))
    assert user.cells == {"credit": varies()}, "a multiple of a key is no relation that is known"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (":_now", moment()),
        ("datetime(:_now, '+45 minutes')", moment(2_700)),
        ("datetime(:_now, '-3 hours')", moment(-10_800)),
        ("'2025-09-09 09:00:00'", "2025-09-09 09:00:00"),
    ],
)
def test_moments_follow_the_clock_or_stand(sql: str, expected: Any) -> None:
    program = [{"run": f"INSERT INTO visits (user_id, seen_at) VALUES (1, {sql})"}]
    assert derive(*parts(tooled(program), "t01")).accepted[0][0].cells["seen_at"] == expected


def test_days_follow_the_clock_or_stand() -> None:
    def due(sql: str) -> Any:
        program = [{"run": f"UPDATE orders SET due_on = {sql} WHERE id = 1"}]
        return derive(*parts(tooled(program), "t01")).accepted[0][0].cells["due_on"]

    assert due("date(:_now, '+2 days')") == day(2)
    assert due("'2025-03-06'") == "2025-03-06"


def test_declared_rules_replace_constants() -> None:
    calls = copy.deepcopy(ORACLE["solutions"][0]["calls"])
    calls[1]["arguments"].append({"name": "note", "value": "for 2", "source": "'for 2'"})
    place = {"table": "orders", "column": "note"}
    assert derived(calls=calls).accepted[0][1].cells["note"] == "for 2"
    for rule, expected in (("exact", "for 2"), ("contains", contains("for 2")), ("non_empty", non_empty())):
        assert derived(calls=calls, expect={"text": [{**place, "rule": rule}]}).accepted[0][1].cells["note"] == expected
    tolerance = [{"table": "products", "column": "stock", "within": 1}]
    assert derived(expect={"tolerances": tolerance}).accepted[0][0].cells == {"stock": near(3, 1)}
    ignored = [
        {**place, "reason": "free text"},
        {"table": "products", "column": "stock", "reason": "counted elsewhere"},
    ]
    changes = derived(calls=calls, expect={"ignored": ignored}).accepted[0]
    assert [change.table for change in changes] == ["orders", "order_items"]
    assert "note" not in changes[0].cells


def test_history_tables_are_left_out() -> None:
    program = [
        {"run": "INSERT INTO visits (user_id, seen_at) VALUES (1, :_now)"},
        {"run": "UPDATE users SET credit = 0 WHERE id = 1"},
    ]
    expect = {"history": [{"table": "visits", "reason": "a log"}]}
    assert [item.table for item in derive(*parts(tooled(program, expect=expect), "t01")).accepted[0]] == ["users"]


def test_alternatives_come_after_the_solution_itself() -> None:
    calls = copy.deepcopy(ORACLE["solutions"][0]["calls"])
    calls[1]["arguments"][1] = {"name": "quantity", "value": 1, "source": "1"}
    found = derived(expect={"alternatives": [{"name": "fewer", "calls": calls}]}).accepted
    assert [changes[-1].cells["quantity"] for changes in found] == [2, 1]


def test_a_solution_that_fails_is_named() -> None:
    calls = [{"id": "bought", "tool": "order_product", "arguments": [{"name": "product_id", "value": 2}]}]
    with pytest.raises(SynthesisError, match=r"task t01: the solution fails: call bought .* was refused: conflict"):
        derived(calls=calls)


def test_an_alternative_that_fails_is_named() -> None:
    calls = [{"id": "bought", "tool": "order_product", "arguments": [{"name": "product_id", "value": 99}]}]
    with pytest.raises(SynthesisError, match="alternative other: task t01"):
        derived(expect={"alternatives": [{"name": "other", "calls": calls}]})


def test_a_goal_that_does_not_prepare_is_named() -> None:
    with pytest.raises(SynthesisError, match="task t01, goal: no such column: totl"):
        derived(goal="SELECT totl FROM orders")


def test_a_solution_that_depends_on_the_hour_is_refused() -> None:
    program = [{"run": "UPDATE users SET credit = credit + 1 WHERE id = 1 + (strftime('%H', :_now) > '10')"}]
    with pytest.raises(SynthesisError, match="with another clock and other keys the solution changes other rows"):
        derive(*parts(tooled(program), "t01"))


def elsewhere(seconds: int, keys: dict[str, int]) -> Episode:
    """An episode of the shop with another clock and other next keys."""
    connection = database.connect(Clock(SHOP.context.now))
    database.load(connection, SHOP.image)
    for table, ahead in keys.items():
        changed = connection.execute("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = ?", (ahead, table))
        if not changed.rowcount:
            connection.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (table, ahead))
    return Episode(SHOP, "t01", Snapshot(database.serialize(connection), seconds, 0))


_SHIFTS = st.fixed_dictionaries({}, optional={name: st.integers(0, 10**6) for name in ("orders", "visits", "users")})


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 40_000), _SHIFTS, st.sampled_from(["t01", "t03"]))
def test_the_solution_is_accepted_at_any_time_and_with_any_keys(seconds: int, keys: dict[str, int], task: str) -> None:
    run = replay(*parts(SHOP, task), episode=elsewhere(seconds, keys))
    # The verdict compares with the start of the episode, which a judge knows by its own clock.
    assert run.problems == []
    final = run.episode.state()
    initial = SHOP.initial
    shifted = type(initial)(initial.schema, initial.tables, Clock(SHOP.context.now, seconds).now, initial.image)
    assert SHOP.verifier(task)(shifted, final, None).complete
    run.episode.close()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.sampled_from(["search_products", "list_orders", "get_user", "nonsense"]), max_size=12))
def test_reads_and_refused_calls_before_the_solution_do_no_harm(calls: list[str]) -> None:
    episode = SHOP.start("t01")
    for name in calls:
        episode.call(name, {"user_id": 1} if name == "get_user" else {})
    assert not episode.verify().complete
    replay(*parts(SHOP, "t01"), episode=episode)
    assert episode.verify().complete
    episode.close()


@pytest.mark.parametrize("task", ["t01", "t02", "t03", "t04"])
def test_a_solution_is_accepted_with_shifted_keys_and_a_later_clock(task: str) -> None:
    for how in ({"keys": True}, {"seconds": 1_800}, {"seconds": 1_800, "keys": True}):
        run = replay(*parts(SHOP, task), episode=start_shifted(SHOP, task, **how))
        assert run.episode.verify(None if run.answer is None else str(run.answer), task=task).complete, how
        run.episode.close()


def test_every_other_tasks_solution_is_not_accepted() -> None:
    """t01 and t03 differ in their quantity alone."""
    for task in ("t01", "t02", "t03", "t04"):
        for other in {"t01", "t02", "t03", "t04"} - {task}:
            run = replay(*parts(SHOP, other))
            verdict = run.episode.verify(None if run.answer is None else str(run.answer), task=task)
            assert not verdict.complete, (task, other)
            run.episode.close()


def test_the_tasks_of_the_shop_are_those_that_these_tests_are_about() -> None:
    assert [task["id"] for task in TASKS["tasks"]] == ["t01", "t02", "t03", "t04"]
