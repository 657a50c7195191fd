"""The transport that asks an endpoint, through the ``openai`` package.

The package's own retries are off: it gives up a Retry-After above two minutes, waits alone where all jobs of a build
should wait, and tells nobody what it did. ``awm_lib.llm.client`` retries instead.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from awm_lib.llm import errors, wire
from awm_lib.llm.chat import ChatReply, ChatRequest, Dialect
from awm_lib.llm.endpoint import NO_KEY, Endpoint

if TYPE_CHECKING:
    from openai import AsyncOpenAI

CONNECT_SECONDS = 20.0
MAX_MESSAGE = 600
POOL_SIZE = 16


def preload() -> None:
    """Do what the first request would do first, for a process that forks those that make requests.

    Much is imported only when a request is made, so one is made, to nobody: its reply comes from this function.
    """
    import httpx2
    import openai.lib.azure  # noqa: F401
    from openai import AsyncOpenAI

    async def ask_nobody() -> None:
        transport = httpx2.MockTransport(lambda request: httpx2.Response(200, json={"choices": []}))
        async with httpx2.AsyncClient(transport=transport) as http:
            client = AsyncOpenAI(base_url="http://nobody/v1", api_key=NO_KEY, max_retries=0, http_client=http)
            await client.post("/chat/completions", cast_to=object, body={})
        await _http_client(1.0, 1).aclose()

    asyncio.run(ask_nobody())


@cache
def _tls() -> ssl.SSLContext:
    """The settings of encrypted connections; reading the certificates takes a while."""
    import httpx2

    return httpx2.create_ssl_context()


def _http_client(timeout: float, connections: int) -> Any:
    import httpx2
    from openai import DefaultAsyncHttpx2Client

    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
    patience = httpx2.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout))
    return DefaultAsyncHttpx2Client(limits=limits, timeout=patience, verify=_tls())


@dataclass
class _Pool:
    """A client with connections of its own."""

    client: AsyncOpenAI
    size: int
    at_work: int = 0


class LiveTransport:
    """Requests to one endpoint over shared connections.

    For each request a pool looks through all its connections, so hundreds of them are in several pools.
    """

    def __init__(self, endpoint: Endpoint, *, timeout: float, connections: int) -> None:
        """``timeout`` is in seconds, for a whole reply; ``connections`` the most at once."""
        self.endpoint = endpoint
        self.timeout = timeout
        self._connections = connections
        self._pools: list[_Pool] = []

    async def send(self, request: ChatRequest, dialect: Dialect) -> ChatReply:
        """Send once. Raises LlmError."""
        began = time.monotonic()
        completion = await self._post("/chat/completions", wire.body(self.endpoint.model, request, dialect))
        return wire.reply(completion, request, time.monotonic() - began)

    async def embeddings(self, texts: Sequence[str]) -> list[list[float]]:
        """The embeddings of texts, in their order. Raises LlmError."""
        found = await self._post("/embeddings", {"model": self.endpoint.model, "input": list(texts)})
        return wire.embeddings(found)

    async def _post(self, path: str, body: dict[str, Any]) -> object:
        import openai

        try:
            async with asyncio.timeout(self.timeout):  # the package's own timeout begins anew with every byte
                with self._pool() as client:
                    return await client.post(path, cast_to=object, body=body)
        except TimeoutError:
            raise errors.EndpointUnavailable(f"no whole reply within {self.timeout:g} s") from None
        except openai.APIStatusError as error:
            raise self._explained(error) from None
        except openai.APITimeoutError:
            raise errors.EndpointUnavailable(f"no reply within {self.timeout:g} s") from None
        except openai.APIConnectionError as error:
            raise errors.EndpointUnavailable(self.endpoint.redact(f"no connection: {_cause(error)}")) from None
        except (openai.APIError, ValueError) as error:
            raise errors.EndpointUnavailable(
                self.endpoint.redact(f"the reply is not HTTP with JSON: {error}")
            ) from None

    async def close(self) -> None:
        """Close the connections."""
        for pool in self._pools:
            await pool.client.close()

    @contextlib.contextmanager
    def _pool(self) -> Iterator[AsyncOpenAI]:
        """The pool with the fewest requests at work; a new one while all are full and more connections are allowed."""
        pool = min(self._pools, key=lambda item: item.at_work, default=None)
        if pool is None or (pool.at_work >= pool.size and len(self._pools) * POOL_SIZE < self._connections):
            size = min(POOL_SIZE, self._connections - len(self._pools) * POOL_SIZE)
            pool = _Pool(_make_client(self.endpoint, self.timeout, size), size)
            self._pools.append(pool)
        pool.at_work += 1
        try:
            yield pool.client
        finally:
            pool.at_work -= 1

    def _explained(self, error: Any) -> errors.LlmError:
        """An HTTP error as one of ours, without the key, with what the endpoint says."""
        status, said = error.status_code, self.endpoint.redact(_said(error.body) or error.message)[:MAX_MESSAGE]
        wait = retry_after(error.response.headers)
        if status == 429 and error.code == "insufficient_quota":
            exhausted = errors.RateLimited(f"the account's quota is used up: {said}", hint="raise it at the provider")
            exhausted.transient = False
            return exhausted
        if status == 429:
            return errors.RateLimited(f"the endpoint has too many requests (429): {said}", retry_after=wait)
        if status in (401, 403):
            return errors.AuthenticationFailed(
                f"{self.endpoint.label} does not accept the key ({status}): {said}",
                hint="check the key and what it may use; keys are read from the environment or .env",
            )
        if status in (408, 409) or status >= 500:
            return errors.EndpointUnavailable(f"the endpoint failed ({status}): {said}", retry_after=wait)
        if error.code == "content_filter" or "content management policy" in said:
            return errors.ContentFiltered(f"the endpoint's content filter refuses the request: {said}")
        hint = "are llm.model and the address right?" if status == 404 else None
        refused = errors.BadRequest(f"{self.endpoint.label} does not take the request ({status}): {said}", hint=hint)
        refused.is_about_form = status in (400, 415, 422)
        return refused


def _make_client(endpoint: Endpoint, timeout: float, connections: int) -> AsyncOpenAI:
    from openai import AsyncAzureOpenAI, AsyncOpenAI

    http = _http_client(timeout, connections)
    patience = http.timeout
    key = endpoint.key.get_secret_value()
    if endpoint.provider == "azure":
        return AsyncAzureOpenAI(
            azure_endpoint=endpoint.base_url, azure_deployment=endpoint.model, api_version=endpoint.api_version,
            api_key=key, max_retries=0, timeout=patience, http_client=http,
        )  # fmt: skip
    return AsyncOpenAI(base_url=endpoint.base_url, api_key=key, max_retries=0, timeout=patience, http_client=http)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that an endpoint asks to wait: ``retry-after-ms``, or ``Retry-After`` as seconds or as a date."""
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        text = headers.get(name)
        if text is None:
            continue
        try:
            return max(0.0, float(text) / scale)
        except ValueError:
            pass
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            continue
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    return None


def _said(body: object) -> str:
    """The message in an error's body."""
    if isinstance(body, Mapping):
        inner = body.get("error", body)
        if isinstance(inner, Mapping):
            return str(inner.get("message") or inner)
        return str(inner)
    return str(body or "")


def _cause(error: BaseException) -> str:
    """What the connection's error says."""
    cause = error.__cause__ or error
    return str(cause) or type(cause).__name__
