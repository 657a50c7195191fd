"""JSON Schemas in the strict form that structured output wants, and replies checked against their model."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from awm_lib.contracts.base import explain
from awm_lib.llm.chat import OutputSchema
from awm_lib.llm.errors import MalformedReply
from awm_lib.llm.jsontext import read_json_text

M = TypeVar("M", bound=BaseModel)
_KEPT = ("type", "enum", "const", "properties", "items", "anyOf", "$ref", "$defs", "required", "additionalProperties")
"""What all endpoints with structured output take. Lengths, ranges and patterns are checked here instead."""


@cache
def output_schema(model: type[BaseModel]) -> OutputSchema:
    """The schema of a reply: every key required, no others, and nothing that an endpoint may not know."""
    return OutputSchema(model.__name__, _strict(model.model_json_schema(by_alias=True)))


def _strict(node: Any) -> Any:
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: node[key] for key in _KEPT if key in node}
    if "oneOf" in node:
        found["anyOf"] = node["oneOf"]
    for key in ("properties", "$defs"):
        if key in found:
            found[key] = {name: _strict(value) for name, value in found[key].items()}
    for key in ("items", "anyOf"):
        if key in found:
            found[key] = _strict(found[key])
    if "const" in found:
        found["enum"] = [found.pop("const")]
    if found.get("type") == "object" or "properties" in found:
        found["required"] = list(found.get("properties", {}))
        found["additionalProperties"] = False
    return found


def parse_reply(model: type[M], text: str) -> M:
    """A reply's text as its model. Raises MalformedReply that says what is wrong, place by place."""
    value = read_json_text(text)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise MalformedReply(f"the JSON is not of the shape that was asked for:\n{explain(error)}") from None
