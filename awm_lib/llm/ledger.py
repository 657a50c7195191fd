"""The ledger: a line for every request and every judged attempt, appended in one write, never changed.

It is what ``awm cost``, ``max_cost_usd`` and the statistics read. It holds no prompts, no replies and no keys.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from awm_lib.contracts.llm import Price
from awm_lib.llm.appendfile import append
from awm_lib.llm.chat import Usage

FILE = "ledger.jsonl"
MAX_FINDINGS = 20
MAX_FINDING = 500


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a request is for."""

    stage: str
    scenario: str = ""
    task: str = ""
    attempt: int = 1
    """1 for the first request of a stage, then counted up with each correction."""

    @property
    def label(self) -> str:
        """For messages: 'tasks of library_3'."""
        parts = [self.stage, f"of {self.scenario}" if self.scenario else "", self.task]
        return " ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as it ended."""

    purpose: Purpose
    model: str
    key: str
    """The name of the kept reply; empty where none are kept."""
    outcome: str
    """``reply``, ``cached`` (nothing was sent), or the name of the error."""
    usage: Usage = field(default_factory=Usage)
    usd: float = 0.0
    seconds: float = 0.0
    tries: int = 1
    """How often it was sent."""
    finish: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One reply, as it was judged."""

    purpose: Purpose
    model: str
    accepted: bool
    findings: Sequence[str] = ()


class Ledger:
    """An append-only file of JSON lines that any number of processes write to."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE

    def write(self, entry: Request | Attempt) -> None:
        """Append one line."""
        append(self.path, (json.dumps(_line(entry), ensure_ascii=False) + "\n").encode())

    def lines(self) -> Iterator[dict[str, Any]]:
        """All lines, oldest first. A line that a full disk cut off is left out."""
        yield from self.tail(0)[0]

    def tail(self, offset: int) -> tuple[list[dict[str, Any]], int]:
        """The whole lines from an offset in bytes, and the offset after them."""
        try:
            with self.path.open("rb") as file:
                file.seek(offset)
                data = file.read()
        except FileNotFoundError:
            return [], 0
        whole = data[: data.rfind(b"\n") + 1]
        found = []
        for line in whole.splitlines():
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict):
                found.append(value)
        return found, offset + len(whole)

    def size(self) -> int:
        """Its size in bytes."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0


def _line(entry: Request | Attempt) -> dict[str, Any]:
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    head = {"at": moment, **asdict(entry.purpose), "model": entry.model}
    if isinstance(entry, Attempt):
        kept = [re.sub(r"\s+", " ", finding)[:MAX_FINDING] for finding in entry.findings[:MAX_FINDINGS]]
        return {"event": "attempt", **head, "accepted": entry.accepted, "findings": kept}
    rest = {name: getattr(entry, name) for name in ("key", "outcome", "usd", "seconds", "tries", "finish")}
    return {"event": "request", **head, **rest, **asdict(entry.usage)}


def price_of(model: str, prices: Sequence[Price]) -> Price | None:
    """A model's price: the entry whose name is the longest beginning of the model's."""
    fitting = [price for price in prices if model.startswith(price.model)]
    return max(fitting, key=lambda price: len(price.model), default=None)


def cost(usage: Usage, price: Price | None) -> float:
    """What a request costs in US dollars; 0 if no price is known."""
    if price is None:
        return 0.0
    cached = min(usage.cached, usage.input)
    cached_price = price.input if price.cached_input is None else price.cached_input
    million = (usage.input - cached) * price.input + cached * cached_price + usage.output * price.output
    return round(million / 1_000_000, 8)
