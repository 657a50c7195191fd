"""The functions that a pack's formulas may use: chance, money, time, rows, people."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from awm_lib import records
from awm_lib.errors import ExpressionError

_PRICE_ENDINGS = (99, 99, 95, 49, 0, 50)
_OPENS, _CLOSES = 8 * 60, 17 * 60


def slug(text: str) -> str:
    """A text as a lower-case name with hyphens."""
    return "-".join("".join(c if c.isalnum() else " " for c in text.lower()).split())


def cents(amount: float) -> int:
    """A decimal as minor units."""
    return round(amount * 100)


def at(day: str, time: str) -> str:
    """A moment on a day: at('2026-03-03', '09:30')."""
    return f"{day[:10]} {time}" + (":00" if len(time) == 5 else "")


def workday(day: str, count: int) -> str:
    """The count-th working day after a date (before it, if negative)."""
    current, step = date.fromisoformat(day[:10]), 1 if count >= 0 else -1
    while count:
        current += timedelta(days=step)
        if current.weekday() < 5:
            count -= step
    return str(current)


def sequence(length: int) -> list[int]:
    """[0, 1, ..., length - 1]."""
    if length > 1_000:
        raise ExpressionError("a sequence has at most 1,000 numbers")
    return list(range(length))


class Chance:
    """Random choices from one generator, with a memory for ``draw``."""

    def __init__(self, generator: random.Random, now: str) -> None:
        self._random = generator
        self._now = datetime.fromisoformat(now)
        self._drawn: dict[Any, set[int]] = {}

    def functions(self) -> dict[str, Callable[..., Any]]:
        """The functions by the names that formulas use."""
        generator = self._random
        return {
            "randint": generator.randint,
            "uniform": lambda low, high: round(generator.uniform(low, high), 2),
            "chance": lambda probability: generator.random() < probability,
            "pick": self._pick,
            "weighted": self._pick,
            "sample": self._sample,
            "shuffled": lambda values: generator.sample(list(values), len(values)),
            "draw": self._draw,
            "price": self._price,
            "ago": lambda days=0, hours=0, minutes=0: self._moved(-1, days, hours, minutes),
            "ahead": lambda days=0, hours=0, minutes=0: self._moved(1, days, hours, minutes),
            "between": self._between,
        }

    def _pick(self, values: Sequence[Any]) -> Any:
        if not values:
            raise ExpressionError("pick from an empty list")
        return self._random.choice(values)

    def _sample(self, values: Sequence[Any], size: int) -> list[Any]:
        return self._random.sample(list(values), min(size, len(values)))

    def _draw(self, values: Sequence[Any], key: Any = None) -> Any:
        drawn = self._drawn.setdefault((key, len(values), str(values[:1]), str(values[-1:])), set())
        left = [position for position in range(len(values)) if position not in drawn]
        if not left:
            raise ExpressionError(f"draw: all {len(values)} values are drawn; make the list longer or the rows fewer")
        position = self._random.choice(left)
        drawn.add(position)
        return values[position]

    def _price(self, low: float, high: float) -> int:
        whole = self._random.randint(int(low), max(int(low), int(high) - 1))
        return whole * 100 + self._random.choice(_PRICE_ENDINGS)

    def _moved(self, sign: int, days: float, hours: float, minutes: float) -> str:
        moved = self._now + sign * timedelta(days=days, hours=hours, minutes=minutes)
        return str(moved.replace(microsecond=0))

    def _between(self, start: str, end: str) -> str:
        first, last = date.fromisoformat(start[:10]), date.fromisoformat(end[:10])
        day = first + timedelta(days=self._random.randint(0, max(0, (last - first).days)))
        minute = self._random.randrange(_OPENS, _CLOSES)
        moment = f"{day} {minute // 60:02d}:{minute % 60:02d}:{self._random.randrange(60):02d}"
        low = start if len(start) > 10 else f"{start} 00:00:00"
        high = end if len(end) > 10 else f"{end} 23:59:59"
        return min(max(moment, low), high)


SHARED: dict[str, Any] = {
    **records.FUNCTIONS,
    "at": at,
    "cents": cents,
    "date": records.date_of,
    "sequence": sequence,
    "slug": slug,
    "title": str.title,
    "workday": workday,
}


def scope(
    generator: random.Random, now: str, me: int, niche: Mapping[str, Any], extra: Mapping[str, Any]
) -> dict[str, Any]:
    """All names of a formula, drawing from one generator."""
    return {**SHARED, **Chance(generator, now).functions(), "now": now, "me": me, "niche": niche, **extra}
