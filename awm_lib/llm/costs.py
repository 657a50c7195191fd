"""What requests have cost, from the ledger, and what a build will still take, from what its stages took so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from awm_lib.contracts.llm import Price
from awm_lib.llm.ledger import Ledger, price_of

STAGES = {"tasks": "draft.json", "schema": "schema.sql", "rows": "seed.json", "tools": "spec.json",
          "solutions": "oracle.json"}  # fmt: skip
"""Stage -> the file that shows that it is done."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one stage takes for one environment, on average."""

    requests: float
    input: float
    output: float


EXPECTED: Mapping[str, Taken] = {
    "tasks": Taken(1.1, 900, 600),
    "schema": Taken(1.3, 1_600, 1_100),
    "rows": Taken(1.4, 4_500, 4_000),
    "tools": Taken(1.5, 8_000, 6_200),
    "solutions": Taken(1.6, 12_500, 2_800),
}
"""What stages take as long as nothing is measured: the hand-written scenario of full size, and some corrections."""
MEASURED_FROM = 3
"""Environments of a stage from which its own average counts."""


@dataclass(slots=True)
class Spent:
    """The ledger's sum over one stage, one model, or all."""

    requests: int = 0
    free: int = 0
    """Answered from kept replies."""
    failed: int = 0
    """Without a reply after all tries."""
    input: int = 0
    output: int = 0
    usd: float = 0.0
    seconds: float = 0.0
    attempts: int = 0
    rejected: int = 0
    """Replies with findings."""

    def add(self, line: Mapping[str, Any]) -> None:
        """Count one line of the ledger."""
        if line.get("event") == "attempt":
            self.attempts += 1
            self.rejected += not line.get("accepted")
        elif line.get("outcome") == "cached":
            self.free += 1
        elif line.get("outcome") == "reply":
            self.requests += 1
            self.input += int(line.get("input") or 0)
            self.output += int(line.get("output") or 0)
            self.usd += float(line.get("usd") or 0)
            self.seconds += float(line.get("seconds") or 0)
        else:
            self.failed += 1


def spent_by(lines: Iterable[Mapping[str, Any]], key: str) -> dict[str, Spent]:
    """The ledger's sums by ``stage``, ``scenario`` or ``model``, in the order in which they come first."""
    found: dict[str, Spent] = {}
    for line in lines:
        found.setdefault(str(line.get(key) or ""), Spent()).add(line)
    return found


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a build will still take."""

    stage: str
    environments: int
    """For which the stage is not done."""
    requests: float
    input: float
    output: float
    usd: float | None
    """None if the model's price is not known."""
    measured: int
    """Environments whose average it is; 0 if it is a guess."""


def estimate(
    results: Path, names: Sequence[str], ledger: Ledger, model: str, prices: Sequence[Price]
) -> list[Estimate]:
    """What the stages of the named environments will take that are not done yet."""
    taken = averages(ledger.lines(), model)
    price = price_of(model, prices)
    found = []
    for stage, file in STAGES.items():
        lacking = sum(not (results / name / file).exists() for name in names)
        mean, measured = taken.get(stage, (EXPECTED[stage], 0))
        usd = None if price is None else lacking * (mean.input * price.input + mean.output * price.output) / 1e6
        found.append(
            Estimate(
                stage, lacking, lacking * mean.requests, lacking * mean.input, lacking * mean.output, usd, measured
            )
        )
    return found


def averages(lines: Iterable[Mapping[str, Any]], model: str) -> dict[str, tuple[Taken, int]]:
    """Stage -> what it took for an environment on average, and for how many; of stages with enough of them."""
    sums: dict[str, Spent] = {}
    scenarios: dict[str, set[str]] = {}
    for line in lines:
        if line.get("event") == "request" and line.get("outcome") == "reply" and line.get("model") == model:
            stage = str(line.get("stage"))
            stage = "solutions" if stage == "replace" else stage
            sums.setdefault(stage, Spent()).add(line)
            scenarios.setdefault(stage, set()).add(str(line.get("scenario")))
    return {
        stage: (Taken(total.requests / count, total.input / count, total.output / count), count)
        for stage, total in sums.items()
        if (count := len(scenarios[stage])) >= MEASURED_FROM
    }
