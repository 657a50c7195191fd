"""Environments and episodes: what calls give, what they change, and what keeps them apart."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awm_lib.contracts.spec import Spec
from awm_lib.errors import AwmError, ContractError, SqlError, UnknownName
from awm_lib.runtime.environment import Environment
from awm_lib.runtime.episode import Episode
from tests.shop import NOW, SCHEMA, SPEC, TASKS, shop

SHOP = shop()
QUICK = 5.0
"""Seconds within which a call that runs away must have been stopped, on a busy machine."""


def world(
    program: list[dict[str, Any]],
    *,
    effect: str = "write",
    parameters: list[dict[str, Any]] | None = None,
    schema: str = SCHEMA,
) -> Environment:
    """The shop, with one more tool: ``probe``."""
    spec = copy.deepcopy(SPEC)
    tool = {"name": "probe", "summary": "Probe", "effect": effect, "parameters": parameters or [], "program": program}
    spec["tools"].append(tool)
    return shop(spec=spec, schema=schema)


def one(sql: str, **types: str) -> dict[str, Any]:
    """A step that returns one row."""
    return {"return": "one", "sql": sql, "types": [{"column": name, "type": kind} for name, kind in types.items()]}


DONE = one("SELECT 1 AS done")


@pytest.fixture
def episode() -> Iterator[Episode]:
    """A fresh episode of the shop."""
    made = SHOP.start("t01")
    yield made
    made.close()


def kind_of(episode: Episode, tool: str, arguments: dict[str, Any] | None = None) -> str:
    """The kind of error that a call meets."""
    result = episode.call(tool, arguments)
    assert result.error is not None, result.data
    return result.error.kind


# --- results ---------------------------------------------------------------------------------------------------------


def test_money_is_shown_and_taken_as_a_decimal(episode: Episode) -> None:
    result = episode.call("search_products", {"kind": "cable", "max_price": 8.99})
    assert [(item["id"], item["price"]) for item in result.data["items"]] == [(2, 4.99), (1, 8.99)]


def test_booleans_are_booleans(episode: Episode) -> None:
    items = episode.call("search_products").data["items"]
    assert {item["id"]: item["active"] for item in items} == {1: True, 2: True, 3: True, 4: True, 5: False}


def test_a_computed_column_has_the_type_that_the_spec_gives(episode: Episode) -> None:
    assert episode.call("order_product", {"product_id": 1, "quantity": 3}).data["total"] == 26.97


def test_json_columns_come_nested() -> None:
    made = world([one("SELECT json_object('a', json_array(1, 2)) AS record", record="json")], effect="read")
    assert made.start().call("probe").data == {"record": {"a": [1, 2]}}


def test_pages_partition_the_rows_and_know_the_total(episode: Episode) -> None:
    whole = episode.call("search_products").data
    pages = [episode.call("search_products", {"limit": 2, "offset": at}).data for at in range(0, 7, 2)]
    assert [item for page in pages for item in page["items"]] == whole["items"]
    assert {page["total"] for page in pages} == {whole["total"]} == {5}


def test_a_page_past_the_end_is_empty_and_knows_the_total(episode: Episode) -> None:
    assert episode.call("search_products", {"offset": 1_000}).data == {"items": [], "total": 5}


def test_a_comment_at_the_end_of_a_query_hides_no_limit() -> None:
    sql = "SELECT id FROM products ORDER BY id -- by key"
    made = world([{"return": "all", "sql": sql}], effect="read")
    data = made.start().call("probe", {"limit": 2}).data
    assert [item["id"] for item in data["items"]] == [1, 2]
    assert data["total"] == 5


def test_an_error_is_plain_data(episode: Episode) -> None:
    result = episode.call("get_product", {"product_id": 99})
    assert not result.ok
    assert result.plain() == {"error": {"kind": "not_found", "message": "nothing found by get_product"}}


# --- the vocabulary of errors -----------------------------------------------------------------------------------------

BROKEN = {
    "unique": ("INSERT INTO users (name) VALUES ('Ada')", "conflict"),
    "primary key": ("INSERT INTO order_items (order_id, product_id, quantity) VALUES (1, 3, 1)", "conflict"),
    "rowid": ("INSERT INTO users (id, name) VALUES (1, 'Cleo')", "conflict"),
    "foreign key": ("INSERT INTO order_items (order_id, product_id, quantity) VALUES (1, 99, 1)", "not_found"),
    "foreign key, parent deleted": ("DELETE FROM products WHERE id = 3", "not_found"),
    "check": ("UPDATE products SET stock = stock - 100", "invalid_arguments"),
    "enumeration": ("UPDATE orders SET status = 'lost'", "invalid_arguments"),
    "not null": ("UPDATE users SET name = NULL", "invalid_arguments"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_constraint_is_an_error_of_the_vocabulary_and_changes_nothing(case: str) -> None:
    statement, kind = BROKEN[case]
    made = world([{"run": "UPDATE users SET credit = credit + 1 WHERE id = 2"}, {"run": statement}, DONE])
    episode = made.start()
    result = episode.call("probe")
    assert result.error is not None
    assert result.error.kind == kind
    assert "constraint failed" not in result.error.message
    assert episode.changes() == []
    assert episode.state().tables == made.initial.tables


def test_a_constraint_that_is_checked_at_the_end_rolls_back_too() -> None:
    schema = SCHEMA.replace("REFERENCES orders(id)", "REFERENCES orders(id) DEFERRABLE INITIALLY DEFERRED")
    insert = "INSERT INTO order_items (order_id, product_id, quantity) VALUES (77, 1, 1)"
    episode = world([{"run": insert}, DONE], schema=schema).start()
    assert kind_of(episode, "probe") == "not_found"
    assert episode.changes() == []
    assert episode.call("order_product", {"product_id": 1}).ok


def test_an_unknown_tool_names_the_nearest(episode: Episode) -> None:
    result = episode.call("serch_products", {})
    assert result.error is not None
    assert result.error.kind == "unknown_tool"
    assert "did you mean search_products?" in result.error.message
    assert "see the list of tools" in (episode.call("zzz").error or pytest.fail()).message


@pytest.mark.parametrize("name", ["", "x" * 100_000, "\ud800", "search_products; DROP TABLE users", "../../etc"])
def test_hostile_tool_names_are_unknown_tools(episode: Episode, name: str) -> None:
    result = episode.call(name)
    assert result.error is not None
    assert result.error.kind == "unknown_tool"
    assert len(result.error.message) < 300
    result.error.message.encode()


def test_a_check_refuses_with_its_own_message(episode: Episode) -> None:
    result = episode.call("order_product", {"product_id": 2})
    assert result.error is not None
    assert (result.error.kind, result.error.message) == (
        "conflict",
        "product 2 is sold out or short; choose another one",
    )


def test_a_message_shows_money_as_a_decimal_and_cuts_long_texts() -> None:
    parameters = [
        {"name": "price", "type": "money", "description": "Price"},
        {"name": "note", "type": "string", "description": "Note"},
    ]
    check = {"check": "SELECT 0", "error": "not_allowed", "message": "{price} is too much for {note}"}
    episode = world([check, DONE], effect="read", parameters=parameters).start()
    error = episode.call("probe", {"price": 12.5, "note": "n" * 500}).error
    assert error is not None
    assert error.kind == "not_allowed"
    assert error.message.startswith("12.50 is too much for nnn")
    assert len(error.message) < 120


def test_let_needs_its_row_unless_optional() -> None:
    sql = "SELECT id, credit FROM users WHERE name = 'Nobody'"
    missing = world([{"let": "person", "sql": sql}, DONE], effect="read").start()
    result = missing.call("probe")
    assert result.error is not None
    assert (result.error.kind, result.error.message) == ("not_found", "there is no person for this call")
    found = one("SELECT :person_id IS NULL AS absent", absent="boolean")
    optional = world([{"let": "person", "sql": sql, "optional": True}, found], effect="read").start()
    assert optional.call("probe").data == {"absent": True}


def test_a_let_with_several_rows_is_our_bug_not_the_agents() -> None:
    episode = world([{"let": "person", "sql": "SELECT id FROM users"}, DONE], effect="read").start()
    assert kind_of(episode, "probe") == "internal"


# --- limits -----------------------------------------------------------------------------------------------------------

RUNAWAY = {
    "recursion": "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) AS n FROM c",
    "cross join": "SELECT count(*) AS n FROM " + ", ".join(f"products p{i}" for i in range(14)),
    "huge text": "SELECT length(printf('%.*c', 900000000, 'x')) AS n",
    "huge text by another name": "SELECT length(FORMAT('%s%*.*c', 'a', 5, '9e8', 'x')) AS n",
    "padded text": "SELECT length(printf('%900000000d', 1)) AS n",
    "doubling text": "WITH RECURSIVE c(t, n) AS (SELECT 'x', 1 UNION ALL SELECT replace(t, 'x', 'xxxxxxxx'), n + 1 "
    "FROM c WHERE n < 20) SELECT length(max(t)) AS n FROM c",
    "hex": "SELECT length(hex(hex(hex(hex(hex(hex(hex(hex(hex(printf('%.*c', 9000, 'x'))))))))))) AS n",
    "group_concat": "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 90000) "
    "SELECT length(group_concat(printf('%.*c', 1000, 'x'))) AS n FROM c",
    "growing recursion": "WITH RECURSIVE c(t) AS (SELECT 'x' UNION ALL SELECT t || t FROM c) "
    "SELECT count(*) AS n FROM c",
    "json": "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 90000) "
    "SELECT length(json_group_array(printf('%.*c', 1000, 'x'))) AS n FROM c",
}


@pytest.mark.parametrize("case", RUNAWAY)
def test_a_statement_that_runs_away_is_stopped(case: str) -> None:
    episode = world([one(RUNAWAY[case])], effect="read").start()
    began = time.monotonic()
    assert kind_of(episode, "probe") == "limit_exceeded"
    assert time.monotonic() - began < QUICK
    assert episode.call("get_product", {"product_id": 1}).ok, "the episode goes on"


def test_a_write_that_runs_away_changes_nothing() -> None:
    endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT 1, '2025-01-01 00:00:00' FROM c"
    episode = world([{"run": f"INSERT INTO visits (user_id, seen_at) {endless}"}, DONE]).start()
    began = time.monotonic()
    assert kind_of(episode, "probe") == "limit_exceeded"
    assert time.monotonic() - began < 2 * QUICK
    assert episode.changes() == []
    assert episode.call("order_product", {"product_id": 1}).ok


def test_the_budget_counts_from_each_call() -> None:
    sql = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 200000) SELECT max(n) AS n FROM c"
    episode = world([one(sql)], effect="read").start()
    for _ in range(12):
        assert episode.call("probe").data == {"n": 200_000}


# --- clock ------------------------------------------------------------------------------------------------------------


def test_every_call_takes_one_second_refused_ones_too(episode: Episode) -> None:
    assert episode.now == NOW
    episode.call("get_product", {"product_id": 1})
    episode.call("no_such_tool")
    episode.call("order_product", {"product_id": "one"})
    assert (episode.now, episode.calls) == ("2025-03-04 10:00:03", 3)
    assert episode.call("order_product", {"product_id": 1}).data["placed_at"] == "2025-03-04 10:00:04"


# --- episodes are apart, and come back --------------------------------------------------------------------------------


def test_a_snapshot_brings_back_rows_clock_and_keys(episode: Episode) -> None:
    episode.call("order_product", {"product_id": 1})
    mark, before = episode.snapshot(), episode.state().tables
    first = episode.call("order_product", {"product_id": 3}).data
    episode.restore(mark)
    assert (episode.state().tables, episode.now, episode.calls) == (before, "2025-03-04 10:00:01", 1)
    assert episode.call("order_product", {"product_id": 3}).data == first


def test_reset_is_the_beginning(episode: Episode) -> None:
    episode.call("order_product", {"product_id": 1})
    episode.reset()
    assert (episode.changes(), episode.now, episode.calls) == ([], NOW, 0)


def test_a_fork_and_its_origin_do_not_see_each_other(episode: Episode) -> None:
    episode.call("order_product", {"product_id": 1, "quantity": 2})
    other = episode.fork()
    other.call("order_product", {"product_id": 1, "quantity": 3})
    assert episode.call("get_product", {"product_id": 1}).data["stock"] == 3
    assert other.call("get_product", {"product_id": 1}).data["stock"] == 0
    assert kind_of(other, "order_product", {"product_id": 1}) == "conflict"
    other.close()


_ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("order"), st.integers(0, 6), st.integers(0, 10)),
        st.tuples(st.just("cancel"), st.integers(0, 8), st.just(0)),
        st.tuples(st.just("note"), st.integers(0, 8), st.integers(0, 3)),
        st.tuples(st.sampled_from(["snapshot", "restore", "fork", "switch", "reset"]), st.integers(0, 5), st.just(0)),
    ),
    max_size=25,
)


def act(episode: Episode, verb: str, one: int, two: int) -> None:
    """One tool call."""
    if verb == "order":
        episode.call("order_product", {"product_id": one, "quantity": two})
    elif verb == "cancel":
        episode.call("cancel_order", {"order_id": one})
    else:
        episode.call("set_note", {"order_id": one, "note": "n" * two})


@settings(max_examples=40, deadline=None)
@given(_ACTIONS)
def test_no_history_of_snapshots_and_forks_mixes_states(actions: list[tuple[str, int, int]]) -> None:
    """Each episode's state is what its own history of calls gives when it is replayed alone."""
    episodes: list[tuple[Episode, list[tuple[str, int, int]]]] = [(SHOP.start(), [])]
    marks: list[tuple[Any, list[tuple[str, int, int]]]] = []
    current = 0
    for action in actions:
        episode, history = episodes[current]
        verb, number, _ = action
        if verb == "snapshot":
            marks.append((episode.snapshot(), list(history)))
        elif verb == "restore" and marks:
            mark, past = marks[number % len(marks)]
            episode.restore(mark)
            history[:] = past
        elif verb == "fork" and len(episodes) < 4:
            episodes.append((episode.fork(), list(history)))
        elif verb == "switch":
            current = number % len(episodes)
        elif verb == "reset":
            episode.reset()
            history.clear()
        elif verb in ("order", "cancel", "note"):
            act(episode, *action)
            history.append(action)
    for episode, history in episodes:
        alone = SHOP.start()
        for past in history:
            act(alone, *past)
        assert (episode.state().tables, episode.now) == (alone.state().tables, alone.now)
        assert [change.plain(SHOP.schema[change.table]) for change in episode.changes()] == [
            change.plain(SHOP.schema[change.table]) for change in alone.changes()
        ]
        alone.close()
        episode.close()


def test_a_thousand_open_episodes_are_worlds_of_their_own() -> None:
    episodes = [SHOP.start("t01") for _ in range(1_024)]
    for number, episode in enumerate(episodes):
        result = episode.call("order_product", {"product_id": 3, "quantity": 1 + number % 7, "note": f"run {number}"})
        assert result.data["id"] == 4
    for number, episode in enumerate(episodes):
        assert episode.call("get_product", {"product_id": 3}).data["stock"] == 7 - (1 + number % 7)
        rows, total = episode.rows("orders")
        assert total == 4
        assert rows[-1]["note"] == f"run {number}"
        episode.close()
    assert SHOP.start().changes() == []


def test_threads_that_share_an_episode_wait_for_each_other(episode: Episode) -> None:
    def work(number: int) -> list[str]:
        kinds = []
        for _ in range(20):
            result = episode.call("order_product", {"product_id": 3})
            kinds.append("ok" if result.error is None else result.error.kind)
            kinds.append("ok" if episode.call("search_products", {"query": "cable"}).ok else "broken")
            episode.call("set_note", {"order_id": 1, "note": f"thread {number}"})
        return kinds

    with ThreadPoolExecutor(8) as pool:
        outcomes = [kind for kinds in pool.map(work, range(8)) for kind in kinds]
    assert outcomes.count("conflict") == 8 * 20 - 7, "seven pieces are there: each is sold once"
    assert set(outcomes) == {"ok", "conflict"}
    assert episode.calls == 8 * 20 * 3
    assert episode.rows("products")[0][2]["stock"] == 0
    assert episode.rows("orders")[1] == 3 + 7


def test_threads_with_episodes_of_their_own_do_not_meet() -> None:
    def work(number: int) -> tuple[int, bool]:
        episode = SHOP.start("t01")
        for _ in range(number % 5 + 1):
            episode.call("order_product", {"product_id": 3})
        found = episode.rows("orders")[1] - 3, episode.verify().complete
        episode.close()
        return found

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(work, range(30))) == [(number % 5 + 1, False) for number in range(30)]


def test_the_same_calls_give_the_same_bytes() -> None:
    def run() -> bytes:
        episode = SHOP.start()
        for product in (1, 3, 99, 2):
            episode.call("order_product", {"product_id": product})
        episode.call("cancel_order", {"order_id": 4})
        return episode.image()

    assert run() == run()


def test_verification_changes_nothing_and_may_be_repeated(episode: Episode) -> None:
    before = episode.image()
    assert [episode.verify().result for _ in range(3)] == ["others"] * 3
    episode.call("order_product", {"product_id": 1, "quantity": 2})
    assert [episode.verify().result for _ in range(3)] == ["complete"] * 3
    episode.reset()
    assert episode.image() == before
    assert episode.verify().result == "others"


# --- looking at an episode --------------------------------------------------------------------------------------------


def test_rows_are_shown_as_agents_see_them(episode: Episode) -> None:
    rows, total = episode.rows("products", limit=2, offset=3)
    assert total == 5
    assert rows == [
        {"id": 4, "name": "small mouse", "price": 19.99, "stock": 3, "kind": "mouse", "active": True},
        {"id": 5, "name": "desk lamp", "price": 35.0, "stock": 2, "kind": "lamp", "active": False},
    ]


def test_an_unknown_table_names_the_nearest(episode: Episode) -> None:
    with pytest.raises(UnknownName, match="did you mean 'orders'"):
        episode.rows("order")


def test_an_unknown_task_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="there is no task 't05'"):
        SHOP.start("t05")


def test_an_episode_without_a_task_cannot_be_judged() -> None:
    with pytest.raises(AwmError, match="no task to verify"):
        SHOP.start().verify()
    assert SHOP.start().verify(task="t01").result == "others"


# --- loading ----------------------------------------------------------------------------------------------------------


def test_parts_of_another_scenario_are_refused() -> None:
    tasks = {**TASKS, "scenario": "shop_2"}
    with pytest.raises(ContractError, match=r"tasks.json is of scenario 'shop_2', not of 'shop_1'"):
        shop(tasks=tasks)


def test_a_directory_that_is_not_there_says_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"shop_9 does not exist\n  build it: snakemake .*shop_9/certificate.json"):
        Environment.load(tmp_path / "shop_9")


def test_a_tool_that_is_defined_twice_is_refused() -> None:
    spec = copy.deepcopy(SPEC)
    spec["tools"].append(copy.deepcopy(spec["tools"][0]))
    with pytest.raises(ContractError, match="search_products is defined twice"):
        shop(spec=spec)


def test_a_lazy_environment_compiles_what_is_asked_for() -> None:
    spec = copy.deepcopy(SPEC)
    broken = {"name": "broken", "summary": "Broken", "effect": "read", "program": [one("SELECT label FROM nowhere")]}
    spec["tools"].append(broken)
    whole = shop()
    lazy = Environment(whole.scenario, whole.tasks, Spec.parse(spec, "spec"), whole.image, lazy=True)
    assert set(lazy.tools) == {*whole.tools, "broken"}
    assert lazy.start().call("order_product", {"product_id": 1}) == whole.start().call(
        "order_product", {"product_id": 1}
    )
    with pytest.raises(SqlError, match="tool broken, step 1: no such table: nowhere"):
        lazy.tools["broken"]
    with pytest.raises(SqlError, match="tool broken"):
        Environment(whole.scenario, whole.tasks, Spec.parse(spec, "spec"), whole.image)
