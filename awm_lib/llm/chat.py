"""Requests and replies, and the seam between them: a transport answers a request."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Protocol, Self

from awm_lib.llm.errors import ContentFiltered, CutOff, EmptyReply, Refused

Mode = Literal["schema", "json", "text"]
Message = Mapping[str, Any]
"""A message as the chat interface has it: ``{"role": ..., "content": ...}``, with tool calls where there are some."""


@dataclass(frozen=True, slots=True)
class OutputSchema:
    """The JSON that a reply has to be."""

    name: str
    schema: Mapping[str, Any]
    """JSON Schema in the strict form: every key required, no others."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request, independent of how an endpoint wants it said."""

    messages: Sequence[Message]
    output: OutputSchema | None = None
    tools: Sequence[Mapping[str, Any]] = ()
    tool_choice: str | Mapping[str, Any] | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the request's body, as they are."""

    def plain(self) -> dict[str, Any]:
        """As JSON-able data: what a reply depends on, beside the model."""
        return {
            "messages": [dict(message) for message in self.messages],
            "output": None if self.output is None else {"name": self.output.name, "schema": self.output.schema},
            "tools": [dict(tool) for tool in self.tools],
            "tool_choice": self.tool_choice,
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "extra_body": dict(self.extra_body),
        }

    def following(self, *messages: Message) -> Self:
        """The same request with more messages at its end."""
        return replace(self, messages=[*self.messages, *messages])


@dataclass(frozen=True, slots=True)
class Dialect:
    """How an endpoint wants requests said; found out by trying, and remembered (``awm_lib.llm.dialects``)."""

    mode: Mode = "schema"
    temperature: bool = True
    """Whether it takes a temperature."""
    max_tokens: Literal["max_tokens", "max_completion_tokens"] = "max_completion_tokens"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call that a model wants made. ``arguments`` is the text that it wrote, which may not be JSON."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that a request took."""

    input: int = 0
    output: int = 0
    cached: int = 0
    """Of the input, those that the endpoint had cached."""
    reasoning: int = 0
    """Of the output, those that nobody sees."""
    estimated: bool = False
    """The endpoint did not say; counted from the characters."""


@dataclass(frozen=True, slots=True)
class ChatReply:
    """What came back, whatever it is."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    refusal: str | None = None
    usage: Usage = Usage()
    model: str = ""
    """The model that answered, as the endpoint names it."""
    seconds: float = 0.0
    """From sending to the end of the reply."""

    def usable_text(self) -> str:
        """The text. Raises Refused, ContentFiltered, CutOff or EmptyReply if it is not one to work with."""
        if self.refusal:
            raise Refused(f"the model refuses: {_brief(self.refusal)}")
        if self.finish_reason == "content_filter":
            raise ContentFiltered("the endpoint's content filter cut the reply")
        if self.finish_reason == "length":
            raise CutOff(
                f"the reply was cut off at its token limit, after {self.usage.output:,} tokens",
                hint="raise llm.max_tokens, or the endpoint's own limit",
            )
        if not self.text.strip():
            raise EmptyReply("the reply is empty")
        return self.text

    def plain(self) -> dict[str, Any]:
        """As JSON-able data."""
        return asdict(self)

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> ChatReply:
        """The reply that ``plain`` gave the data of."""
        calls = tuple(ToolCall(**call) for call in value["tool_calls"])
        return cls(**{**value, "tool_calls": calls, "usage": Usage(**value["usage"])})


class Transport(Protocol):
    """What answers requests: an endpoint (``live``), a script in a test, or kept replies alone (``replay``)."""

    async def send(self, request: ChatRequest, dialect: Dialect) -> ChatReply:
        """Send once. Raises LlmError; what is ``transient`` may be sent again."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


def assistant_message(reply: ChatReply) -> dict[str, Any]:
    """A reply as the message that continues a conversation."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if reply.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in reply.tool_calls
        ]
    elif not reply.text:
        message["content"] = ""
    return message


def estimated_tokens(request: ChatRequest) -> int:
    """About how many tokens a request's input has: a token for each 3.5 characters."""
    size = len(json.dumps([request.plain()[key] for key in ("messages", "output", "tools")], ensure_ascii=False))
    return int(size / 3.5) + 8


def _brief(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 200 else flat[:197] + "..."
