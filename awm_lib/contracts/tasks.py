"""tasks.json: what a user asks of an agent. Public: every prompt shows it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from awm_lib.contracts.base import Contract
from awm_lib.contracts.names import Line, Moment, ScenarioName, TaskId

AnswerType = Literal["text", "integer", "decimal", "money", "date", "id", "list"]


class User(Contract):
    """The person whom the agent acts for; already logged in."""

    id: int
    name: Line
    email: str | None = None


class Context(Contract):
    """What an agent is told beside the instruction."""

    now: Moment
    """The episode's clock at its start, 'YYYY-MM-DD HH:MM:SS'."""
    user: User


class AnswerForm(Contract):
    """The form of the answer that a task asks for."""

    type: AnswerType
    unit: str | None = None
    """What is counted or measured: 'USD', 'minutes', 'order numbers'."""
    ordered: bool = False
    """For a list: the order counts."""
    tolerance: Annotated[float, Field(ge=0)] = 0
    """For a number: how far off an answer may be."""


class Task(Contract):
    """One request, in the user's voice."""

    id: TaskId
    instruction: Annotated[str, StringConstraints(min_length=10, max_length=1_500, strip_whitespace=True)]
    kind: Literal["action", "question", "both"]
    """What is judged: the change of the database, the answer, or both."""
    skills: list[str] = []
    answer: AnswerForm | None = None

    @model_validator(mode="after")
    def _answer_fits_kind(self) -> Self:
        if (self.kind == "action") != (self.answer is None):
            raise ValueError(
                f"{self.id}: a task of kind {self.kind!r} " + ("has no" if self.answer else "needs an") + " answer form"
            )
        return self


class Tasks(Contract):
    """The tasks of one environment."""

    scenario: ScenarioName
    context: Context
    tasks: Annotated[list[Task], Field(min_length=1, max_length=200)]

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        ids = [task.id for task in self.tasks]
        if len(set(ids)) != len(ids):
            raise ValueError(f"task ids are not unique: {sorted({i for i in ids if ids.count(i) > 1})}")
        return self
