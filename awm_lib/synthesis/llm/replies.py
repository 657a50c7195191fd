"""What each stage asks a model for: the contracts, without what code can compute.

Every model here is valid as strict structured output: no free keys. Task ids, the order of tables, indexes on foreign
keys, the values of arguments and all names of the scenario are computed, so nobody is asked for them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from awm_lib.contracts.names import Line, Text
from awm_lib.contracts.spec import ColumnType, ErrorKind, Verb
from awm_lib.contracts.tasks import AnswerType

Scalar = str | int | float | bool | None
Kind = Literal["action", "question", "both"]
ParameterType = Literal[
    "string", "integer", "number", "boolean", "money", "date", "datetime", "string[]", "integer[]", "number[]", "date[]"
]


class Reply(BaseModel):
    """A part of a reply: unknown keys are told, not dropped."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class AnswerReply(Reply):
    """The form of an answer."""

    type: AnswerType
    unit: str | None = None
    ordered: bool = False
    tolerance: float = 0


class TaskReply(Reply):
    """One task."""

    instruction: str
    kind: Kind
    skills: list[str] = []
    answer: AnswerReply | None = None


class UserReply(Reply):
    """The logged-in user."""

    name: Line
    email: str


class TasksReply(Reply):
    """Stage tasks."""

    user: UserReply
    tasks: list[TaskReply]


class SchemaReply(Reply):
    """Stage schema: one CREATE TABLE statement for each table."""

    tables: list[str]


class TableReply(Reply):
    """The rows of one table."""

    table: str
    columns: list[str]
    rows: list[list[Scalar]]


class RowsReply(Reply):
    """Stage rows."""

    tables: list[TableReply]


class CrudReply(Reply):
    """Plain tools over one table."""

    table: str
    verbs: list[Verb]
    noun: str
    plural: str | None = None
    owner: str | None = None
    filters: list[str] = []
    search: list[str] = []
    writable: list[str] = []
    hidden: list[str] = []


class PlainParameter(Reply):
    """A required parameter that anything of its type fits."""

    name: str
    type: ParameterType
    description: str


class KeyParameter(PlainParameter):
    """A required parameter that is the key of a row."""

    references: str


class FullParameter(PlainParameter):
    """A parameter with everything that can be said of one."""

    optional: bool = False
    default: Scalar = None
    minimum: float | None = None
    maximum: float | None = None
    enum: list[str] | None = None
    references: str | None = None


class CheckReply(Reply):
    """A condition that refuses the call."""

    check: str
    error: ErrorKind
    message: str


class LetReply(Reply):
    """A statement whose row is bound."""

    let: str
    sql: str
    optional: bool = False


class RunReply(Reply):
    """A statement whose result nobody needs."""

    run: str


class TypeReply(Reply):
    """The type of a computed column."""

    column: str
    type: ColumnType


class ReturnReply(Reply):
    """The result."""

    returns: Annotated[Literal["one", "all", "rowcount"], Field(alias="return")]
    sql: str
    types: list[TypeReply] = []


def _kind_of_step(value: object) -> str | None:
    if isinstance(value, dict):
        return next((key for key in ("check", "let", "run", "return") if key in value), None)
    return type(value).__name__.removesuffix("Reply").lower()


def _kind_of_parameter(value: object) -> str:
    if not isinstance(value, dict):
        return "full" if isinstance(value, FullParameter) else "key" if isinstance(value, KeyParameter) else "plain"
    extra = set(value) - {"name", "type", "description"}
    return "plain" if not extra else "key" if extra == {"references"} and value["references"] else "full"


StepReply = Annotated[
    Annotated[CheckReply, Tag("check")]
    | Annotated[LetReply, Tag("let")]
    | Annotated[RunReply, Tag("run")]
    | Annotated[ReturnReply, Tag("return")],
    Discriminator(
        _kind_of_step,
        custom_error_type="step",
        custom_error_message="a step has one of the keys check, let, run, return",
    ),
]
ParameterReply = Annotated[
    Annotated[PlainParameter, Tag("plain")]
    | Annotated[KeyParameter, Tag("key")]
    | Annotated[FullParameter, Tag("full")],
    Discriminator(_kind_of_parameter),
]


class ToolReply(Reply):
    """One business tool."""

    name: str
    summary: str
    description: str = ""
    effect: Literal["read", "write"]
    destructive: bool = False
    idempotent: bool = False
    parameters: list[ParameterReply] = []
    program: list[StepReply]


class ToolsReply(Reply):
    """Stage tools."""

    crud: list[CrudReply]
    tools: list[ToolReply]


class ToolsCorrection(Reply):
    """Corrected tools alone; all others stay as they are."""

    crud: list[CrudReply]
    """Replaces the entries of these tables."""
    tools: list[ToolReply]
    """Replaces the tools of these names, or adds them."""
    removed: list[str] = []
    """Names of tools, or tables of shorthand, to leave out."""


class CallReply(Reply):
    """One call of a solution."""

    call: str
    """``name = tool(argument=source, ...)``."""
    refused: ErrorKind | None = None
    when: str | None = None


class ExpectedReply(Reply):
    """The expected answer, found in two ways."""

    source: str
    sql: str


class SelectionReply(Reply):
    """A choice that the task asks for."""

    name: str
    sql: str


class TextRuleReply(Reply):
    """How a free text that the agent words itself is compared."""

    table: str
    column: str
    rule: Literal["contains", "non_empty"]


class AlternativeReply(Reply):
    """Another right way that leaves other rows."""

    name: str
    calls: list[CallReply]


class SolutionReply(Reply):
    """The solution of one task."""

    task: str
    instruction: str | None = None
    """The task's new wording, where the old one cannot be kept."""
    calls: list[CallReply]
    goal: str | None = None
    answer: ExpectedReply | None = None
    selections: list[SelectionReply] = []
    texts: list[TextRuleReply] = []
    alternatives: list[AlternativeReply] = []


class HistoryReply(Reply):
    """A table that only records what happened."""

    table: str
    reason: str


class SolutionsReply(Reply):
    """Stage solutions."""

    history: list[HistoryReply]
    solutions: list[SolutionReply]


class NewTaskReply(TaskReply):
    """A task in place of one whose proof failed, with its solution."""

    solution: SolutionReply


class ReplacementsReply(Reply):
    """New tasks."""

    tasks: list[NewTaskReply]


class IdeaReply(Reply):
    """A proposed scenario."""

    category: str
    title: Line
    description: Text


class IdeasReply(Reply):
    """Proposed scenarios."""

    scenarios: list[IdeaReply]


class Verdict(Reply):
    """How well a scenario can be simulated with a database and tools."""

    number: int
    score: int
    level: Literal["high", "medium", "low"]
    reasons: str
    can_simulate: str
    cannot_simulate: str


class VerdictsReply(Reply):
    """A verdict for each proposed scenario."""

    verdicts: list[Verdict]
