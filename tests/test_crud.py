"""Plain tools from their shorthand: what they are called, whose rows they touch, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from awm_lib.errors import AwmError
from awm_lib.runtime.episode import Episode
from tests.shop import SCHEMA, shop

EXTRA = """
CREATE TABLE addresses (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL REFERENCES users(id),
  label TEXT NOT NULL,
  city TEXT NOT NULL DEFAULT 'Oslo',
  kind TEXT NOT NULL DEFAULT 'home' CHECK (kind IN ('home', 'work')),
  floor INTEGER CHECK (floor BETWEEN 0 AND 99),
  fee MONEY NOT NULL DEFAULT 250 CHECK (fee BETWEEN 29 AND 5555),
  is_default BOOLEAN NOT NULL DEFAULT 0,
  secret TEXT,
  created_at DATETIME NOT NULL,
  updated_at DATETIME,
  UNIQUE (user_id, label)
);
"""
CRUD: dict[str, Any] = {
    "table": "addresses",
    "noun": "address",
    "verbs": ["list", "get", "create", "update", "delete"],
    "owner": "user_id",
    "filters": ["kind", "is_default"],
    "search": ["label", "city"],
    "hidden": ["secret"],
    "writable": ["label", "city", "kind", "floor", "fee", "is_default"],
}


def start(**changes: Any) -> Episode:
    """An episode of a shop with tools over addresses, two of which are another user's."""
    spec = {"scenario": "shop_1", "crud": [{**CRUD, **changes}]}
    environment = shop(schema=SCHEMA + EXTRA, spec=spec)
    episode = environment.start()
    episode._store.connection.execute(
        "INSERT INTO addresses (user_id, label, created_at) VALUES (1, 'Home', '2025-01-01 00:00:00'), "
        "(2, 'Secret place', '2025-01-01 00:00:00'), (2, 'Work', '2025-01-01 00:00:00'), "
        "(1, 'Hut', '2025-01-01 00:00:00')"
    )
    return episode


def error(episode: Episode, name: str, **arguments: Any) -> tuple[str, str]:
    """Kind and message of a refusal."""
    result = episode.call(name, arguments)
    assert result.error is not None, result.data
    return result.error.kind, result.error.message


def test_verbs_become_tools_with_their_effects() -> None:
    tools = start().environment.tools
    assert {name: (tool.effect, tool.destructive, tool.idempotent) for name, tool in tools.items()} == {
        "list_addresses": ("read", False, True),
        "get_address": ("read", False, True),
        "create_address": ("write", False, False),
        "update_address": ("write", False, True),
        "delete_address": ("write", True, False),
    }
    assert all(tool.summary for tool in tools.values())


def test_only_the_users_own_rows_are_seen_and_changed() -> None:
    episode = start()
    items = episode.call("list_addresses").data["items"]
    assert [item["label"] for item in items] == ["Home", "Hut"]
    assert not {"secret", "user_id"} & set(items[0])
    for name, arguments in (("get_address", {}), ("update_address", {"city": "Rome"}), ("delete_address", {})):
        kind, message = error(episode, name, address_id=2, **arguments)
        assert (kind, message) == ("not_found", "your address 2 does not exist; see list_addresses")
    assert episode.rows("addresses")[1] == 4


def test_without_an_owner_all_rows_are_everybodys() -> None:
    episode = start(owner=None, writable=[*CRUD["writable"], "user_id"])
    assert episode.call("list_addresses").data["total"] == 4
    assert episode.call("get_address", {"address_id": 2}).data["user_id"] == 2


def test_a_created_row_has_owner_moment_and_defaults() -> None:
    found = start().call("create_address", {"label": "Work", "floor": 3, "is_default": True}).data
    assert found == {
        "id": 5,
        "label": "Work",
        "city": "Oslo",
        "kind": "home",
        "floor": 3,
        "fee": 2.5,
        "is_default": True,
        "created_at": "2025-03-04 10:00:01",
        "updated_at": None,
    }


def test_a_created_row_is_checked() -> None:
    episode = start()
    assert error(episode, "create_address")[1] == "label: is required by create_address"
    assert error(episode, "create_address", label="x", floor=100)[1] == "floor: must be at most 99"
    assert error(episode, "create_address", label="x", kind="hotel")[1] == "kind: must be one of: home, work"
    assert error(episode, "create_address", label="Home")[0] == "conflict"
    assert error(episode, "create_address", label="x", secret="y")[0] == "invalid_arguments"
    assert error(episode, "create_address", label="x", fee=0.28)[1] == "fee: must be at least 0.29"
    assert error(episode, "create_address", label="x", fee=55.56)[1] == "fee: must be at most 55.55"
    for fee in (0.29, 55.55):
        assert episode.call("create_address", {"label": f"fee {fee}", "fee": fee}).data["fee"] == fee


def test_an_update_changes_the_given_fields_and_its_moment() -> None:
    episode = start()
    before = episode.call("get_address", {"address_id": 1}).data
    after = episode.call("update_address", {"address_id": 1, "city": "Bergen", "is_default": False}).data
    assert after == {**before, "city": "Bergen", "is_default": False, "updated_at": "2025-03-04 10:00:02"}
    assert error(episode, "update_address", address_id=1)[1] == "give at least one field to change"


def test_a_delete_is_counted_and_done_once() -> None:
    episode = start()
    assert episode.call("delete_address", {"address_id": 1}).data == {"changed": 1}
    assert error(episode, "delete_address", address_id=1)[0] == "not_found"


def test_a_row_that_is_referred_to_is_not_deleted() -> None:
    episode = shop(
        spec={"scenario": "shop_1", "crud": [{"table": "products", "noun": "product", "verbs": ["delete"]}]}
    ).start()
    assert error(episode, "delete_product", product_id=3)[0] == "not_found"
    assert episode.call("delete_product", {"product_id": 5}).data == {"changed": 1}


def test_lists_filter_and_search() -> None:
    episode = start()
    assert episode.call("list_addresses", {"query": "HU"}).data["total"] == 1
    assert episode.call("list_addresses", {"query": "oslo"}).data["total"] == 2
    assert episode.call("list_addresses", {"query": "%"}).data["total"] == 0
    assert episode.call("list_addresses", {"kind": "work"}).data["total"] == 0
    assert episode.call("list_addresses", {"is_default": False, "kind": "home"}).data["total"] == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"table": "adresses"}, "there is no table 'adresses'\n  did you mean 'addresses'?"),
        ({"filters": ["knd"]}, "there is no column 'knd'\n  did you mean 'kind'?"),
        ({"writable": ["city"]}, "create cannot set label: make it writable, or give it a default"),
        (
            {
                "table": "order_items",
                "writable": ["quantity"],
                "owner": None,
                "filters": [],
                "search": [],
                "hidden": [],
            },
            "need a single integer key",
        ),
    ],
)
def test_a_shorthand_that_does_not_fit_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(AwmError) as caught:
        start(**changes)
    assert message in str(caught.value)
