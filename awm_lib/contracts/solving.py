"""solving.json: how a model fared that saw only the instructions and the tools."""

from __future__ import annotations

from typing import Literal

from awm_lib.contracts.base import Contract
from awm_lib.contracts.names import ScenarioName, TaskId


class Attempt(Contract):
    """One attempt at one task."""

    ended: Literal["answered", "gave_up", "too_many_calls", "no_reply"]
    """``answered``: it ended by itself; ``no_reply``: the endpoint failed, which says nothing about the task."""
    complete: bool
    """Whether the verifier accepts it."""
    calls: int
    answer: str | None = None
    """What it reported at the end, shortened."""


class TaskSolving(Contract):
    """The attempts at one task."""

    task: TaskId
    attempts: list[Attempt]


class Solving(Contract):
    """All attempts at one environment's tasks."""

    scenario: ScenarioName
    model: str
    tasks: list[TaskSolving]
