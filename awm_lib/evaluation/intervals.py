"""Means over tasks and their 95 % intervals.

Tasks of one environment share its data and tools, so they are not independent: the variance of a mean is estimated from
the environments (clusters), not from the tasks. The interval is Wilson's, with the number of tasks replaced by the
number that would give this variance if they were independent. So it never leaves 0..1, and it has a width even where
all tasks succeed: 10,000 of 10,000 is an interval from 0.9996 to 1, not a point.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping

from awm_lib.contracts.summary import Estimate

Z = 1.959964
"""The normal quantile of 95 %."""


def estimate(values: Mapping[tuple[str, str], float]) -> Estimate:
    """The mean of values of tasks, (environment, task) -> 0..1, with its interval. Raises ValueError without values."""
    if not values:
        raise ValueError("a mean needs a value")
    mean = sum(values.values()) / len(values)
    low, high = wilson(mean, effective_size(values, mean))
    return Estimate(mean=_tidy(mean), low=_tidy(low), high=_tidy(high))


def wilson(mean: float, size: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a mean of 0..1 over so many independent values."""
    spread = Z * Z / size
    middle = (mean + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * math.sqrt(mean * (1 - mean) / size + spread / (4 * size))
    return max(0.0, min(middle - half, mean)), min(1.0, max(middle + half, mean))


def effective_size(values: Mapping[tuple[str, str], float], mean: float) -> float:
    """How many independent yes-or-no values are worth as much as these; at most twice as many as there are."""
    count = len(values)
    variance = mean_variance(values, mean)
    if variance <= 0 or not 0 < mean < 1:
        return float(count)
    return max(1.0, min(mean * (1 - mean) / variance, 2.0 * count))


def mean_variance(values: Mapping[tuple[str, str], float], mean: float) -> float:
    """The variance of a mean, by environments; by tasks if there is but one environment. 0 for a single task."""
    clusters: dict[str, float] = defaultdict(float)
    single = len({environment for environment, _ in values}) == 1
    for (environment, task), value in values.items():
        clusters[task if single else environment] += value - mean
    number = len(clusters)
    if number < 2:
        return 0.0
    return number / (number - 1) * sum(total * total for total in clusters.values()) / len(values) ** 2


def difference(one: Mapping[tuple[str, str], float], other: Mapping[tuple[str, str], float]) -> Estimate:
    """The mean of one - other over the tasks of both, with its interval (Newcombe's, for paired means).

    It combines the intervals of the two means, less what their correlation over tasks takes away. Raises ValueError if
    they have no task in common.
    """
    common = [task for task in one if task in other]
    first, second = {task: one[task] for task in common}, {task: other[task] for task in common}
    a, b = estimate(first), estimate(second)
    shared = _correlation([(first[task], second[task]) for task in common])
    gap = sum(first[task] - second[task] for task in common) / len(common)

    def reach(up: float, down: float) -> float:
        return math.sqrt(max(0.0, up * up - 2 * shared * up * down + down * down))

    low = gap - reach(a.mean - a.low, b.high - b.mean)
    high = gap + reach(a.high - a.mean, b.mean - b.low)
    return Estimate(mean=_tidy(gap), low=_tidy(max(-1.0, low)), high=_tidy(min(1.0, high)))


def _correlation(pairs: Iterable[tuple[float, float]]) -> float:
    """Pearson's; 0 where one of the two does not vary."""
    found = list(pairs)
    mean_a = sum(a for a, _ in found) / len(found)
    mean_b = sum(b for _, b in found) / len(found)
    square_a = sum((a - mean_a) ** 2 for a, _ in found)
    square_b = sum((b - mean_b) ** 2 for _, b in found)
    spread = math.sqrt(square_a) * math.sqrt(square_b)  # the product of the squares may be too small for a float
    return sum((a - mean_a) * (b - mean_b) for a, b in found) / spread if spread > 0 else 0.0


def pass_any(trials: int, complete: int, k: int) -> float:
    """The chance that at least one of k trials drawn from these is complete (pass@k), without bias."""
    return 1.0 - math.comb(trials - complete, k) / math.comb(trials, k)


def pass_all(trials: int, complete: int, k: int) -> float:
    """The chance that all of k trials drawn from these are complete (pass^k), without bias."""
    return math.comb(complete, k) / math.comb(trials, k)


def _tidy(value: float) -> float:
    return round(value, 6) + 0.0
