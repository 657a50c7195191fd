"""The one loop of all stages: ask, check, correct with exact findings, at most so many times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from awm_lib.errors import SynthesisError
from awm_lib.llm.chat import ChatReply, ChatRequest
from awm_lib.llm.client import Client
from awm_lib.llm.errors import ContentFiltered, CutOff, MalformedReply, UnusableReply
from awm_lib.llm.ledger import Attempt, Purpose
from awm_lib.synthesis.llm.prompts import render

MAX_FINDINGS = 25
"""Findings that a correction names at most; the rest waits for the next one."""


class Stage(Protocol):
    """What one stage knows: what to ask, and what is wrong with a reply."""

    again: str
    """What a correction is to give: all, or what changes."""

    def request(self) -> ChatRequest:
        """The first request."""
        ...

    def judge(self, text: str) -> list[str]:
        """Take a reply, and say what is wrong with it; nothing if it is right. Raises MalformedReply."""
        ...

    def correction(self, findings: list[str]) -> ChatRequest:
        """The request that follows a reply with findings; the reply and the findings are put behind it."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a stage ended."""

    findings: list[str]
    """What is still wrong; nothing if the stage is done."""
    attempts: int


async def ask(client: Client, stage: Stage, purpose: Purpose, attempts: int, *, first: int = 0) -> Outcome:
    """Ask until a reply is right, at most so many times.

    A reply is corrected in a conversation of its own: the rules, the reply, its findings. Earlier replies are left out,
    so the third correction costs no more than the first. ``first`` is the sample that the first request asks for, where
    the same request may be made again with another reply in mind. Raises LlmError if no reply comes at all.
    """
    request, findings = stage.request(), [""]
    for number in range(1, attempts + 1):
        here = replace(purpose, attempt=number)
        findings, request = await _attempt(client, stage, request, here, first + number - 1)
        if client.ledger is not None:
            client.ledger.write(Attempt(here, client.endpoint.model, not findings, findings))
        if not findings:
            return Outcome([], number)
    return Outcome(findings, attempts)


async def _attempt(
    client: Client, stage: Stage, request: ChatRequest, here: Purpose, sample: int
) -> tuple[list[str], ChatRequest]:
    """What is wrong with the reply to a request, and the request that follows from it."""
    try:
        reply = await client.send(request, here, sample=sample)
    except ContentFiltered as error:  # of the request itself: another try may word itself past the filter
        return [error.message], request
    try:
        text = reply.usable_text()
    except UnusableReply as error:
        return [error.message], _once_more(request, error)
    try:
        findings = stage.judge(text)
    except MalformedReply as error:
        findings = [error.message]
    if not findings:
        return [], request
    return findings, following(stage.correction(findings), reply, findings, stage.again)


def following(request: ChatRequest, reply: ChatReply, findings: list[str], scope: str) -> ChatRequest:
    """A request that continues after a reply with findings."""
    shown = [*findings[:MAX_FINDINGS]]
    if len(findings) > MAX_FINDINGS:
        shown.append(f"... and {len(findings) - MAX_FINDINGS} more of this kind")
    return request.following(
        {"role": "assistant", "content": reply.text},
        {"role": "user", "content": render("correction", findings=shown, scope=scope)},
    )


def _once_more(request: ChatRequest, error: UnusableReply) -> ChatRequest:
    """The same request, after a reply of which nothing can be used."""
    if isinstance(error, CutOff) and len(request.messages) == 2:
        return request.following({"role": "user", "content": render("correction.cut")})
    return request


async def must(client: Client, stage: Stage, purpose: Purpose, attempts: int) -> None:
    """As ``ask``; raises SynthesisError with the findings if the stage is not done."""
    outcome = await ask(client, stage, purpose, attempts)
    if outcome.findings:
        listed = "\n".join(f"  {finding}" for finding in outcome.findings[:MAX_FINDINGS])
        raise SynthesisError(
            f"{purpose.label}: after {outcome.attempts} attempts the reply of {client.endpoint.model} is still wrong:\n"
            + listed,
            hint="raise llm.attempts to go on from here, or choose a stronger model; its replies are kept",
        )
