"""Reading JSON out of replies, calls out of texts, and schemas that strict modes take."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from awm_lib.errors import ExpressionError
from awm_lib.llm.errors import MalformedReply
from awm_lib.llm.jsontext import mended, read_json_text
from awm_lib.llm.strict import output_schema
from awm_lib.synthesis.llm import replies
from awm_lib.synthesis.llm.calls import read_call
from awm_lib.synthesis.llm.replies import CallReply
from awm_lib.synthesis.llm.schema import create, laid_out

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)
RECORDS = st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4)
PROSE = st.text(st.characters(exclude_characters="{}[]`'\"<", exclude_categories=["Cs"]), max_size=40)


@given(VALUES)
def test_what_is_json_is_read_as_it_is(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False)
    assert read_json_text(text) == value
    assert json.loads(mended(text), strict=False) == value


@given(RECORDS, PROSE, PROSE)
def test_json_is_found_in_prose(value: dict[str, Any], before: str, after: str) -> None:
    assert read_json_text(f"{before}\n{json.dumps(value)}\n{after}") == value


@given(RECORDS)
def test_json_is_read_with_the_slips_of_hands(value: dict[str, Any]) -> None:
    text = json.dumps(value, indent=1)
    assert read_json_text(text.replace("\n}", ",\n}").replace("\n]", ",\n]")) == value


@given(st.text(max_size=60))
def test_any_text_is_a_value_or_one_clear_error(text: str) -> None:
    try:
        read_json_text(text)
    except MalformedReply as error:
        assert error.message.startswith("the reply is not JSON")


@pytest.mark.parametrize("text", ["", "{", "[[[[", "{'a': }", "NaN", '{"a": Infinity}', "[" * 100_000, "{" * 50_000])
def test_what_is_no_json_is_told(text: str) -> None:
    with pytest.raises(MalformedReply):
        read_json_text(text)


STAGES = ["Tasks", "Schema", "Rows", "Tools", "Solutions", "Replacements", "Ideas", "Verdicts"]
KEYWORDS = {"type", "enum", "properties", "items", "anyOf", "$ref", "$defs", "required", "additionalProperties"}


def parts(node: dict[str, Any]) -> list[dict[str, Any]]:
    """A schema and all schemas within it."""
    inner = [*node.get("properties", {}).values(), *node.get("$defs", {}).values(), *node.get("anyOf", [])]
    inner += [node["items"]] if "items" in node else []
    return [node, *(part for item in inner for part in parts(item))]


@pytest.mark.parametrize("model", [*(getattr(replies, f"{name}Reply") for name in STAGES), replies.ToolsCorrection])
def test_schemas_are_strict(model: type[BaseModel]) -> None:
    for node in parts(dict(output_schema(model).schema)):
        assert set(node) <= KEYWORDS
        if node.get("type") == "object":
            assert node["additionalProperties"] is False
            assert node["required"] == list(node["properties"])


@pytest.mark.parametrize(
    ("text", "tool", "arguments"),
    [
        ("a = find(x=said('it'), y=b.items[0].id)", "find", [("x", "said('it')"), ("y", "b.items[0].id")]),
        ("find()", "find", []),
        (" a = find(\n  x = [i for i in b if i.n > 1][0].id\n);", "find", [("x", "[i for i in b if i.n > 1][0].id")]),
    ],
)  # fmt: skip
def test_a_call_is_read(text: str, tool: str, arguments: list[tuple[str, str]]) -> None:
    call = read_call(CallReply(call=text), 3)
    assert call.tool == tool
    assert [(argument.name, argument.source) for argument in call.arguments] == arguments
    assert call.id == ("step_3" if text.startswith("find") else "a")


@pytest.mark.parametrize(
    "text",
    ["", "a", "a = 1", "a = b = c()", "import os", "a = x.y()", "a = f(1)", "a = f(**b)", "a = f(x=__import__('os'))()",
     "a = f(x=lambda: 1)", "a = f(x=(yield))", "a = f(x=b := 1)", "a = f(", "a = f(x=1); b = g()"],
)  # fmt: skip
def test_what_is_no_call_is_told(text: str) -> None:
    with pytest.raises(ExpressionError):
        read_call(CallReply(call=text), 1)


DDL = (
    "CREATE TABLE things (-- What there is.\n id INTEGER PRIMARY KEY, -- key\n name TEXT NOT NULL DEFAULT 'a, (b)',"
    " kind TEXT CHECK (kind IN ('x', 'y')), price MONEY, UNIQUE (name, kind))"
)


def test_a_table_is_laid_out_with_the_same_meaning() -> None:
    text = laid_out(DDL)
    assert text.splitlines()[:4] == [
        "CREATE TABLE things (",
        "  -- What there is.",
        "  id INTEGER PRIMARY KEY, -- key",
        "  name TEXT NOT NULL DEFAULT 'a, (b)',",
    ]
    one, other = create(DDL).table, create(text).table
    assert one == other
    assert create(text).table.comment == "What there is."
