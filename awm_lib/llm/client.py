"""The client: a request goes in, a reply comes out; kept ones are free, and nothing that was paid is asked again.

Between caller and transport it looks into the cache, waits for its turn, speaks the endpoint's dialect, sends again
what may succeed later, and writes the ledger.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

from awm_lib.contracts.llm import Llm
from awm_lib.errors import AwmError
from awm_lib.llm.cache import Cache, ReplayTransport, request_key
from awm_lib.llm.chat import ChatReply, ChatRequest, Dialect, Transport, estimated_tokens
from awm_lib.llm.dialects import Dialects
from awm_lib.llm.endpoint import Endpoint
from awm_lib.llm.errors import BadRequest, LlmError, RateLimited
from awm_lib.llm.ledger import Ledger, Purpose, Request, cost, price_of
from awm_lib.llm.limits import Limits

LONGEST_WAIT = 60.0
"""Seconds between two tries at most, unless the endpoint asks for more."""
EXPECTED_OUTPUT = 6_000
"""Tokens that a reply is expected to have where nothing limits it; for the rate and the budget."""


class Client:
    """Requests to one model, by one transport. Use it in one event loop; any number of requests at once."""

    def __init__(
        self, endpoint: Endpoint, transport: Transport, settings: Llm, *, cache: Cache | None = None,
        ledger: Ledger | None = None, limits: Limits | None = None, dialects: Dialects | None = None,
    ) -> None:  # fmt: skip
        """Without cache, ledger or limits, nothing is kept, written down or limited."""
        self.endpoint = endpoint
        self.settings = settings
        self.cache, self.ledger, self.limits = cache, ledger, limits
        self.price = price_of(endpoint.model, settings.prices)
        self._transport = transport
        self._dialects = dialects or Dialects(endpoint, settings.structured, None)

    async def send(self, request: ChatRequest, purpose: Purpose, *, sample: int = 0) -> ChatReply:
        """The reply to a request, whatever it says.

        ``sample`` asks for another reply to the same request than that of another number. Raises LlmError, with the
        purpose in its message, when no reply came after all tries.
        """
        full = self._completed(request)
        key = request_key(self.endpoint.model, full, sample) if self.cache is not None else ""
        kept = self.cache.get(key) if self.cache is not None else None
        if kept is not None:
            self._note(purpose, key, "cached", kept, tries=0)
            return kept
        tries = Tries(self.settings)
        try:
            reply = await self._try(full, tries)
        except LlmError as error:
            self._note(purpose, key, type(error).__name__, None, tries=tries.sent)
            raise error.at(purpose.label) from None
        if self.cache is not None:
            self.cache.put(key, self.endpoint.model, full, reply)
        self._note(purpose, key, "reply", reply, tries=tries.sent)
        return reply

    def reply_file(self, request: ChatRequest, sample: int = 0) -> Path | None:
        """Where the reply to a request is kept, if replies are kept."""
        key = request_key(self.endpoint.model, self._completed(request), sample)
        return self.cache.path(key) if self.cache is not None else None

    def _completed(self, request: ChatRequest) -> ChatRequest:
        """A request with the settings' values where it has none of its own."""
        return replace(
            request,
            temperature=self.settings.temperature if request.temperature is None else request.temperature,
            max_tokens=self.settings.max_tokens if request.max_tokens is None else request.max_tokens,
            extra_body={**self.settings.extra_body, **request.extra_body},
        )

    async def _try(self, request: ChatRequest, tries: Tries) -> ChatReply:
        while True:
            try:
                return await self._speak(request, tries)
            except LlmError as error:
                wait = tries.wait_after(error)
                if wait is None:
                    raise
                if isinstance(error, RateLimited) and self.limits is not None:
                    self.limits.pause(wait)
            await asyncio.sleep(wait)

    async def _speak(self, request: ChatRequest, tries: Tries) -> ChatReply:
        """Send in the endpoint's dialect; if it does not take that, in others, and remember the one that it takes."""
        dialect = self._dialects.current
        refused: BadRequest | None = None
        tried = {dialect}
        waiting: list[Iterator[Dialect]] = []
        while True:
            try:
                reply = await self._send_once(request, dialect, tries)
            except BadRequest as error:
                refused = refused or error
                if not error.is_about_form:
                    raise
                waiting.append(self._dialects.others(dialect, request, error.message))
            else:
                if dialect != self._dialects.current:
                    self._dialects.remember(dialect)
                return reply
            found = next((d for others in reversed(waiting) for d in others if d not in tried), None)
            if found is None:
                raise refused
            tried.add(found)
            dialect = found

    async def _send_once(self, request: ChatRequest, dialect: Dialect, tries: Tries) -> ChatReply:
        tries.sent += 1
        if self.limits is None:
            return await self._transport.send(request, dialect)
        sent = estimated_tokens(request)
        made = request.max_tokens or EXPECTED_OUTPUT
        usd = (sent * self.price.input + made * self.price.output) / 1_000_000 if self.price else 0.0
        async with self.limits.turn(sent + made, usd):
            try:
                reply = await self._transport.send(request, dialect)
            except LlmError:
                self.limits.settle(sent + made, sent)
                raise
            self.limits.settle(sent + made, reply.usage.input + reply.usage.output)
            return reply

    def _note(self, purpose: Purpose, key: str, outcome: str, reply: ChatReply | None, tries: int) -> None:
        if self.ledger is None:
            return
        line = Request(purpose, self.endpoint.model, key, outcome, tries=tries)
        if reply is not None:
            usd = cost(reply.usage, self.price) if outcome == "reply" else 0.0
            line = replace(line, usage=reply.usage, usd=usd, seconds=reply.seconds, finish=reply.finish_reason)
        self.ledger.write(line)


class Tries:
    """How often a request was sent, and whether to send it again."""

    def __init__(self, settings: Llm) -> None:
        self.settings = settings
        self.sent = 0
        self.failed = 0
        self.limited = 0
        self.waited = 0.0

    def wait_after(self, error: LlmError) -> float | None:
        """Seconds to wait before the next try; None if there is none."""
        if not error.transient:
            return None
        if isinstance(error, RateLimited):
            self.limited += 1
            wait = _backoff(self.settings.backoff, self.limited, error.retry_after)
            self.waited += wait
            return wait if self.waited <= self.settings.patience else None
        self.failed += 1
        if self.failed > self.settings.retries:
            error.message = f"{error.message} (sent {self.sent} times)"
            error.args = (error.message,)
            error.hint = error.hint or "is the endpoint up? the same command goes on where this one stopped"
            return None
        return _backoff(self.settings.backoff, self.failed, error.retry_after)


def _backoff(base: float, failures: int, asked: float | None) -> float:
    """What the endpoint asks for and a little more; else a time that doubles with each failure, with jitter."""
    if asked is not None:
        return asked + random.random() * min(base, 1.0)
    return float(min(LONGEST_WAIT, base * 2 ** min(failures - 1, 16)) * (0.5 + random.random() / 2))


@contextlib.asynccontextmanager
async def open_client(
    endpoint: Endpoint, settings: Llm, *, transport: Transport | None = None, keep: bool = True
) -> AsyncIterator[Client]:
    """A client with the directory's cache, ledger, limits and dialects; closed at the end.

    ``transport`` replaces the live one. ``keep`` is whether replies are kept and kept ones are taken. Raises AwmError
    if a budget is set and the model has no price.
    """
    home = Path(settings.directory)
    if settings.max_cost_usd is not None and price_of(endpoint.model, settings.prices) is None:
        raise AwmError(
            f"llm.max_cost_usd needs the price of {endpoint.model}",
            hint=f"llm.prices: [{{model: {endpoint.model}, input: ..., output: ...}}], in dollars per million tokens",
        )
    ledger = Ledger(home)
    limits = Limits(
        home / "limits", concurrency=settings.concurrency, tokens_per_minute=settings.tokens_per_minute,
        max_cost=settings.max_cost_usd, ledger=ledger,
    )  # fmt: skip
    used = transport or (ReplayTransport() if settings.replay else _live(endpoint, settings))
    try:
        yield Client(
            endpoint, used, settings, cache=Cache(home / "replies") if keep else None, ledger=ledger,
            limits=limits, dialects=Dialects(endpoint, settings.structured, home / "endpoints.json"),
        )  # fmt: skip
    finally:
        await used.close()


def _live(endpoint: Endpoint, settings: Llm) -> Transport:
    from awm_lib.llm.live import LiveTransport

    return LiveTransport(endpoint, timeout=settings.timeout, connections=settings.concurrency)
