"""all-MiniLM-L6-v2: a transformer of six layers that makes a vector of a text, as sentence-transformers runs it.

Its weights and word pieces are files of a package. The forward pass is written out here because the libraries around
such models take ten seconds of processor time and 200 MB to import, and fill every batch up to its longest text. Here a
batch holds texts of one length, and each runs on one core: what the model makes of a text depends neither on the texts
beside it nor on the number of cores.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIZE = 384
"""Numbers in a vector."""
MOST = 256
"""Word pieces after which a text is cut."""
LAYERS, HEADS, EPSILON = 6, 12, 1e-12
BATCH = 512
"""Word pieces in a batch: enough for fast products of matrices, and few enough that the values stay in the caches."""


def encode(folder: Path, texts: Sequence[str], jobs: int) -> NDArray[np.float32]:
    """The texts' vectors, each a row of length 1; ``folder`` has the model's files, ``jobs`` is the number of threads.

    Raises ImportError without torch, safetensors and tokenizers.
    """
    import numpy as np
    import torch
    from safetensors.torch import load_file
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(MOST)
    tokenizer.no_padding()
    weights = load_file(folder / "model.safetensors")
    pieces = [tokenizer.encode(text).ids for text in texts]
    vectors = np.empty((len(texts), SIZE), np.float32)

    def fill(batch: list[int]) -> None:
        with torch.inference_mode():
            vectors[batch] = _forward(weights, torch.tensor([pieces[at] for at in batch])).numpy()

    # torch counts threads for each thread by itself, and these must not start others.
    with ThreadPoolExecutor(jobs, initializer=torch.set_num_threads, initargs=(1,)) as threads:
        for _ in threads.map(fill, _batches(pieces)):
            pass
    return vectors


def _batches(pieces: list[list[int]]) -> list[list[int]]:
    """The places of all texts in batches of one length each, the longest first, so that threads end together."""
    batches = []
    order = sorted(range(len(pieces)), key=lambda at: -len(pieces[at]))
    for length, group in groupby(order, key=lambda at: len(pieces[at])):
        same, size = list(group), max(1, BATCH // length)
        batches += [same[start : start + size] for start in range(0, len(same), size)]
    return batches


def _forward(weights: dict[str, Any], pieces: Any) -> Any:
    """A row for each row of word pieces: the mean of what the last layer makes of them, with length 1."""
    from torch.nn import functional

    count, length = pieces.shape

    def linear(values: Any, name: str) -> Any:
        return functional.linear(values, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def normal(values: Any, name: str) -> Any:
        return functional.layer_norm(values, (SIZE,), weights[f"{name}.weight"], weights[f"{name}.bias"], EPSILON)

    def heads(values: Any, name: str) -> Any:
        return linear(values, name).view(count, length, HEADS, SIZE // HEADS).transpose(1, 2)

    values = weights["embeddings.word_embeddings.weight"][pieces]
    values = values + weights["embeddings.position_embeddings.weight"][:length]
    values = values + weights["embeddings.token_type_embeddings.weight"][0]
    values = normal(values.view(count * length, SIZE), "embeddings.LayerNorm")
    for layer in range(LAYERS):
        here = f"encoder.layer.{layer}"
        seen = functional.scaled_dot_product_attention(
            *(heads(values, f"{here}.attention.self.{part}") for part in ("query", "key", "value"))
        )
        seen = linear(seen.transpose(1, 2).reshape(count * length, SIZE), f"{here}.attention.output.dense")
        values = normal(seen.add_(values), f"{here}.attention.output.LayerNorm")
        wide = functional.gelu(linear(values, f"{here}.intermediate.dense"))
        values = normal(linear(wide, f"{here}.output.dense").add_(values), f"{here}.output.LayerNorm")
    return functional.normalize(values.view(count, length, SIZE).mean(1), dim=1)
