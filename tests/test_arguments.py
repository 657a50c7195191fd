"""Arguments of calls: bound exactly, or refused with field and reason; never a crash, whatever an agent sends."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awm_lib.contracts.spec import Parameter
from awm_lib.runtime.arguments import binder, json_schema
from awm_lib.runtime.results import Refusal
from tests.shop import SPEC, shop

KINDS = ("string", "integer", "number", "boolean", "money", "date", "datetime")


def parameter(kind: str, **facts: Any) -> Parameter:
    """A parameter ``x``."""
    return Parameter(name="x", type=kind, description="X", **facts)


def bound(value: Any, kind: str, **facts: Any) -> Any:
    """What a value is bound as."""
    return binder("probe", [parameter(kind, **facts)])({"x": value})["x"]


def reason(value: Any, kind: str, **facts: Any) -> str:
    """Why a value is refused."""
    with pytest.raises(Refusal) as caught:
        bound(value, kind, **facts)
    assert caught.value.error.kind == "invalid_arguments"
    message = caught.value.error.message
    assert message.startswith("x: ")
    message.encode()
    return message.removeprefix("x: ")


BOUND: list[tuple[str, Any, Any]] = [
    ("string", "", ""),
    ("string", "é 日本 🎉", "é 日本 🎉"),
    ("integer", 5, 5),
    ("integer", 5.0, 5),
    ("integer", -(2**63), -(2**63)),
    ("number", 3, 3),
    ("number", 2.5, 2.5),
    ("boolean", True, 1),
    ("boolean", False, 0),
    ("money", 12.5, 1250),
    ("money", 0.29, 29),
    ("money", 1e9, 10**11),
    ("money", -4, -400),
    ("date", "2024-02-29", "2024-02-29"),
    ("datetime", "2025-03-04T10:30", "2025-03-04 10:30:00"),
    ("datetime", "2025-03-04 10:30:05", "2025-03-04 10:30:05"),
    ("datetime", "2025-03-04T10:30:05Z", "2025-03-04 10:30:05"),
]


@pytest.mark.parametrize(("kind", "value", "expected"), BOUND)
def test_a_value_is_bound_as_sql_wants_it(kind: str, value: Any, expected: Any) -> None:
    found = bound(value, kind)
    assert (found, type(found)) == (expected, type(expected))


UNFIT: list[tuple[str, Any, str]] = [
    ("string", 5, "must be a string, not an integer"),
    ("string", None, "must be a string, not null"),
    ("string", "a\x00b", "must not contain NUL"),
    ("string", "\ud800", "must be valid Unicode"),
    ("string", "x" * 10_000_000, "must have at most 4,000 characters, not 10,000,000"),
    ("integer", "5", "must be an integer, not a string"),
    ("integer", True, "must be an integer, not a boolean"),
    ("integer", 5.5, "must be an integer"),
    ("integer", 2**63, "must fit in 64 bits"),
    ("integer", 10**5_000, "must fit in 64 bits"),
    ("integer", float("nan"), "must be an integer"),
    ("integer", float("inf"), "must be an integer"),
    ("number", "5", "must be a number"),
    ("number", float("nan"), "must be a finite number"),
    ("number", float("-inf"), "must be a finite"),
    ("number", 10**400, "must be a finite number"),
    ("number", True, "must be a number, not a boolean"),
    ("money", 12.345, "must have at most two decimal places"),
    ("money", 1e300, "must be a finite number"),
    ("money", "$5", "must be a number"),
    ("boolean", 1, "must be true or false, not an integer"),
    ("boolean", "true", "must be true or false"),
    ("date", "2025-02-30", "must be a date YYYY-MM-DD"),
    ("date", "2025-3-4", "must be a date"),
    ("date", "tomorrow", "must be a date"),
    ("date", "2025-03-04 10:00:00", "must be a date"),
    ("datetime", "2025-03-04", "must be a moment"),
    ("datetime", "2025-03-04 25:00", "must be a moment"),
    ("datetime", 5, "must be a string"),
    ("string", {"a": 1}, "not an object"),
    ("integer", [5], "not an array"),
    ("date", "٢٠٢٥-03-04", "must be a date"),
]


@pytest.mark.parametrize(("kind", "value", "expected"), UNFIT, ids=range(len(UNFIT)))
def test_a_value_that_does_not_fit_is_refused_with_the_reason(kind: str, value: Any, expected: str) -> None:
    assert expected in reason(value, kind)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_bounds_of_money_are_exact_to_the_cent(low: int, more: int) -> None:
    facts = {"minimum": low / 100, "maximum": (low + more) / 100}
    assert bound(low / 100, "money", **facts) == low
    assert bound((low + more) / 100, "money", **facts) == low + more
    assert "at most" in reason((low + more + 1) / 100, "money", **facts)
    if low:
        assert "at least" in reason((low - 1) / 100, "money", **facts)


def test_bounds_enumerations_and_lengths() -> None:
    assert reason(0, "integer", minimum=1) == "must be at least 1"
    assert reason(10, "integer", maximum=9) == "must be at most 9"
    assert reason("d", "string", enum=["a", "b"]) == "must be one of: a, b"
    assert reason("éééé", "string", max_length=3) == "must have at most 3 characters, not 4"
    assert bound("ééé", "string", max_length=3) == "ééé"


def test_arrays_are_json_and_each_item_is_checked() -> None:
    assert json.loads(bound([1, 2.0], "array", items="integer")) == [1, 2]
    assert json.loads(bound([1.25], "array", items="money")) == [125]
    assert bound([], "array", items="string") == "[]"
    assert reason([1, "2"], "array", items="integer") == "item 1 must be an integer, not a string"
    assert reason("1", "array", items="integer") == "must be an array"
    assert reason([0] * 201, "array", items="integer") == "must have at most 200 items, not 201"
    assert reason(["a", "z"], "array", items="string", enum=["a"]) == "item 1 must be one of: a"


def test_missing_defaults_and_null() -> None:
    bind = binder(
        "probe",
        [
            Parameter(name="a", type="integer", description="A"),
            Parameter(name="b", type="money", description="B", default=1.5),
            Parameter(name="c", type="string", description="C", required=False),
        ],
    )
    assert bind({"a": 1}) == {"a": 1, "b": 150, "c": None}
    assert bind({"a": 1, "b": None, "c": None}) == {"a": 1, "b": 150, "c": None}
    for arguments, message in (
        ({}, "a: is required by probe"),
        ({"a": None}, "a: must be an integer, not null"),
        ({"a": 1, "d": 1}, "d: probe has no such argument; it has a, b, c"),
        ({"a": 1, "A": 1}, "A: probe has no such argument"),
        ([1], "the arguments of probe must be an object"),
        ("a", "the arguments of probe must be an object"),
    ):
        with pytest.raises(Refusal) as caught:
            bind(arguments)
        assert message in caught.value.error.message
    with pytest.raises(Refusal, match="did you mean product_id"):
        binder("probe", [Parameter(name="product_id", type="integer", description="P", required=False)])(
            {"productid": 1}
        )


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(2**62, 2**80)
    | st.floats()
    | st.text(max_size=30)
    | st.text(st.characters(), max_size=10)
    | st.sampled_from(["2025-03-04", "2025-03-04 10:00", "x" * 5_000, "' OR 1=1 --"]),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=10), children, max_size=4),
    max_leaves=10,
)
_SURROGATES = st.text(st.characters(categories=("Cs", "L"), include_characters="\x00"), max_size=8)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(KINDS), _JSON | _SURROGATES)
def test_any_json_is_bound_or_refused(kind: str, value: Any) -> None:
    for facts in ({}, {"minimum": 0, "maximum": 99.5}) if kind in ("integer", "number", "money") else ({},):
        try:
            found = bound(value, kind, **facts)
        except Refusal as refusal:
            assert refusal.error.kind == "invalid_arguments"
            assert len(refusal.error.message) < 400
            refusal.error.message.encode()
        else:
            assert type(found) in (str, int, float)


SHOP = shop()
TOOLS = [tool["name"] for tool in SPEC["tools"]] + ["get_user"]
NAMES = sorted(
    {p["name"] for tool in SPEC["tools"] for p in tool.get("parameters", [])} | {"limit", "offset", "user_id"}
)


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(TOOLS),
    st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=6) | _SURROGATES, _JSON | _SURROGATES, max_size=5)
    | _JSON,
)
def test_no_arguments_are_our_bug_and_no_call_raises(tool: str, arguments: Any) -> None:
    episode = SHOP.start()
    result = episode.call(tool, arguments)
    if result.error is not None:
        assert result.error.kind != "internal", result.error.message
        assert len(result.error.message) < 600
        result.error.message.encode()
        assert episode.changes() == []
    else:
        json.dumps(result.data, allow_nan=False)
    episode.close()


@pytest.mark.parametrize("name", ["\ud800", "a\udfffb", "\x00", "x" * 10**6, ""])
def test_hostile_argument_names_are_shown_safely(name: str) -> None:
    result = SHOP.start().call("get_product", {"product_id": 1, name: 1})
    assert result.error is not None
    assert "get_product has no such argument" in result.error.message
    assert len(result.error.message.encode()) < 400


def test_hostile_strings_are_only_data() -> None:
    episode = SHOP.start()
    for text in ("'; DROP TABLE users; --", "x' OR '1'='1", '"', "%", "{product_id}", ":_user_id", "\\", "\u202e"):
        assert episode.call("search_products", {"query": text}).data["total"] == 0
        assert episode.call("set_note", {"order_id": 1, "note": text}).data == {"id": 1, "note": text}
    assert [change.table for change in episode.changes()] == ["orders"]


def test_deep_and_huge_arguments_are_refused_quickly() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    wide = {f"key_{number}": number for number in range(200_000)}
    began = time.monotonic()
    for arguments in (
        {"product_id": deep},
        {"product_id": "x" * 10_000_000},
        wide,
        {"x" * 10_000_000: 1},
        {"product_id": [0] * 10**6},
    ):
        result = SHOP.start().call("get_product", arguments)
        assert result.error is not None
        assert result.error.kind == "invalid_arguments"
        assert len(result.error.message) < 400
    assert time.monotonic() - began < 5
    while isinstance(deep, list):  # freed from the outside in: Python would recurse
        deep = deep[0]


@pytest.mark.parametrize("tool", TOOLS)
def test_the_published_schema_says_what_the_binder_does(tool: str) -> None:
    import jsonschema

    found = SHOP.tools[tool]
    schema = json_schema(found.parameters)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for arguments in (
        {},
        {"product_id": 1},
        {"product_id": "1"},
        {"order_id": 1, "note": "a"},
        {"limit": 0},
        {"limit": 5},
        {"kind": "x"},
        {"kind": "lamp"},
        {"user_id": 1, "extra": 1},
        {"product_id": 1, "quantity": 10},
        {"max_price": 5.5},
    ):
        try:
            found.bind(arguments)
            accepted = True
        except Refusal:
            accepted = False
        assert validator.is_valid(arguments) is accepted, arguments
