"""The shape of a domain pack: what its author writes, in YAML files that a domain expert could read.

``docs/packs.md`` teaches how to write one.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from awm_lib.contracts.base import Contract, Scalar
from awm_lib.contracts.names import Identifier, Line, Text
from awm_lib.contracts.oracle import Source
from awm_lib.contracts.spec import Crud, ErrorKind, Tool
from awm_lib.contracts.tasks import AnswerType

Formula = Annotated[str, StringConstraints(min_length=1, max_length=2_000)] | int | float | bool | None
"""An expression (text), or a constant (anything else)."""
Skill = Literal[
    "aggregate", "arithmetic", "bulk_exception", "conditional", "correction", "creation", "limit", "look_alikes",
    "lookup", "partial", "permission", "read_first", "refusal", "relative_dates", "several_entities", "state_machine",
    "superlative", "undo",
]  # fmt: skip
"""What a task asks of an agent."""
FAMILIES: tuple[Skill, ...] = (
    "read_first", "arithmetic", "relative_dates", "look_alikes", "bulk_exception", "undo", "refusal", "partial",
)  # fmt: skip
"""The skills that separate weak from strong agents; every pack has templates of each."""
ALTERNATIVES = re.compile(r"\[([^\[\]{}|]*(?:\|[^\[\]{}|]*)+)\]")
"""Ways to say the same inside a wording, without slots: ``[could you|please|I'd like you to]``."""
ColumnPath = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]


class RowsPlan(Contract):
    """How many rows a table gets."""

    count: Formula = 1
    """Rows in all, or for each record of ``each``."""
    each: str | None = None
    """An expression that gives records; ``count`` rows are made for each of them."""
    name: Annotated[Identifier, Field(alias="as")] = "parent"
    """The name by which formulas see the record."""
    start: Annotated[int, Field(ge=1)] = 1
    """The first key, for tables whose numbers do not start at 1."""


class TableDef(Contract):
    """One table: its DDL, and how its rows are made."""

    ddl: Annotated[str, StringConstraints(min_length=20, max_length=6_000, strip_whitespace=True)]
    rows: RowsPlan
    values: dict[str, Formula]
    """Column -> formula, evaluated in this order; a name that starts with _ is a note for later formulas."""
    finish: dict[str, Formula] = {}
    """Column -> formula, evaluated when all tables have their rows (totals, counters)."""
    history: str | None = None
    """Why extra rows in it are no harm; for logs only."""


class CallTemplate(Contract):
    """One call of a template's solution."""

    id: Identifier
    tool: Identifier
    arguments: Annotated[dict[Identifier, Source | int | float | bool], Field(alias="with")] = {}
    """Argument -> expression over slots, the context and earlier calls."""
    refused: ErrorKind | None = None
    when: Source | None = None


class AnswerTemplate(Contract):
    """The answer of a template: its form, and the two ways to find it."""

    type: AnswerType
    unit: str | None = None
    ordered: bool = False
    tolerance: float = 0
    value: Source
    """An expression over the calls' results."""
    sql: str
    """A query over the data; ``:slot`` binds."""


class SelectionTemplate(Contract):
    """A choice that must have exactly one winner."""

    name: Identifier
    sql: str


class AlternativeTemplate(Contract):
    """Another right way, with another right final state."""

    name: Identifier
    calls: Annotated[list[CallTemplate], Field(min_length=1)]


class TaskTemplate(Contract):
    """A parametric task."""

    name: Identifier
    kind: Literal["action", "question", "both"]
    skills: Annotated[list[Skill], Field(min_length=1)]
    needs: list[Identifier] = []
    """Modules that must be in the world, beside the one that the template stands in."""
    bind: str | None = None
    """A query over the seed; each row is a candidate, each column a slot."""
    let: dict[Identifier, Formula] = {}
    """Further slots, by formulas."""
    wordings: Annotated[list[Text], Field(min_length=4)]
    calls: Annotated[list[CallTemplate], Field(min_length=1)]
    goal: str | None = None
    answer: AnswerTemplate | None = None
    select: list[SelectionTemplate] = []
    alternatives: list[AlternativeTemplate] = []
    text: dict[ColumnPath, Literal["exact", "contains", "non_empty"]] = {}
    tolerances: dict[ColumnPath, float] = {}
    ignore: dict[ColumnPath, Line] = {}

    @model_validator(mode="after")
    def _parts_fit_kind(self) -> Self:
        if (self.kind == "question") == (self.goal is not None):
            raise ValueError(f"template {self.name}: a question has no goal, every other kind needs one")
        if (self.kind == "action") == (self.answer is not None):
            raise ValueError(f"template {self.name}: an action has no answer, every other kind needs one")
        for wording in self.wordings:
            if re.search(r"[\[\]|]", ALTERNATIVES.sub("", wording)):
                raise ValueError(
                    f"template {self.name}: brackets in a wording hold alternatives, [one way|another way], "
                    f"without slots and without brackets inside: {wording!r}"
                )
        return self


class Module(Contract):
    """One part of the business: tables, tools and tasks that belong together. One file."""

    name: Identifier
    title: Line
    core: bool = False
    """Every world has it."""
    requires: list[Identifier] = []
    tables: dict[Identifier, TableDef] = {}
    crud: list[Crud] = []
    tools: list[Tool] = []
    tasks: list[TaskTemplate] = []


class PackUser(Contract):
    """The person whom the agent acts for."""

    table: Identifier
    id: Formula
    """An expression for the key of the user's row, such as ``randint(2, 6)``."""
    name: Identifier
    """The column of the user's name."""
    email: Identifier | None = None


class Always(Contract):
    """A scenario that every catalogue has, at its number."""

    number: Annotated[int, Field(ge=1)]
    niche: Identifier
    title: Line
    """A product of the niche."""
    modules: list[Identifier] = []
    """The optional modules it has."""
    left_out: list[Identifier] = []
    """The tools of its modules that it does not have."""


class Product(Contract):
    """One product or company of a niche: what a scenario is named, and what it is for."""

    title: Line
    description: Text
    """One or two sentences of its own: what it offers to whom, and what sets it apart."""


class Niche(Contract):
    """One kind of business within the pack, with its own names, vocabulary and resources."""

    name: Identifier
    products: Annotated[list[Product], Field(min_length=3)]
    """Each scenario of the niche takes one."""
    words: dict[str, list[Scalar | dict[str, Scalar | list[Scalar]]] | dict[str, Scalar | list[Scalar]] | Scalar]
    """Whatever the pack's formulas use as ``niche.<key>``; every niche has the same keys."""
    modules: list[Identifier] = []
    """Optional modules that this niche always has."""
    without: list[Identifier] = []
    """Optional modules that make no sense in it."""


class PackHead(Contract):
    """pack.yaml."""

    name: Identifier
    title: Line
    summary: Text
    user: PackUser
    modules: Annotated[list[Identifier], Field(min_length=6)]
    """The order of the module files; a module's tables refer only to earlier ones or its own."""
    always: list[Always] = []


class Pack(Contract):
    """A whole pack, as loaded from its directory."""

    head: PackHead
    niches: Annotated[list[Niche], Field(min_length=1)]
    modules: list[Module]

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        names = [module.name for module in self.modules]
        if names != self.head.modules:
            raise ValueError(f"pack {self.head.name}: pack.yaml lists modules {self.head.modules}, files are {names}")
        keys = set(self.niches[0].words)
        for niche in self.niches:
            if set(niche.words) != keys:
                raise ValueError(
                    f"niche {niche.name}: its words have other keys than {self.niches[0].name}'s: "
                    f"{sorted(set(niche.words) ^ keys)}"
                )
            titles = [product.title for product in niche.products]
            if len(set(titles)) < len(titles):
                raise ValueError(f"niche {niche.name}: two products have one title")
            unknown = (set(niche.modules) | set(niche.without)) - set(names)
            if unknown:
                raise ValueError(f"niche {niche.name}: there is no module {sorted(unknown)}")
        for kind, seen in (
            ("table", [table for module in self.modules for table in module.tables]),
            ("tool", [tool.name for module in self.modules for tool in module.tools]),
            ("template", [task.name for module in self.modules for task in module.tasks]),
        ):
            twice = {name for name in seen if seen.count(name) > 1}
            if twice:
                raise ValueError(f"pack {self.head.name}: {kind} {sorted(twice)} is defined twice")
        return self
