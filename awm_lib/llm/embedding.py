"""Embeddings for comparing texts: the local model's, or an OpenAI-compatible endpoint's, kept like replies are."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from awm_lib import jsonfile
from awm_lib.contracts.llm import Llm
from awm_lib.llm.client import Tries
from awm_lib.llm.endpoint import Endpoint, embedding_endpoint
from awm_lib.llm.errors import EndpointUnavailable, LlmError
from awm_lib.llm.live import LiveTransport

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BATCH = 50
"""Texts of one request."""

Embed = Callable[[Sequence[str]], Awaitable["NDArray[np.float32]"]]


@contextlib.asynccontextmanager
async def embedder(settings: Llm) -> AsyncIterator[Embed]:
    """A function from texts to rows of length 1. Raises AwmError if what it needs is not installed or not set."""
    if settings.embeddings.provider == "local":
        from awm_lib.embeddings import embed

        async def local(texts: Sequence[str]) -> NDArray[np.float32]:
            return embed(texts)

        yield local
        return
    endpoint = embedding_endpoint(settings)
    transport = LiveTransport(endpoint, timeout=settings.timeout, connections=4)
    try:

        async def remote(texts: Sequence[str]) -> NDArray[np.float32]:
            parts = [list(texts[at : at + BATCH]) for at in range(0, len(texts), BATCH)]
            return _rows([await _kept(transport, endpoint, settings, part) for part in parts])

        yield remote
    finally:
        await transport.close()


async def _kept(transport: LiveTransport, endpoint: Endpoint, settings: Llm, texts: list[str]) -> list[list[float]]:
    name = hashlib.sha256(json.dumps([endpoint.model, texts]).encode()).hexdigest()[:40]
    path = Path(settings.directory) / "embeddings" / name[:2] / f"{name}.json"
    with contextlib.suppress(OSError, ValueError):
        found: list[list[float]] = json.loads(path.read_bytes())
        return found
    vectors = await _asked(transport, settings, texts)
    jsonfile.write_bytes(path, json.dumps(vectors).encode())
    return vectors


async def _asked(transport: LiveTransport, settings: Llm, texts: list[str]) -> list[list[float]]:
    tries = Tries(settings)
    while True:
        tries.sent += 1
        try:
            vectors = await transport.embeddings(texts)
            if len(vectors) != len(texts):
                raise EndpointUnavailable(f"{len(vectors)} embeddings came for {len(texts)} texts")
            return vectors
        except LlmError as error:
            wait = tries.wait_after(error)
            if wait is None:
                raise error.at("embeddings") from None
        await asyncio.sleep(wait)


def _rows(parts: list[list[list[float]]]) -> NDArray[np.float32]:
    import numpy as np

    found = np.array([vector for part in parts for vector in part], dtype=np.float32)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return np.asarray(found / np.where(lengths == 0, 1, lengths), dtype=np.float32)
