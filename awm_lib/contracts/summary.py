"""summary.json: how good an agent is on a set of tasks, and why it failed."""

from __future__ import annotations

from typing import Literal

from awm_lib.contracts.base import Contract
from awm_lib.contracts.run import RunName
from awm_lib.contracts.trajectory import ErrorClass


class Estimate(Contract):
    """A mean over tasks, with its 95 % interval."""

    mean: float
    low: float
    high: float


class AtK(Contract):
    """Success of k trials of a task: of any of them (pass@k), of all of them (pass^k); means over tasks."""

    k: int
    tasks: int
    """Tasks that have so many trials that are not masked."""
    any: Estimate
    all: Estimate


class Group(Contract):
    """Some of the trials, by what they have in common."""

    by: Literal["all", "category", "level", "kind", "skill", "tool"]
    """tool: the trials that called it."""
    name: str
    tasks: int
    trials: int
    """Those that count: masked ones do not."""
    complete: int
    success: Estimate | None = None
    """The mean over tasks of the share of complete trials."""
    at: list[AtK] = []


class FailureCount(Contract):
    """How many trials failed for one reason."""

    error_class: ErrorClass
    kind: str
    trials: int


class Means(Contract):
    """Means over the trials that count; dollars and seconds of models only."""

    turns: float
    calls: float
    tokens: float
    reward: float
    format_reward: float
    seconds: float | None = None
    cost: float | None = None


class JudgeReport(Contract):
    """What another judge than the code said of the trials."""

    mode: Literal["sql"]
    model: str
    votes: int
    trials: int
    verdicts: dict[str, int]
    """Verdict -> trials."""
    agrees_with_code: float
    """The share of trials in which both say complete, or both do not."""
    disagreement: float
    """The share of trials whose votes were not all the same."""
    mean_confidence: float


class Summary(Contract):
    """One run."""

    run: RunName
    agent: str
    model: str | None = None
    environments: int
    tasks: int
    trials: int
    """All that are finished."""
    planned: int
    """All that the settings ask for."""
    masked: int
    """Those that met an error of the environment or the infrastructure; they count for nothing else here."""
    complete: int
    overall: Group
    groups: list[Group]
    failures: list[FailureCount]
    means: Means | None = None
    total_tokens: int = 0
    total_cost: float = 0.0
    judges: list[JudgeReport] = []
