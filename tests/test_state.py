"""States and their differences: what changed, whole and nothing else."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from awm_lib.compile.database import build_database
from awm_lib.contracts.seed import Seed
from awm_lib.runtime import database
from awm_lib.runtime.clock import Clock
from awm_lib.runtime.schema import read_schema
from awm_lib.runtime.state import Change, State, changes
from tests.shop import NOW, shop

SCHEMA = """
CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, credit MONEY, seen BOOLEAN);
CREATE TABLE pairs (left_id INTEGER, right_id INTEGER, note TEXT, PRIMARY KEY (left_id, right_id)) WITHOUT ROWID;
CREATE TABLE codes (code TEXT PRIMARY KEY, value REAL);
CREATE TABLE notes (text TEXT);
"""

_EMPTY = database.connect(Clock(NOW))
database.load(_EMPTY, build_database(SCHEMA, Seed(scenario="x", tables=[])))
TABLES = read_schema(_EMPTY)

_TEXTS = st.sampled_from(["", "a", "A", "é", "日本", "it's", "x" * 30])
_ROWS = {
    "people": st.tuples(
        st.integers(-3, 12), st.none() | _TEXTS, st.none() | st.integers(-5, 5), st.sampled_from([0, 1, None])
    ),
    "pairs": st.tuples(st.integers(0, 4), st.integers(0, 4), _TEXTS),
    "codes": st.tuples(_TEXTS, st.none() | st.floats(-9, 9)),
    "notes": st.tuples(st.none() | _TEXTS, st.integers(1, 9)),
}
_KEYS = {"people": (0,), "pairs": (0, 1), "codes": (0,), "notes": (1,)}
_CONTENT = st.fixed_dictionaries(
    {
        name: st.lists(rows, max_size=8, unique_by=lambda row, at=_KEYS[name]: tuple(row[i] for i in at))
        for name, rows in _ROWS.items()
    }
)


def state(content: dict[str, list[tuple[Any, ...]]]) -> State:
    """A state with these rows (those of ``notes`` with their rowid last)."""
    ordered = {
        name: sorted(rows, key=lambda row, at=_KEYS[name]: [row[i] for i in at]) for name, rows in content.items()
    }
    return State(TABLES, ordered, NOW)


def applied(initial: State, found: list[Change]) -> dict[str, set[tuple[Any, ...]]]:
    """The rows of a state after some changes, each of which must fit."""
    tables = {name: dict(initial.keyed(name)) for name in initial.schema}
    for change in found:
        rows = tables[change.table]
        columns = [column.name for column in initial.schema[change.table].columns]
        tail = change.key if initial.schema[change.table].key == ("rowid",) else ()
        if change.before is not None:
            assert rows.pop(change.key) == (*(change.before[name] for name in columns), *tail)
        else:
            assert change.key not in rows
        if change.after is not None:
            rows[change.key] = (*(change.after[name] for name in columns), *tail)
    return {name: set(rows.values()) for name, rows in tables.items()}


@settings(deadline=None, max_examples=60)
@given(_CONTENT, _CONTENT)
def test_the_difference_applied_to_the_first_state_gives_the_second(one: Any, two: Any) -> None:
    initial, final = state(one), state(two)
    assert applied(initial, changes(initial, final)) == {name: set(rows) for name, rows in final.tables.items()}


@settings(deadline=None, max_examples=60)
@given(_CONTENT, _CONTENT)
def test_the_difference_has_each_row_once_and_nothing_that_is_equal(one: Any, two: Any) -> None:
    found = changes(state(one), state(two))
    assert len({(change.table, change.key) for change in found}) == len(found)
    assert all(change.before != change.after and change.columns for change in found)
    assert [change.table for change in found] == sorted((c.table for c in found), key=list(TABLES).index)


@settings(deadline=None, max_examples=60)
@given(_CONTENT)
def test_equal_states_have_no_difference(content: Any) -> None:
    assert changes(state(content), state({name: list(rows) for name, rows in content.items()})) == []


@settings(deadline=None, max_examples=60)
@given(_CONTENT, _CONTENT)
def test_the_difference_backwards_is_the_opposite(one: Any, two: Any) -> None:
    opposite = {"insert": "delete", "delete": "insert", "update": "update"}
    there = {(c.table, c.key, c.kind) for c in changes(state(one), state(two))}
    back = {(c.table, c.key, opposite[c.kind]) for c in changes(state(two), state(one))}
    assert there == back


def test_a_database_reads_back_as_its_rows() -> None:
    connection = database.connect(Clock(NOW))
    database.load(connection, build_database(SCHEMA, Seed(scenario="x", tables=[])))
    connection.execute("INSERT INTO people VALUES (2, 'Bo', 150, 1), (1, NULL, NULL, NULL)")
    connection.execute("INSERT INTO pairs VALUES (2, 1, 'b'), (1, 2, 'a')")
    connection.execute("INSERT INTO notes VALUES ('one'), ('two')")
    found = State.read(connection, TABLES, NOW)
    assert found.tables == {
        "people": [(1, None, None, None), (2, "Bo", 150, 1)],
        "pairs": [(1, 2, "a"), (2, 1, "b")],
        "codes": [],
        "notes": [("one", 1), ("two", 2)],
    }
    assert set(found.keyed("notes")) == {(1,), (2,)}


def test_a_change_is_shown_as_agents_see_values() -> None:
    environment = shop()
    episode = environment.start()
    episode.call("order_product", {"product_id": 1, "note": "gift"})
    shown = [change.plain(environment.schema[change.table]) for change in episode.changes()]
    assert [(item["table"], item["kind"], item["key"]) for item in shown] == [
        ("products", "update", [1]),
        ("orders", "insert", [4]),
        ("order_items", "insert", [4, 1]),
    ]
    assert shown[0]["before"]["price"] == 8.99
    assert shown[0]["after"]["active"] is True
    assert shown[1]["before"] is None
    assert shown[1]["after"]["placed_at"] == "2025-03-04 10:00:01"


def test_sqlites_own_tables_are_no_state() -> None:
    environment = shop()
    assert "sqlite_sequence" not in environment.initial.tables
    episode = environment.start()
    placed = episode.call("order_product", {"product_id": 1}).data["id"]
    connection = episode._store.connection
    connection.execute("DELETE FROM order_items WHERE order_id = ?", (placed,))
    connection.execute("DELETE FROM orders WHERE id = ?", (placed,))
    connection.execute("UPDATE products SET stock = stock + 1 WHERE id = 1")
    assert episode.changes() == [], "only sqlite_sequence differs"


def test_the_state_after_reads_is_the_initial_one() -> None:
    environment = shop()
    episode = environment.start()
    for tool, arguments in (("search_products", {}), ("list_orders", {}), ("get_user", {"user_id": 1})):
        assert episode.call(tool, arguments).ok
    assert episode.changes() == []
    assert episode.row_changes == 0
