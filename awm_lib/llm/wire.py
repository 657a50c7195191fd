"""Requests as an endpoint's JSON, and its JSON as replies."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from awm_lib.llm.chat import ChatReply, ChatRequest, Dialect, Message, ToolCall, Usage, estimated_tokens
from awm_lib.llm.errors import EndpointUnavailable

BY_TEXT = (
    "Reply with one JSON value and nothing else: no prose before or after it, no code fence. "
    "It keeps this JSON Schema:\n"
)
"""How JSON is asked for where an endpoint does not take a schema."""


def body(model: str, request: ChatRequest, dialect: Dialect) -> dict[str, Any]:
    """The body of a request in an endpoint's dialect."""
    found: dict[str, Any] = {"model": model, "messages": list(messages(request, dialect))}
    if request.output is not None and dialect.mode == "schema":
        found["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": request.output.name, "strict": True, "schema": dict(request.output.schema)},
        }
    elif request.output is not None and dialect.mode == "json":
        found["response_format"] = {"type": "json_object"}
    if request.tools:
        found["tools"] = list(request.tools)
        if request.tool_choice is not None:
            found["tool_choice"] = request.tool_choice
    if request.temperature is not None and dialect.temperature:
        found["temperature"] = request.temperature
    if request.max_tokens is not None:
        found[dialect.max_tokens] = request.max_tokens
    return {**found, **request.extra_body}


def messages(request: ChatRequest, dialect: Dialect) -> Sequence[Message]:
    """The messages, with the schema in the first one where the endpoint does not take it apart."""
    if request.output is None or dialect.mode == "schema":
        return request.messages
    schema = json.dumps(request.output.schema, ensure_ascii=False, separators=(",", ":"))
    first, *rest = request.messages
    return [{**first, "content": f"{first['content']}\n\n{BY_TEXT}{schema}"}, *rest]


def reply(completion: object, request: ChatRequest, seconds: float) -> ChatReply:
    """A completion as a reply. Raises EndpointUnavailable for what is no completion, such as a proxy's page."""
    choices = completion.get("choices") if isinstance(completion, Mapping) else None
    if not isinstance(completion, Mapping) or not isinstance(choices, list) or not choices:
        said = json.dumps(completion, default=str)[:200]
        raise EndpointUnavailable(f"the endpoint's reply is no chat completion: {said}")
    choice = choices[0] if isinstance(choices[0], Mapping) else {}
    message = choice.get("message")
    message = message if isinstance(message, Mapping) else {}
    text = _text(message.get("content"))
    calls = tuple(_tool_calls(message.get("tool_calls")))
    refusal = message.get("refusal")
    return ChatReply(
        text=text,
        tool_calls=calls,
        finish_reason=str(choice.get("finish_reason") or "stop"),
        refusal=str(refusal) if refusal else None,
        usage=_usage(completion.get("usage"), request, text, calls),
        model=str(completion.get("model") or ""),
        seconds=round(seconds, 3),
    )


def embeddings(value: object) -> list[list[float]]:
    """The vectors of an embeddings reply, in order. Raises EndpointUnavailable for what is none."""
    data = value.get("data") if isinstance(value, Mapping) else None
    try:
        items = sorted(data or [], key=lambda item: int(item["index"]))
        return [[float(number) for number in item["embedding"]] for item in items]
    except (TypeError, ValueError, KeyError):
        raise EndpointUnavailable("the endpoint's reply has no embeddings") from None


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):  # parts, as some servers give
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return ""


def _tool_calls(value: object) -> list[ToolCall]:
    found = []
    for number, call in enumerate(value if isinstance(value, list) else []):
        function = call.get("function") if isinstance(call, Mapping) else None
        if isinstance(function, Mapping):
            arguments = function.get("arguments")
            text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
            found.append(ToolCall(str(call.get("id") or f"call_{number}"), str(function.get("name") or ""), text))
    return found


def _usage(value: object, request: ChatRequest, text: str, calls: Sequence[ToolCall]) -> Usage:
    given = value if isinstance(value, Mapping) else {}
    sent, made = _count(given.get("prompt_tokens")), _count(given.get("completion_tokens"))
    if sent is None or made is None:
        written = len(text) + sum(len(call.arguments) + len(call.name) for call in calls)
        return Usage(estimated_tokens(request), int(written / 3.5) + 1, estimated=True)
    return Usage(
        sent,
        made,
        _count(_inner(given, "prompt_tokens_details", "cached_tokens")) or 0,
        _count(_inner(given, "completion_tokens_details", "reasoning_tokens")) or 0,
    )


def _inner(value: Mapping[str, Any], name: str, key: str) -> object:
    details = value.get(name)
    return details.get(key) if isinstance(details, Mapping) else None


def _count(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None
