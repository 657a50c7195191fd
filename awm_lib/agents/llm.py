"""The agent that asks a language model what to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from awm_lib.agents.agent import Ending, World
from awm_lib.agents.lenient import lenient_reply
from awm_lib.agents.meta import MetaProtocol
from awm_lib.agents.native import NativeProtocol
from awm_lib.agents.protocol import Message, ToolProtocol, printable
from awm_lib.contracts.run import RunSettings
from awm_lib.contracts.trajectory import Stop, Turn
from awm_lib.llm.chat import ChatReply, ChatRequest

Ask = Callable[[ChatRequest], Awaitable[tuple[ChatReply, float | None]]]
"""Asks a model: its reply, and the dollars that it cost. Raises Unavailable when no reply comes."""


class ContextExceeded(Exception):
    """The conversation does not fit into the model's context any more."""


class RefusedByFilter(Exception):
    """The endpoint's filter refuses the conversation."""


class LlmAgent:
    """Asks, makes the calls that the reply wants, tells what came of them, and asks again, until a reply wants none."""

    def __init__(self, ask: Ask, settings: RunSettings) -> None:
        self._ask = ask
        self._settings = settings
        self._protocol: ToolProtocol = (
            NativeProtocol() if settings.protocol == "native" else MetaProtocol(settings.results_as)
        )

    async def act(self, world: World) -> Ending:
        """Do the task within the limits. They are looked at before each request, so a reply that passes one counts."""
        notes, settings = world.notes, self._settings
        opening = self._protocol.opening(world)
        tools = self._protocol.tools(world)
        history: list[list[Message]] = []
        listing: int | None = None
        notes.messages += opening
        for turn in range(1, settings.max_turns + 1):
            stop = self._limit(notes.turns)
            if stop is not None:
                return Ending(stop)
            notes.turn = turn
            request = ChatRequest(
                messages=[*opening, *_recent(history, settings.window, listing)],
                tools=tools,
                temperature=settings.temperature,
                max_tokens=settings.max_tokens,
                extra_body=_extra(settings),
            )
            try:
                reply, cost = await self._ask(request)
            except ContextExceeded:
                return Ending("tokens")
            except RefusedByFilter:
                return Ending("refused")
            notes.turns.append(_turn(reply, cost))
            said = self._protocol.said(reply)
            notes.messages.append(said)
            exchange = [said]
            history.append(exchange)
            if reply.refusal or reply.finish_reason == "content_filter":
                return Ending("refused", printable(reply.refusal or reply.text))
            wanted = self._protocol.wanted(reply)
            if not wanted:
                text = printable(reply.text)
                cut = reply.finish_reason == "length"
                return Ending("cut_off" if cut else "answered", self._answer(text, world))
            was_listed = notes.listed
            for call in wanted:
                answer = await self._protocol.answer(call, world)
                notes.messages.append(answer)
                exchange.append(answer)
            if notes.listed and not was_listed:
                listing = len(history) - 1
            if settings.stop_on_violation and any(problem.error_class == "agent" for problem in notes.problems):
                return Ending("violation")
            if any(problem.error_class == "environment" for problem in notes.problems):
                return Ending("error")
        return Ending("turns")

    def _answer(self, text: str, world: World) -> str | None:
        return lenient_reply(text, world.brief.answer) if self._settings.lenient else text

    def _limit(self, turns: list[Turn]) -> Stop | None:
        settings = self._settings
        used = sum(turn.prompt_tokens + turn.completion_tokens for turn in turns)
        if settings.max_total_tokens is not None and used >= settings.max_total_tokens:
            return "tokens"
        if settings.max_seconds is not None and sum(turn.seconds for turn in turns) >= settings.max_seconds:
            return "seconds"
        if settings.max_cost is not None and sum(turn.cost or 0 for turn in turns) >= settings.max_cost:
            return "cost"
        return None


def _recent(history: list[list[Message]], window: int | None, listing: int | None) -> list[Message]:
    """The messages of the last turns, and of the turn that listed the tools."""
    kept = history if window is None else history[-window:]
    if listing is not None and listing < len(history) - len(kept):
        kept = [history[listing], *kept]
    return [message for exchange in kept for message in exchange]


def _extra(settings: RunSettings) -> dict[str, Any]:
    """What only some endpoints take, such as vLLM."""
    extra = dict(settings.extra)
    if settings.min_tokens is not None:
        extra["min_tokens"] = settings.min_tokens
    if settings.template_arguments:
        extra["chat_template_kwargs"] = settings.template_arguments
    return extra


def _turn(reply: ChatReply, cost: float | None) -> Turn:
    return Turn(
        seconds=reply.seconds,
        prompt_tokens=reply.usage.input,
        completion_tokens=reply.usage.output,
        cost=cost,
        finish=reply.finish_reason,
    )
