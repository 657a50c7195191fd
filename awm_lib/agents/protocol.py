"""How a model says what it wants called, and how it is told what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from awm_lib.agents.agent import ToolView, World
from awm_lib.llm.chat import ChatReply
from awm_lib.runtime.results import ToolResult

MAX_DEPTH = 40
"""Arguments that are nested deeper are no arguments: no tool takes them, and readers of records would stumble."""

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One call that a model wants made."""

    id: str
    tool: str
    arguments: Any = None
    malformed: str | None = None
    """Why it cannot be read as a call; None if it can."""


class ToolProtocol(Protocol):
    """One way of speaking with a model about tools."""

    def opening(self, world: World) -> list[Message]:
        """The first messages: rules and task."""

    def tools(self, world: World) -> Sequence[dict[str, Any]]:
        """The tools as part of each request; empty where a model asks for them."""

    def said(self, reply: ChatReply) -> Message:
        """A reply as a message of the conversation."""

    def wanted(self, reply: ChatReply) -> list[Wanted]:
        """The calls that a reply wants; none ends the trial."""

    async def answer(self, wanted: Wanted, world: World) -> Message:
        """Make a call, and tell what came of it."""


def read_arguments(text: str) -> Any:
    """Arguments as a model wrote them. Raises ValueError with the reason if they are not JSON that can be used."""
    if not text.strip():
        return {}
    try:
        value = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    if depth(value) > MAX_DEPTH:
        raise ValueError(f"nested more than {MAX_DEPTH} levels deep")
    return printable(value)


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number")


def depth(value: Any) -> int:
    """How deep a JSON value nests."""
    level, layer = 0, [value]
    while layer:
        layer = [
            item
            for part in layer
            if isinstance(part, dict | list)
            for item in (part.values() if isinstance(part, dict) else part)
        ]
        level += 1
    return level


def printable(value: Any) -> Any:
    """A value without lone surrogates, which JSON can escape and UTF-8 cannot carry."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [printable(item) for item in value]
    if isinstance(value, dict):
        return {printable(name): printable(item) for name, item in value.items()}
    return value


def result_text(result: ToolResult) -> str:
    """A result as a model reads it: JSON, or the error."""
    if result.error is not None:
        return printable(f"Error: {result.error.kind}: {result.error.message}")  # type: ignore[no-any-return]
    return json.dumps(result.data, ensure_ascii=False, separators=(",", ":"))


def describe(view: ToolView) -> dict[str, Any]:
    """A tool as the API of OpenAI takes it."""
    return {
        "type": "function",
        "function": {"name": view.name, "description": view.description, "parameters": view.schema},
    }
