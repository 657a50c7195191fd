"""Verdicts: exactly the expected changes are complete, whatever keys and order they come with; nothing else is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from awm_lib.errors import SqlError
from awm_lib.verify import (
    Answer,
    Expected,
    Rules,
    State,
    Verdict,
    contains,
    day,
    delete,
    insert,
    judge,
    key,
    like,
    moment,
    near,
    non_empty,
    unproven,
    update,
    varies,
)
from tests.shop import shop

SHOP = shop()
INITIAL = SHOP.initial
END = "2025-03-04 10:05:00"
Tables = dict[str, list[tuple[Any, ...]]]


def final(change: Callable[[Tables], None] = lambda tables: None) -> State:
    """The initial rows after a change to them, at the end of the episode."""
    tables = {name: list(rows) for name, rows in INITIAL.tables.items()}
    change(tables)
    return State(INITIAL.schema, tables, END)


def verdict(state: State, *expected: Expected, **how: Any) -> Verdict:
    """The verdict on a state when these changes are the right ones."""
    return judge(INITIAL, state, how.pop("answer", None), accepted=[list(expected)], **how)


def order(number: int, note: str | None = None, at: str = END, status: str = "open") -> tuple[Any, ...]:
    """A row of orders."""
    return (number, 1, status, f"ORD-{number:05d}", note, at, "2025-03-11")


def new_order(label: str, **cells: Any) -> Expected:
    """An expected row of orders."""
    found = {
        "user_id": 1,
        "status": "open",
        "reference": like("ORD-", key(label)),
        "note": None,
        "placed_at": moment(),
        "due_on": "2025-03-11",
        **cells,
    }
    return insert("orders", label, found)


def item(label: str, product: int, quantity: int) -> Expected:
    """An expected row of order_items."""
    return insert("order_items", "", {"order_id": key(label), "product_id": product, "quantity": quantity})


# --- renaming and permuting -------------------------------------------------------------------------------------------

_BASKETS = st.lists(
    st.tuples(
        st.sampled_from([None, "gift", "urgent"]),
        st.dictionaries(st.integers(1, 5), st.integers(1, 3), max_size=3),
    ),
    min_size=1,
    max_size=5,
)


def expected_of(baskets: list[tuple[str | None, dict[int, int]]]) -> list[Expected]:
    """The changes of placing some orders, and one row changed and one deleted."""
    found = [update("products", 1, {"stock": 4}), delete("order_items", (3, 4))]
    for number, (note, lines) in enumerate(baskets, 1):
        found.append(new_order(f"orders#{number}", note=note))
        found += [item(f"orders#{number}", product, quantity) for product, quantity in lines.items()]
    return found


def placed(baskets: list[tuple[str | None, dict[int, int]]], numbers: list[int]) -> Callable[[Tables], None]:
    """The same, as rows with some keys."""

    def change(tables: Tables) -> None:
        tables["products"][0] = (*tables["products"][0][:3], 4, *tables["products"][0][4:])
        tables["order_items"].remove((3, 4, 1))
        for (note, lines), number in zip(baskets, numbers, strict=True):
            tables["orders"].append(order(number, note))
            tables["order_items"] += [(number, product, quantity) for product, quantity in lines.items()]
        tables["orders"].sort()
        tables["order_items"].sort()

    return change


@settings(deadline=None, max_examples=80)
@given(_BASKETS, st.data())
def test_new_rows_are_matched_up_to_the_names_of_their_keys(baskets: Any, data: st.DataObject) -> None:
    numbers = data.draw(st.lists(st.integers(4, 99_999), min_size=len(baskets), max_size=len(baskets), unique=True))
    expected = data.draw(st.permutations(expected_of(baskets)))
    found = verdict(final(placed(baskets, numbers)), *expected)
    assert found.complete, found.evidence
    assert (found.partial, found.evidence["missing"], found.evidence["unexpected"]) == (1.0, [], [])


EXTRA: dict[str, Callable[[Tables], None]] = {
    "a row more": lambda tables: tables["users"].append((3, "Cleo", 0)),
    "a row of the kind that is expected": lambda tables: tables["orders"].append(order(100_001)),
    "a cell elsewhere": lambda tables: tables["products"].__setitem__(1, (2, "usb-a cable", 499, 1, "cable", 1)),
    "a cell more of a row that changes": lambda tables: tables["products"].__setitem__(
        0, (1, "usb-c cable", 900, 4, "cable", 1)
    ),
    "a row less": lambda tables: tables["users"].pop(),
    "a row replaced": lambda tables: tables["users"].__setitem__(1, (7, "Ben", 0)),
    "a row of no interest": lambda tables: tables["visits"].append((1, 1, END)),
}


@pytest.mark.parametrize("case", EXTRA)
@settings(deadline=None, max_examples=15)
@given(baskets=_BASKETS)
def test_the_right_changes_and_one_more_are_not_complete(case: str, baskets: Any) -> None:
    right = placed(baskets, list(range(4, 4 + len(baskets))))

    def change(tables: Tables) -> None:
        right(tables)
        EXTRA[case](tables)

    found = verdict(final(change), *expected_of(baskets))
    assert found.result == "others"
    assert found.partial == 0.0
    assert found.evidence["unexpected"]


@settings(deadline=None, max_examples=60)
@given(_BASKETS, st.data())
def test_any_expected_change_left_out_is_missing(baskets: Any, data: st.DataObject) -> None:
    expected = expected_of(baskets)
    left_out = data.draw(st.integers(2, len(expected) - 1))
    assume(expected[left_out].table == "order_items")
    label, product = expected[left_out].cells["order_id"].label, expected[left_out].cells["product_id"]
    at = int(label.split("#")[1]) - 1
    fewer = [
        (note, {p: q for p, q in lines.items() if (number, p) != (at, product)})
        for number, (note, lines) in enumerate(baskets)
    ]
    found = verdict(final(placed(fewer, list(range(4, 4 + len(baskets))))), *expected)
    assert found.result == "others"
    assert found.partial == 0 or found.partial == pytest.approx(1 - 1 / len(expected), abs=1e-4)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_rows_belong_to_the_order_that_they_were_expected_in(a: int, b: int, c: int, d: int) -> None:
    wanted = [("gift", {1: a, 2: b}), ("urgent", {1: c, 2: d})]
    swapped = [("gift", {1: c, 2: b}), ("urgent", {1: a, 2: d})]
    found = verdict(final(placed(swapped, [4, 5])), *expected_of(wanted))
    assert found.complete is (a == c)


def test_many_equal_looking_rows_are_matched_quickly() -> None:
    baskets = [(None, {1: 1, 2: 1 + number % 3}) for number in range(12)]
    began = time.monotonic()
    assert verdict(final(placed(baskets, list(range(40, 28, -1)))), *expected_of(baskets)).complete
    baskets[0] = (None, {1: 1, 2: 9})
    wanted = [(None, {1: 1, 2: 1 + number % 3}) for number in range(12)]
    assert not verdict(final(placed(baskets, list(range(4, 16)))), *expected_of(wanted)).complete
    assert time.monotonic() - began < 5


# --- relations --------------------------------------------------------------------------------------------------------


def ordered(**changes: Any) -> State:
    """A state with one new order, some of its cells changed."""
    columns = [column.name for column in INITIAL.schema["orders"].columns]
    row = dict(zip(columns, order(4, "gift"), strict=True)) | changes
    return final(lambda tables: tables["orders"].append(tuple(row.values())))


CELLS: list[tuple[str, Any, list[Any], list[Any]]] = [
    ("note", "gift", ["gift", " gift ", "gift\n"], ["Gift", "gifts", "", None]),
    ("note", "two  words", ["two words", "two\nwords"], ["twowords", "two words."]),
    ("note", contains("Gift"), ["gift", "a GIFT  for you"], ["gi ft", "", None, 5]),
    ("note", non_empty(), ["x", " x "], ["", "  ", None]),
    ("note", varies(), ["x", "", 0], [None]),
    ("note", None, [None], ["", 0]),
    (
        "placed_at",
        moment(),
        ["2025-03-04 10:00:00", END, "2025-03-04 10:02:00"],
        ["2025-03-04 09:59:59", "2025-03-04 10:05:01", None, 5],
    ),
    (
        "placed_at",
        moment(after=3600),
        ["2025-03-04 11:00:00", "2025-03-04 11:05:00"],
        ["2025-03-04 10:05:00", "2025-03-05 11:00:00"],
    ),
    ("placed_at", moment(after=60, slack=10), ["2025-03-04 10:06:10"], ["2025-03-04 10:06:11", "2025-03-04 10:00:59"]),
    ("due_on", day(after=7), ["2025-03-11"], ["2025-03-10", "2025-03-12", "2025-03-11 00:00:00", None]),
    ("due_on", day(), ["2025-03-04"], ["2025-03-05"]),
    (
        "reference",
        like("ORD-", key("orders#1")),
        ["ORD-00004", "ORD-4"],
        ["ORD-00005", "ORD-4x", "ORD-", "XORD-4", "ORD-00004 ", None],
    ),
    (
        "reference",
        like("R", key("orders#1", plus=100), "/", None),
        ["R104/7", "R104/000"],
        ["R4/7", "R104/", "R104", "R104/x"],
    ),
]


@pytest.mark.parametrize(("column", "expected", "right", "wrong"), CELLS)
def test_a_cell_satisfies_its_relation(column: str, expected: Any, right: list[Any], wrong: list[Any]) -> None:
    cells = {"reference": varies(), "note": varies(), "placed_at": varies(), "due_on": varies(), column: expected}
    for value in right:
        given_note = {} if column == "note" else {"note": "n"}
        found = verdict(ordered(**{column: value, **given_note}), new_order("orders#1", **cells))
        assert found.complete, (value, found.evidence)
    for value in wrong:
        given_note = {} if column == "note" else {"note": "n"}
        assert not verdict(ordered(**{column: value, **given_note}), new_order("orders#1", **cells)).complete, value


def test_a_number_may_be_near() -> None:
    def stock(value: Any) -> State:
        return final(lambda tables: tables["products"].__setitem__(0, (1, "usb-c cable", 899, value, "cable", 1)))

    expected = update("products", 1, {"stock": near(10, 2)})
    assert [verdict(stock(value), expected).complete for value in (8, 10, 12, 12.5, 7, "10", None)] == [
        True,
        True,
        True,
        False,
        False,
        False,
        False,
    ]


def test_a_key_is_one_row_in_all_cells() -> None:
    def two(first: int, second: int) -> State:
        def change(tables: Tables) -> None:
            tables["orders"] += [order(4, "gift"), order(5, "urgent")]
            tables["order_items"] += [(first, 1, 1), (second, 2, 1)]

        return final(change)

    expected = [new_order("orders#1", note="gift"), new_order("orders#2", note="urgent")]
    expected += [item("orders#1", 1, 1), item("orders#2", 2, 1)]
    assert verdict(two(4, 5), *expected).complete
    assert not verdict(two(5, 4), *expected).complete
    assert not verdict(two(4, 4), *expected).complete


# --- updates, deletes, rules ------------------------------------------------------------------------------------------


def cancelled(number: int, **also: Any) -> State:
    """A state with an order cancelled."""
    columns = [column.name for column in INITIAL.schema["orders"].columns]

    def change(tables: Tables) -> None:
        row = dict(zip(columns, tables["orders"][number - 1], strict=True)) | {"status": "cancelled"} | also
        tables["orders"][number - 1] = tuple(row.values())

    return final(change)


def test_an_update_is_of_that_row_and_those_columns() -> None:
    expected = update("orders", 1, {"status": "cancelled"})
    assert verdict(cancelled(1), expected).complete
    assert not verdict(cancelled(3), expected).complete
    assert not verdict(cancelled(1, note="sorry"), expected).complete
    assert verdict(cancelled(1, note="sorry"), expected, rules=Rules.of(ignored=[("orders", "note")])).complete
    assert not verdict(cancelled(1, note="sorry"), expected, rules=Rules.of(ignored=[("users", "note")])).complete


def test_a_delete_is_of_that_row() -> None:
    expected = delete("order_items", (1, 3))
    assert verdict(final(lambda tables: tables["order_items"].remove((1, 3, 2))), expected).complete
    assert not verdict(final(lambda tables: tables["order_items"].remove((2, 1, 1))), expected).complete
    assert not verdict(final(), expected).complete


def test_a_history_table_takes_extra_rows_only() -> None:
    rules = Rules.of(history=["visits"])
    visited = final(lambda tables: tables["visits"].append((1, 1, END)))
    assert verdict(visited, rules=rules).complete
    assert not verdict(visited).complete
    changed = final(lambda tables: tables["users"].append((3, "Cleo", 0)))
    assert not verdict(changed, rules=rules).complete


def test_any_of_the_accepted_sets_is_right_but_no_mixture() -> None:
    sets = [[update("orders", 1, {"status": "cancelled"})], [update("orders", 3, {"status": "cancelled"})]]
    assert judge(INITIAL, cancelled(1), None, accepted=sets).complete
    assert judge(INITIAL, cancelled(3), None, accepted=sets).complete
    both = cancelled(1).tables["orders"][:2] + cancelled(3).tables["orders"][2:]
    assert not judge(INITIAL, final(lambda tables: tables.update(orders=both)), None, accepted=sets).complete


# --- goal, answer, partial --------------------------------------------------------------------------------------------


def test_the_goal_must_hold_too() -> None:
    assert judge(INITIAL, INITIAL, None, goal="SELECT 1").complete
    found = judge(INITIAL, INITIAL, None, goal="SELECT count(*) > 3 FROM orders")
    assert (found.result, found.evidence["goal"]) == ("others", False)
    assert judge(INITIAL, INITIAL, None, goal="SELECT count(*) = 0 FROM orders EXCEPT SELECT 0").result == "others", (
        "no row"
    )


def test_a_goal_compares_before_and_after() -> None:
    episode = SHOP.start()
    goal = "SELECT (SELECT count(*) FROM orders) = (SELECT count(*) FROM initial.orders) + 1"
    assert not judge(INITIAL, episode.state(), None, goal=goal).evidence["goal"]
    episode.call("order_product", {"product_id": 1})
    assert judge(INITIAL, episode.state(), None, goal=goal).evidence["goal"] is True


@pytest.mark.parametrize(
    "goal",
    [
        "DELETE FROM orders RETURNING 1",
        "SELECT 1; SELECT 1",
        "PRAGMA foreign_keys",
        "ATTACH ':memory:' AS x",
        "SELECT random()",
        "INSERT INTO initial.users (name) VALUES ('x') RETURNING 1",
        "SELECT load_extension('x')",
        "WITH a AS (SELECT 1) DELETE FROM users",
        "SELECT totl FROM orders",
        "",
        "COMMIT",
        "SELECT 1 /* ; */; DELETE FROM users",
    ],
)
def test_a_goal_is_one_query_and_nothing_else(goal: str) -> None:
    with pytest.raises(SqlError):
        judge(INITIAL, INITIAL, None, goal=goal)
    assert judge(INITIAL, INITIAL, None, goal="SELECT count(*) = 2 FROM initial.users").complete, "nothing was changed"
    assert judge(INITIAL, INITIAL, None, goal="SELECT count(*) = 3 FROM orders").complete


def test_a_goal_that_runs_away_is_stopped() -> None:
    goal = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c"
    began = time.monotonic()
    with pytest.raises(SqlError, match="interrupted"):
        judge(INITIAL, INITIAL, None, goal=goal)
    assert time.monotonic() - began < 5


def test_an_answer_decides_beside_the_state() -> None:
    answer = Answer("money", 38.97, unit="USD")
    assert judge(INITIAL, INITIAL, "38.97", expected_answer=answer).complete
    assert judge(INITIAL, INITIAL, "39", expected_answer=answer).result == "others"
    assert judge(INITIAL, INITIAL, None, expected_answer=answer).partial == 0.0
    wrong_state = judge(INITIAL, cancelled(1), "38.97", expected_answer=answer)
    assert (wrong_state.result, wrong_state.partial) == ("others", 0.0)
    shown = judge(INITIAL, INITIAL, "It is <answer>38.97</answer>", expected_answer=answer).evidence["answer"]
    assert shown == {"submitted": "38.97", "expected": 38.97, "right": True}


def test_partial_is_the_share_of_changes_and_less_than_one_unless_complete() -> None:
    expected = [update("orders", 1, {"status": "cancelled"}), update("orders", 3, {"status": "cancelled"})]
    assert verdict(final(), *expected).partial == 0.0
    assert verdict(cancelled(1), *expected).partial == 0.5
    whole = verdict(cancelled(1), expected[0], answer="no", expected_answer=Answer("text", "yes"))
    assert (whole.result, whole.partial) == ("others", 0.5)
    assert verdict(cancelled(1), expected[0], goal="SELECT 0").partial == 0.5


def test_evidence_names_what_is_missing_and_unexpected_in_the_agents_values() -> None:
    bad = final(lambda tables: tables["products"].__setitem__(0, (1, "usb-c cable", 999, 5, "cable", 1)))
    evidence = verdict(bad, new_order("orders#1")).evidence
    assert evidence["missing"][0]["table"] == "orders"
    assert evidence["unexpected"][0]["after"]["price"] == 9.99
    assert evidence["unexpected"][0]["key"] == [1]


def test_a_verdict_is_plain_data() -> None:
    import json

    found = verdict(ordered(), new_order("orders#1", note="gift", placed_at=moment(), due_on=day(7)))
    assert json.loads(json.dumps(found.plain()))["result"] == "complete"


def test_what_is_not_proven_is_never_complete() -> None:
    assert unproven("its solution fails").plain() == {
        "result": "others",
        "partial": 0.0,
        "evidence": {"unproven": "its solution fails"},
    }


def test_doing_nothing_is_right_only_where_nothing_is_asked() -> None:
    assert judge(INITIAL, INITIAL, None).complete
    assert not verdict(final(), new_order("orders#1")).complete


@pytest.mark.parametrize("count", [8, 20])
def test_equal_parents_are_told_apart_by_their_children(count: int) -> None:
    """All orders look the same; only the rows that refer to them say which is which."""
    lines = [{1 + number % 5: 1 + number // 5} for number in range(count)]
    by_table = sorted(expected_of([(None, line) for line in lines]), key=lambda item: item.table == "order_items")
    right = final(placed([(None, line) for line in lines], list(range(50, 50 - count, -1))))
    assert verdict(right, *by_table).complete
    lines[0] = {1: 9}
    wrong = final(placed([(None, line) for line in lines], list(range(50, 50 - count, -1))))
    began = time.monotonic()
    assert not verdict(wrong, *by_table).complete
    assert time.monotonic() - began < 5
