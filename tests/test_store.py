"""The way back: resets by rollback, what SQLite rolls back by itself, and stores that are used again."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from awm_lib.errors import AwmError
from awm_lib.runtime import store as stores
from awm_lib.runtime.environment import Environment
from tests.shop import SCHEMA, SPEC, shop

ENDLESS = "(WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 900000000) SELECT count(*) FROM c)"
DONE = {"return": "one", "sql": "SELECT 1 AS done"}


def probing(*statements: str, schema: str = SCHEMA) -> Environment:
    """The shop, with a tool ``probe`` that runs some statements."""
    spec: dict[str, Any] = copy.deepcopy(SPEC)
    program = [*({"run": statement} for statement in statements), DONE]
    spec["tools"].append({"name": "probe", "summary": "Probe", "effect": "write", "program": program})
    return shop(spec=spec, schema=schema)


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        (f"UPDATE products SET stock = stock + {ENDLESS}", "limit_exceeded"),
        ("UPDATE products SET name = replace(printf('%09999d', 1), '0', printf('%0100d', 2))", "limit_exceeded"),
        ("INSERT OR ROLLBACK INTO users (name) VALUES ('Ada')", "conflict"),
    ],
    ids=["interrupted", "too large", "rolls back by itself"],
)
def test_a_failed_write_takes_nothing_of_earlier_calls_along(statement: str, kind: str) -> None:
    environment = probing("UPDATE users SET credit = credit + 1", statement)
    episode = environment.start()
    first = episode.call("order_product", {"product_id": 1}).data
    second = episode.call("order_product", {"product_id": 4}).data
    before = episode.state().tables
    result = episode.call("probe")
    assert result.error is not None
    assert result.error.kind == kind
    assert episode.state().tables == before, (first, second)
    assert episode.clock.ticks == 3
    assert episode.call("order_product", {"product_id": 4}).data["id"] == second["id"] + 1
    episode.reset()
    assert episode.changes() == []
    assert episode.call("order_product", {"product_id": 1}).data == first


def test_a_reset_keeps_the_connection_and_gives_the_same_keys_again() -> None:
    episode = shop().start()
    connection = episode._store.connection
    first = episode.call("order_product", {"product_id": 1}).data
    for _ in range(3):
        episode.reset()
        assert episode.changes() == []
        assert episode.call("order_product", {"product_id": 1}).data == first
    assert episode._store.connection is connection


def test_a_mark_is_come_back_to_as_often_as_wanted() -> None:
    episode = shop().start()
    episode.call("order_product", {"product_id": 1})
    mark = episode.snapshot()
    after = episode.state().tables
    for product in (1, 4, 1):
        episode.call("order_product", {"product_id": product})
        assert episode.state().tables != after
        episode.restore(mark)
        assert episode.state().tables == after
        assert episode.clock.ticks == 1
    episode.reset()
    assert episode.changes() == []


def test_an_episode_longer_than_the_log_settles_and_still_resets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "MAX_LOG", 3)
    episode = probing("UPDATE users SET credit = credit + 1").start()
    for _ in range(8):
        assert episode.call("probe").ok
    assert {row[2] for row in episode.state().tables["users"]} == {5008, 8}
    episode.reset()
    assert episode.changes() == []


def test_a_closed_episodes_store_is_the_next_ones_and_is_clean() -> None:
    environment = shop()
    one = environment.start()
    connection = one._store.connection
    one.call("order_product", {"product_id": 1})
    one.close()
    two = environment.start()
    assert two._store.connection is connection
    assert two.changes() == []
    assert (two.clock.ticks, two.calls) == (0, 0)
    with pytest.raises(AwmError, match="the episode is closed"):
        one.call("order_product", {"product_id": 1})
    one.close()
    three = environment.start()
    assert three._store.connection is not connection


def test_constraints_checked_at_the_end_get_a_transaction_for_each_program() -> None:
    schema = SCHEMA.replace("REFERENCES orders(id)", "REFERENCES orders(id) DEFERRABLE INITIALLY DEFERRED")
    environment = probing("INSERT INTO order_items (order_id, product_id, quantity) VALUES (77, 1, 1)", schema=schema)
    episode = environment.start()
    first = episode.call("order_product", {"product_id": 1}).data
    before = episode.state().tables
    result = episode.call("probe")
    assert result.error is not None
    assert result.error.kind == "not_found"
    assert episode.state().tables == before
    episode.reset()
    assert episode.changes() == []
    assert episode.call("order_product", {"product_id": 1}).data == first
    mark = episode.snapshot()
    episode.call("order_product", {"product_id": 4})
    episode.restore(mark)
    assert len(episode.changes()) == len(environment.start().fork().changes()) + 3


def test_marks_are_come_back_to_in_turn_and_as_often_as_wanted() -> None:
    episode = shop().start()
    marks, states = [], []
    for product in (1, 4, 1):
        marks.append(episode.mark())
        states.append((episode.state().tables, episode.clock.ticks, episode.calls))
        episode.call("order_product", {"product_id": product})
    for at in (2, 2, 1, 0, 0):
        episode.back(marks[at])
        assert (episode.state().tables, episode.clock.ticks, episode.calls) == states[at]
        assert episode.call("order_product", {"product_id": 4}).ok
        assert episode.state().tables != states[at][0]
    episode.reset()
    assert episode.changes() == []
    assert episode.call("order_product", {"product_id": 1}).ok


def test_marks_outlive_what_sqlite_rolls_back_by_itself() -> None:
    environment = probing(f"UPDATE products SET stock = stock + {ENDLESS}")
    episode = environment.start()
    episode.call("order_product", {"product_id": 1})
    first = episode.mark()
    one = episode.state().tables
    episode.call("order_product", {"product_id": 4})
    second = episode.mark()
    two = episode.state().tables
    assert episode.call("probe").error is not None
    assert episode.state().tables == two
    episode.call("order_product", {"product_id": 1})
    episode.back(second)
    assert episode.state().tables == two
    episode.back(first)
    assert episode.state().tables == one


def test_a_mark_of_a_store_with_deferred_constraints_is_a_snapshot() -> None:
    schema = SCHEMA.replace("REFERENCES orders(id)", "REFERENCES orders(id) DEFERRABLE INITIALLY DEFERRED")
    episode = shop(schema=schema).start()
    mark = episode.mark()
    episode.call("order_product", {"product_id": 1})
    episode.back(mark)
    assert episode.changes() == []
