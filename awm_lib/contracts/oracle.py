"""oracle.json: for each task the calls that solve it, where each value comes from, and what is true afterwards.

An agent can reach none of it.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from awm_lib.contracts.base import Contract, Value
from awm_lib.contracts.names import Identifier, Line, ScenarioName, Sql, TaskId
from awm_lib.contracts.spec import ErrorKind

Source = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
"""An expression of ``awm_lib.expressions`` over the instruction, the context and earlier calls' results."""


class Argument(Contract):
    """One argument of a call: its value, and where an agent gets it from."""

    name: Identifier
    value: Value
    source: Source | None = None


class Call(Contract):
    """One tool call of a solution."""

    id: Identifier
    """The name by which sources refer to this call's result."""
    tool: Identifier
    arguments: list[Argument] = []
    refused: ErrorKind | None = None
    """The error that this call meets, where the way in is refused and the agent must react."""
    when: Source | None = None
    """The condition, true here, under which this call is made; what an agent had to find out first."""


class ExpectedAnswer(Contract):
    """The right answer, found in two independent ways."""

    value: Value
    source: Source | None = None
    """How it follows from the calls' results."""
    sql: Sql
    """How it follows from the data (final state; ``initial.`` for the state before)."""


class Selection(Contract):
    """A choice that the task asks for ("the cheapest ...")."""

    name: Identifier
    sql: Sql
    """The candidates, best first: the identity in the first column, the criterion in the second."""


class TextRule(Contract):
    """How free text in a column is compared."""

    table: Identifier
    column: Identifier
    rule: Literal["exact", "contains", "non_empty"]


class Tolerance(Contract):
    """How far a number in a column may be off."""

    table: Identifier
    column: Identifier
    within: Annotated[float, Field(gt=0)]


class Ignored(Contract):
    """A column whose changes do not count, with the reason."""

    table: Identifier
    column: Identifier
    reason: Line


class History(Contract):
    """A table that only records what happened: extra rows in it are no harm."""

    table: Identifier
    reason: Line


class Alternative(Contract):
    """Another way to do the task that leaves another, equally right, state."""

    name: Identifier
    calls: Annotated[list[Call], Field(min_length=1)]


class Expect(Contract):
    """What the comparison of final states allows."""

    alternatives: list[Alternative] = []
    text: list[TextRule] = []
    tolerances: list[Tolerance] = []
    ignored: list[Ignored] = []
    history: list[History] = []


class Solution(Contract):
    """The solution of one task."""

    task: TaskId
    calls: Annotated[list[Call], Field(min_length=1, max_length=60)]
    goal: Sql | None = None
    """One value over the final state (and ``initial.``) that is true exactly when the task is done.

    Absent for a question.
    """
    answer: ExpectedAnswer | None = None
    selections: list[Selection] = []
    expect: Expect = Expect()

    @model_validator(mode="after")
    def _calls_are_named_once(self) -> Self:
        names = [call.id for call in self.calls]
        if len(set(names)) != len(names):
            raise ValueError(f"task {self.task}: a call id is used twice")
        return self


class Revision(Contract):
    """What became of a task between its draft by a language model and tasks.json."""

    task: TaskId
    what: Literal["reworded", "replaced", "dropped"]
    reason: Line
    """What its proof failed on before."""


class Oracle(Contract):
    """The solutions of one environment's tasks."""

    scenario: ScenarioName
    solutions: list[Solution]
    revisions: list[Revision] = []
    """Tasks that are not as they were drafted; the certificate repeats them."""
