"""spec.json: the tools of an environment, as typed parameters plus small SQL programs."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, StringConstraints, Tag, model_validator

from awm_lib.contracts.base import Contract, Value
from awm_lib.contracts.names import Identifier, Line, ScenarioName, Sql, Text

ScalarType = Literal["string", "integer", "number", "boolean", "money", "date", "datetime"]
ParameterType = ScalarType | Literal["array"]
ColumnType = ScalarType | Literal["json"]
ErrorKind = Literal["not_found", "conflict", "not_allowed", "limit_exceeded", "invalid_arguments"]
Verb = Literal["list", "get", "create", "update", "delete"]

MAX_STRING = 4_000
MAX_ITEMS = 200


class Parameter(Contract):
    """One argument of a tool."""

    name: Identifier
    type: ParameterType
    description: Line
    items: ScalarType | None = None
    """The type of an array's items."""
    required: bool | None = None
    """By default true exactly if there is no ``default``. A parameter that is not given is bound as its default or
    NULL.
    """
    default: Value = None
    minimum: float | None = None
    maximum: float | None = None
    max_length: Annotated[int, Field(ge=1, le=MAX_STRING)] | None = None
    enum: list[str] | None = None
    references: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")] | None = None
    """'table.column' whose values are the valid ones."""
    example: Value = None

    @property
    def is_required(self) -> bool:
        """Whether a call without this argument is invalid."""
        return self.default is None if self.required is None else self.required

    @model_validator(mode="after")
    def _fields_fit_type(self) -> Self:
        if (self.type == "array") != (self.items is not None):
            raise ValueError(f"{self.name}: 'items' goes with type 'array', and an array needs it")
        if self.enum is not None and "string" not in (self.type, self.items):
            raise ValueError(f"{self.name}: 'enum' goes with strings")
        numeric = {self.type, self.items} & {"integer", "number", "money"}
        if not numeric and (self.minimum is not None or self.maximum is not None):
            raise ValueError(f"{self.name}: 'minimum' and 'maximum' go with numbers")
        if self.required and self.default is not None:
            raise ValueError(f"{self.name}: a required parameter has no default")
        if self.enum is not None and self.default is not None and self.default not in self.enum:
            raise ValueError(f"{self.name}: the default {self.default!r} is not one of {self.enum}")
        return self


class ResultType(Contract):
    """The type of a computed column of a result."""

    column: Identifier
    type: ColumnType


class CheckStep(Contract):
    """Refuse the call unless the first column of the first row is true."""

    check: Sql
    error: ErrorKind
    message: Line
    """What an agent reads; {name} stands for a bind."""


class LetStep(Contract):
    """Run a statement that gives exactly one row, and bind its columns as ``:<let>_<column>``."""

    let: Identifier
    sql: Sql
    optional: bool = False
    """No row binds NULLs instead of being an error."""


class RunStep(Contract):
    """Run a statement whose result nobody needs."""

    run: Sql


class ReturnStep(Contract):
    """Give the result: one row, all rows (paged by limit and offset), or the number of rows changed."""

    returns: Annotated[Literal["one", "all", "rowcount"], Field(alias="return")]
    sql: Sql
    types: list[ResultType] = []


_STEP_KINDS: dict[type, str] = {CheckStep: "check", LetStep: "let", RunStep: "run", ReturnStep: "return"}


def _kind_of_step(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((key for key in ("check", "let", "run", "return") if key in value), None)
    return _STEP_KINDS.get(type(value))


Step = Annotated[
    Annotated[CheckStep, Tag("check")]
    | Annotated[LetStep, Tag("let")]
    | Annotated[RunStep, Tag("run")]
    | Annotated[ReturnStep, Tag("return")],
    Discriminator(
        _kind_of_step,
        custom_error_type="step",
        custom_error_message="a step has one of the keys check, let, run, return",
    ),
]


def statement_of(step: Step) -> str:
    """The SQL of a step."""
    if isinstance(step, CheckStep):
        return step.check
    return step.run if isinstance(step, RunStep) else step.sql


class Tool(Contract):
    """One tool: what an agent sees, and the program that it runs."""

    name: Identifier
    summary: Line
    description: Text = ""
    tags: list[Identifier] = []
    effect: Literal["read", "write"]
    destructive: bool = False
    """It deletes or cancels something that cannot be brought back by the opposite call."""
    idempotent: bool = False
    """For a write: calling it again with the same arguments changes nothing more."""
    parameters: list[Parameter] = []
    program: Annotated[list[Step], Field(min_length=1, max_length=40)]

    @model_validator(mode="after")
    def _names_and_result(self) -> Self:
        names = [parameter.name for parameter in self.parameters]
        if len(set(names)) != len(names):
            raise ValueError(f"tool {self.name}: a parameter name is used twice")
        returns = [isinstance(step, ReturnStep) for step in self.program]
        if sum(returns) != 1 or not returns[-1]:
            raise ValueError(f"tool {self.name}: a program ends in its only 'return' step")
        if getattr(self.program[-1], "returns", "") == "all" and {"limit", "offset"} & set(names):
            raise ValueError(f"tool {self.name}: 'return all' adds limit and offset itself; leave them out")
        return self


class Crud(Contract):
    """Shorthand for plain tools over one table; code expands it."""

    table: Identifier
    verbs: Annotated[list[Verb], Field(min_length=1)]
    noun: Identifier
    """The singular, for names and texts: 'address' for addresses."""
    plural: Identifier | None = None
    """For list_<plural>; by default the table's name."""
    owner: Identifier | None = None
    """The column that holds the user: only the user's own rows are seen and changed."""
    filters: list[Identifier] = []
    """Columns that the list tool filters by equality."""
    search: list[Identifier] = []
    """Text columns that the list tool's ``query`` looks into."""
    writable: list[Identifier] = []
    """Columns that create and update set."""
    hidden: list[Identifier] = []
    """Columns that no result shows."""
    tags: list[Identifier] = []

    @model_validator(mode="after")
    def _verbs_are_unique(self) -> Self:
        if len(set(self.verbs)) != len(self.verbs):
            raise ValueError(f"crud {self.table}: a verb is named twice")
        if {"create", "update"} & set(self.verbs) and not self.writable:
            raise ValueError(f"crud {self.table}: create and update need 'writable' columns")
        return self


class Spec(Contract):
    """All tools of one environment."""

    scenario: ScenarioName
    tools: list[Tool] = []
    crud: list[Crud] = []
