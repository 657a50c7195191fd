"""The ledger of language models as rows: what was asked, what it took, and what was wrong with the replies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from awm_lib.llm.ledger import Ledger
from awm_lib.tables import Row

_REQUEST = (
    "at", "stage", "scenario", "task", "attempt", "model", "key", "outcome", "finish", "input", "output", "cached",
    "reasoning", "estimated", "usd", "seconds", "tries",
)  # fmt: skip
_ATTEMPT = ("at", "stage", "scenario", "task", "attempt", "model", "accepted", "findings")


def ledger_rows(directory: Path) -> tuple[list[Row], list[Row]]:
    """The rows of ``llm_requests`` and ``llm_attempts``; none if there is no ledger."""
    requests: list[Row] = []
    attempts: list[Row] = []
    for line in Ledger(directory).lines():
        if line.get("event") == "request":
            requests.append(tuple(_values(line, _REQUEST)))
        elif line.get("event") == "attempt":
            attempts.append(tuple(_values(line, _ATTEMPT)))
    return requests, attempts


def _values(line: dict[str, Any], names: tuple[str, ...]) -> Iterator[Any]:
    for name in names:
        value = line.get(name)
        yield None if value == "" else value
