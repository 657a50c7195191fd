"""Measuring repeated actions: interleaved, so that whatever else the machine does hits both sides alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

Action = Callable[[int], object]
"""Does its work as many times as it is told."""


def rates(actions: Mapping[str, Action], *, seconds: float, rounds: int) -> dict[str, float]:
    """How often a second each action is done: the median of ``rounds`` of about ``seconds`` each, taken in turn."""
    repeats = {name: _repeats(action, seconds) for name, action in actions.items()}
    found: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            began = time.perf_counter()
            action(repeats[name])
            found[name].append(repeats[name] / (time.perf_counter() - began))
    return {name: statistics.median(values) for name, values in found.items()}


def _repeats(action: Action, seconds: float) -> int:
    """How many repetitions take about this long. It also warms the action up."""
    number = 1
    while True:
        began = time.perf_counter()
        action(number)
        taken = time.perf_counter() - began
        if taken >= seconds / 10:
            return max(1, round(number * seconds / taken))
        number *= 4
