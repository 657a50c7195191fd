"""How different the environments of a data set are: measures over subsets, nearest pairs, a map.

Subsets are the first 10, 100, 1,000 ... of all environments in an order that is a function of their names, so that they
stand for the whole and stay what they are.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from awm_lib.statistics.query import ask

if TYPE_CHECKING:
    import duckdb

SUBSETS = (10, 100, 1_000)
GRAM = 6
"""Words in a row, of which the share of distinct ones says how instructions repeat each other."""


class Measure(NamedTuple):
    """One number about a subset."""

    name: str
    subset: int
    value: float


def shuffled(names: Iterable[str]) -> list[str]:
    """The names in an order that looks random and is a function of each."""
    return sorted(names, key=lambda name: hashlib.sha256(f"shuffled {name}".encode()).digest())


def subsets(count: int) -> list[int]:
    """The sizes of subsets that are measured: 10, 100, 1,000 as far as they go, and the whole."""
    return [*(size for size in SUBSETS if size < count), count] if count else []


def cosines_of(vectors: Any) -> Any:
    """The matrix of the cosines of all pairs of vectors of length 1; -1 for a vector with itself."""
    import numpy as np

    exact = vectors.astype(np.float64)
    cosines = exact @ exact.T
    np.fill_diagonal(cosines, -1)
    return cosines


def cosine_measures(kind: str, vectors: Any, cosines: Any) -> list[Measure]:
    """Mean and largest cosine of two environments, mean cosine of an environment with its nearest, and Vendi score.

    ``vectors`` has a row of length 1 for each environment, in the shuffled order, and ``cosines`` is made of them. The
    Vendi score (Friedman and Dieng, arXiv 2210.02410) is the exponential of the entropy of the eigenvalues of the
    cosines divided by their number: how many wholly different environments would be as varied.
    """
    import numpy as np

    found = []
    for size in subsets(len(vectors)):
        part = vectors[:size].astype(np.float64)
        # The cosines' matrix has the eigenvalues of the much smaller one of the columns' products.
        values = np.linalg.eigvalsh(part.T @ part / size)
        values = values[values > 1e-12]
        found.append(Measure(f"{kind}_vendi", size, float(np.exp(-(values * np.log(values)).sum()))))
        if size > 1:
            others = cosines[:size, :size]
            found += [
                Measure(f"{kind}_cosine_mean", size, float((others.sum() + size) / (size * (size - 1)))),
                Measure(f"{kind}_cosine_nearest", size, float(others.max(axis=1).mean())),
                Measure(f"{kind}_cosine_max", size, float(others.max())),
            ]
    return found


def nearest(names: Sequence[str], cosines: Any) -> list[tuple[str, str, float]]:
    """Each environment with the one whose vector is nearest, and their cosine."""
    if len(names) < 2:
        return []
    best = cosines.argmax(axis=1)
    return [(name, names[at], float(cosines[row, at])) for row, (name, at) in enumerate(zip(names, best, strict=True))]


def overlap_measures(name: str, sets: Sequence[Iterable[str]], *, shared: bool = False) -> list[Measure]:
    """Mean and largest Jaccard index of two environments' sets of names, in the shuffled order; with ``shared`` also
    the largest share of the smaller set that is in the other.
    """
    import numpy as np

    columns = {item: at for at, item in enumerate(sorted({item for one in sets for item in one}))}
    has = np.zeros((len(sets), len(columns)), np.float32)
    for row, one in enumerate(sets):
        has[row, [columns[item] for item in one]] = 1
    found = []
    for size in subsets(len(sets)):
        if size < 2:
            continue
        part = has[:size]
        common = part @ part.T
        sizes = part.sum(axis=1)
        both = sizes[:, None] + sizes[None, :] - common
        jaccard = common / np.where(both == 0, 1, both)
        off = ~np.eye(size, dtype=bool)
        found += [
            Measure(f"{name}_jaccard_mean", size, float(jaccard[off].mean())),
            Measure(f"{name}_jaccard_max", size, float(jaccard[off].max())),
        ]
        if shared:
            least = np.minimum(sizes[:, None], sizes[None, :])
            found.append(
                Measure(f"{name}_shared_max", size, float((common / np.where(least == 0, 1, least))[off].max()))
            )
    return found


def distinct_measures(name: str, sets: Sequence[Iterable[str]]) -> list[Measure]:
    """How many different items the environments of each subset have together."""
    return [Measure(name, size, len({item for one in sets[:size] for item in one})) for size in subsets(len(sets))]


def gram_measures(instructions: Sequence[Sequence[str]]) -> list[Measure]:
    """The share of distinct ones among all runs of six words of the instructions, environment by environment."""
    found = []
    for size in subsets(len(instructions)):
        grams: Counter[tuple[str, ...]] = Counter()
        for one in instructions[:size]:
            for text in one:
                words = re.findall(r"[\w$'.,:-]+", text.lower())
                grams.update(tuple(words[at : at + GRAM]) for at in range(len(words) - GRAM + 1))
        found.append(Measure("instruction_grams_distinct", size, len(grams) / (grams.total() or 1)))
    return found


def measure_structure(connection: duckdb.DuckDBPyConnection, names: list[str]) -> list[Measure]:
    """The measures that need no embeddings, over environments in the shuffled order."""

    def sets(sql: str) -> list[list[str]]:
        found: dict[str, list[str]] = {}
        for name, item in ask(connection, sql).rows:
            found.setdefault(str(name), []).append(str(item))
        return [found.get(name, []) for name in names]

    programs = sets("SELECT scenario, shape FROM tools")
    schemas = sets(
        "SELECT scenario, md5(string_agg(table_name || '.' || column_name || ' ' || coalesce(type, ''), ',' "
        "ORDER BY table_name, position)) FROM schema_columns GROUP BY scenario"
    )
    return [
        *distinct_measures("categories", sets("SELECT scenario, category FROM environments")),
        *distinct_measures("niches", sets("SELECT scenario, category || ' ' || niche FROM environments")),
        *distinct_measures("schemas_distinct", schemas),
        *distinct_measures("tool_names_distinct", tools := sets("SELECT scenario, tool FROM tools")),
        *distinct_measures("program_shapes_distinct", programs),
        *distinct_measures("task_shapes_distinct", sets("SELECT scenario, shape FROM tasks WHERE shape IS NOT NULL")),
        *overlap_measures("tool_names", tools),
        *overlap_measures("columns", sets("SELECT scenario, table_name || '.' || column_name FROM schema_columns")),
        *overlap_measures("program_shapes", programs, shared=True),
        *gram_measures(sets("SELECT scenario, instruction FROM tasks")),
    ]


def map_of(vectors: Any) -> Any:
    """Two coordinates for each vector, between 0 and 1, so that near ones lie near each other (t-SNE).

    It runs on one core, since sums over several depend on how many there are.
    """
    import numpy as np

    if len(vectors) < 4:
        return np.linspace(0.1, 0.9, max(1, len(vectors)))[:, None].repeat(2, axis=1)[: len(vectors)]
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    perplexity = min(30.0, (len(vectors) - 1) / 3)
    with threadpool_limits(1):
        places = TSNE(perplexity=perplexity, init="pca", random_state=0, metric="cosine").fit_transform(vectors)
    low, high = places.min(axis=0), places.max(axis=0)
    return (places - low) / np.where(high == low, 1, high - low)
