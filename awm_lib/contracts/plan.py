"""plan.json: what the offline provider sampled, and how its tasks are bound to the data."""

from __future__ import annotations

from awm_lib.contracts.base import Contract, Scalar
from awm_lib.contracts.names import Identifier, ScenarioName, TaskId
from awm_lib.contracts.oracle import Solution


class Slot(Contract):
    """One value that a task template was filled with."""

    name: Identifier
    value: Scalar
    text: str | None = None
    """The words that stand for it in the instruction."""


class Binding(Contract):
    """A task's template, slots and solution."""

    task: TaskId
    template: Identifier
    wording: int
    slots: list[Slot]
    solution: Solution


class Plan(Contract):
    """The sampled world: its modules and its tasks' bindings."""

    scenario: ScenarioName
    pack: Identifier
    niche: Identifier
    modules: list[Identifier]
    bindings: list[Binding]
