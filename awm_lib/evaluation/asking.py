"""Asking a model for one trial: the replies that are kept already, then new ones, each kept before it is used."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from awm_lib.agents.agent import Unavailable
from awm_lib.agents.llm import Ask, ContextExceeded, RefusedByFilter
from awm_lib.contracts.llm import Llm, Price
from awm_lib.contracts.run import RunSettings
from awm_lib.evaluation.store import ReplyLog
from awm_lib.llm import errors
from awm_lib.llm.cache import Cache
from awm_lib.llm.chat import ChatReply, ChatRequest
from awm_lib.llm.client import Client
from awm_lib.llm.ledger import Ledger, Purpose, cost

_CONTEXT_WORDS = ("context length", "context_length", "maximum context", "context window", "too many tokens")


@asynccontextmanager
async def open_model(settings: RunSettings, llm: Llm | None = None, *, keep: bool = False) -> AsyncIterator[Client]:
    """A client of a run's model.

    Replies are kept for all later requests only if ``keep``: trials are samples, which share none. ``llm`` has what the
    project's configuration says of models. Raises AwmError if the endpoint is not known.
    """
    from pathlib import Path

    from awm_lib.llm.endpoint import resolve_endpoint
    from awm_lib.llm.live import LiveTransport

    known = llm or Llm()
    prices = list(known.prices)
    if settings.price is not None and settings.model is not None:
        prices = [Price(model=settings.model, input=settings.price[0], output=settings.price[1])]
    chosen = known.model_copy(
        update={
            "retries": settings.retries, "backoff": settings.backoff, "patience": settings.patience, "prices": prices,
            "temperature": None, "max_tokens": None, "extra_body": {}, "max_cost_usd": None,
        }
    )  # fmt: skip
    endpoint = resolve_endpoint(chosen, provider=settings.provider, base_url=settings.base_url, model=settings.model)
    transport = LiveTransport(endpoint, timeout=settings.timeout, connections=settings.concurrency)
    try:
        home = Path(chosen.directory)
        cache = Cache(home / "replies") if keep else None
        yield Client(endpoint, transport, chosen, cache=cache, ledger=Ledger(home))
    finally:
        await transport.close()


def asker(client: Client, purpose: Purpose, log: ReplyLog | None = None) -> Ask:
    """A function that asks for one trial."""
    kept = iter(_kept(log) if log is not None else ())

    async def ask(request: ChatRequest) -> tuple[ChatReply, float | None]:
        before = next(kept, None)
        reply = before if before is not None else await _send(client, request, purpose)
        if before is None and log is not None:
            log.append(_storable(reply))
        return reply, cost(reply.usage, client.price) if client.price is not None else None

    return ask


def _kept(log: ReplyLog) -> list[ChatReply]:
    try:
        return [ChatReply.of(item) for item in log.read()]
    except (KeyError, TypeError, AttributeError):  # of another version
        log.clear()
        return []


async def _send(client: Client, request: ChatRequest, purpose: Purpose) -> ChatReply:
    """A reply. Raises Unavailable for what another time may bring a reply, AwmError for what never will."""
    try:
        return await client.send(request, purpose)
    except errors.ContentFiltered as error:
        raise RefusedByFilter(error.message) from None
    except errors.BadRequest as error:
        if any(words in error.message.lower() for words in _CONTEXT_WORDS):
            raise ContextExceeded(error.message) from None
        raise Unavailable("bad_request", error.message) from None
    except errors.RateLimited as error:
        raise Unavailable("rate_limited", error.message) from None
    except errors.EndpointUnavailable as error:
        raise Unavailable("timeout" if "within" in error.message else "unavailable", error.message) from None


def _storable(reply: ChatReply) -> dict[str, Any]:
    from awm_lib.agents.protocol import printable

    plain: dict[str, Any] = printable(reply.plain())
    return plain
