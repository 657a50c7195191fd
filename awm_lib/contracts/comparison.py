"""What a comparison of two runs gives."""

from __future__ import annotations

from awm_lib.contracts.base import Contract
from awm_lib.contracts.summary import Estimate


class TaskDifference(Contract):
    """A task that the two runs solve unequally often."""

    scenario: str
    task: str
    one: float
    """The share of the first run's trials that are complete."""
    other: float


class GroupDifference(Contract):
    """The difference over some tasks."""

    by: str
    name: str
    tasks: int
    difference: Estimate


class Comparison(Contract):
    """Two runs over the tasks that both have tried."""

    one: str
    other: str
    environments: int
    tasks: int
    only_one: int
    """Tasks that only the first run has tried."""
    only_other: int
    success_one: Estimate
    success_other: Estimate
    difference: Estimate
    """one - other, paired by task, with its 95 % interval."""
    better: int
    """Tasks that the first run solves more often."""
    worse: int
    groups: list[GroupDifference]
    differing: list[TaskDifference]
