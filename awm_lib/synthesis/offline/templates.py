"""Filling task templates: slots from the data, a wording, a solution that works."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from awm_lib import sqltext
from awm_lib.contracts.oracle import (
    Alternative,
    Argument,
    Call,
    Expect,
    ExpectedAnswer,
    History,
    Ignored,
    Selection,
    Solution,
    TextRule,
    Tolerance,
)  # fmt: skip
from awm_lib.contracts.plan import Binding, Slot
from awm_lib.contracts.tasks import AnswerForm, Task
from awm_lib.errors import AwmError, ExpressionError, SqlError
from awm_lib.expressions import parse, replace_fields
from awm_lib.oracles.proof import Proof, prove
from awm_lib.oracles.sources import contains_span
from awm_lib.runtime.environment import Environment
from awm_lib.runtime.statements import prepare
from awm_lib.synthesis.offline.formulas import scope
from awm_lib.synthesis.offline.pack import ALTERNATIVES, CallTemplate, TaskTemplate
from awm_lib.synthesis.offline.world import World

MAX_CANDIDATES = 12
"""Candidates of a bind that are tried."""
MAX_ROWS = 20_000
"""Rows of a bind that are read, to choose candidates from."""
_SLOT = re.compile(r"\bslot\.([a-z][a-z0-9_]*)")
_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)(?::([a-z]+))?\}")


class TemplateError(AwmError):
    """A template that is wrong whatever the data."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A task made from a template."""

    task: Task
    binding: Binding


@dataclass(frozen=True, slots=True)
class _Said:
    text: str
    source: str


def fill(
    template: TaskTemplate,
    environment: Environment,
    chance: random.Random,
    world: World,
    *,
    task_id: str = "t01",
    taken: frozenset[str] = frozenset(),
    reasons: list[str] | None = None,
) -> Filled | None:
    """Fill a template so that its solution is proven to work, or give None if no candidate does.

    ``taken`` are the opening words of the environment's other tasks, which this one avoids. ``reasons`` collects why
    candidates
    failed. Raises TemplateError if the template is wrong whatever the data.
    """
    found = reasons if reasons is not None else []
    candidates = _candidates(template, environment)
    chance.shuffle(candidates)
    if not candidates:
        found.append("bind gives no rows")
    for candidate in candidates[:MAX_CANDIDATES]:
        try:
            slots = _with_let(template, candidate, environment, chance, world.words)
        except ExpressionError as error:
            found.append(f"let: {error.message}")
            continue
        wording = _choose_wording(template, chance, taken, slots)
        if wording is None:
            found.append(
                "all wordings begin as another task's instruction does, or do not say a slot as a word of its own"
            )
            continue
        filled = _build(template, environment, slots, wording, world.history, task_id)
        proof: Proof = prove(environment, filled.task, filled.binding.solution)
        if proof.solution is not None:
            return Filled(filled.task, filled.binding.model_copy(update={"solution": proof.solution}))
        found.append("; ".join(proof.problems))
    return None


def opening(instruction: str) -> str:
    """The first two words, by which tasks of one environment differ."""
    return " ".join(re.findall(r"[a-z']+", instruction.lower())[:2])


def _candidates(template: TaskTemplate, environment: Environment) -> list[dict[str, Any]]:
    if template.bind is None:
        return [{}]
    context = {"me": environment.context.user.id, "now": environment.context.now}
    sql = sqltext.with_literals(template.bind, context)
    try:
        statement = prepare(environment.connection, sql, set(), environment.schema, write=False)
    except SqlError as error:
        raise TemplateError(f"template {template.name}, bind: {error}") from None
    cursor = environment.connection.execute(statement.sql)
    names = [str(column[0]) for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchmany(MAX_ROWS)]


def _with_let(
    template: TaskTemplate,
    candidate: dict[str, Any],
    environment: Environment,
    chance: random.Random,
    words: Mapping[str, Any],
) -> dict[str, Any]:
    slots = dict(candidate)
    context = environment.context
    names = scope(chance, context.now, context.user.id, words, {"slot": slots})
    for name, formula in template.let.items():
        slots[name] = parse(formula)(names) if isinstance(formula, str) else formula
    return slots


@dataclass(frozen=True, slots=True)
class _Wording:
    """A wording with its alternatives chosen."""

    number: int
    text: str


def _choose_wording(
    template: TaskTemplate, chance: random.Random, taken: frozenset[str], slots: dict[str, Any]
) -> _Wording | None:
    found = [
        _Wording(number, ALTERNATIVES.sub(lambda match: chance.choice(match.group(1).split("|")), wording))
        for number, wording in enumerate(template.wordings)
    ]
    chance.shuffle(found)
    used = slots_of_sources(template)

    def is_fit(wording: _Wording) -> bool:
        text, said = _render(template, wording.text, slots)
        return opening(text) not in taken and all(
            contains_span(text, span.text) for name, span in said.items() if name in used
        )

    return next((wording for wording in found if is_fit(wording)), None)


def slots_of_sources(template: TaskTemplate) -> set[str]:
    """The slots that sources use, which an instruction has to say as words of their own."""
    lists = [template.calls, *(alternative.calls for alternative in template.alternatives)]
    sources = [str(source) for calls in lists for call in calls for source in (*call.arguments.values(), call.when)]
    sources += [template.answer.value] if template.answer else []
    return {name for source in sources for name in _SLOT.findall(source)}


def _render(template: TaskTemplate, wording: str, slots: dict[str, Any]) -> tuple[str, dict[str, _Said]]:
    said: dict[str, _Said] = {}

    def insert(match: re.Match[str]) -> str:
        name, layout = match.group(1), match.group(2)
        if name not in slots:
            raise TemplateError(f"template {template.name}: a wording uses {{{name}}}, which is no slot")
        if slots[name] is None:
            raise TemplateError(f"template {template.name}: the slot {name} is NULL")
        try:
            found = _say(slots[name], layout)
        except (ValueError, TypeError) as error:
            raise TemplateError(f"template {template.name}: {{{name}:{layout}}} of {slots[name]!r}: {error}") from None
        said[name] = found
        return found.text

    text = " ".join(_PLACE.sub(insert, wording).split())
    return text, said


def _say(value: Any, layout: str | None) -> _Said:
    if layout is None:
        text = f"{value:g}" if isinstance(value, float) else str(value)
        return _Said(text, f"{'number' if isinstance(value, int | float) else 'said'}({text!r})")
    if layout == "money":
        text = f"${value / 100:,.2f}"
        return _Said(text, f"money({text!r})")
    if layout == "date":
        moment = datetime.fromisoformat(value[:10])
        text = f"{moment:%B} {moment.day}, {moment.year}"
        return _Said(text, f"day({text!r})")
    if layout == "datetime":
        moment = datetime.fromisoformat(value)
        text = f"{moment:%B} {moment.day}, {moment.year} at {moment:%H:%M}"
        return _Said(text, f"moment({text!r})")
    if layout == "words":
        text = str(value).replace("_", " ")
        return _Said(text, f"words({text!r})")
    raise ValueError("the layouts are money, date, datetime and words")


def _build(
    template: TaskTemplate,
    environment: Environment,
    slots: dict[str, Any],
    wording: _Wording,
    history: Mapping[str, str],
    task_id: str,
) -> Filled:
    instruction, said = _render(template, wording.text, slots)
    binds = {**slots, "me": environment.context.user.id, "now": environment.context.now}
    answer = template.answer
    task = Task(
        id=task_id,
        instruction=instruction,
        kind=template.kind,
        skills=list(template.skills),
        answer=AnswerForm(type=answer.type, unit=answer.unit, ordered=answer.ordered, tolerance=answer.tolerance)
        if answer
        else None,
    )
    solution = Solution(
        task=task_id,
        calls=[_call(template, call, said) for call in template.calls],
        goal=_bound(template.goal, binds) if template.goal else None,
        answer=ExpectedAnswer(value=None, source=_source(template, answer.value, said), sql=_bound(answer.sql, binds))
        if answer
        else None,
        selections=[Selection(name=item.name, sql=_bound(item.sql, binds)) for item in template.select],
        expect=_expect(template, said, history),
    )
    shown = [
        Slot(name=name, value=value, text=said[name].text if name in said else None) for name, value in slots.items()
    ]
    return Filled(
        task, Binding(task=task_id, template=template.name, wording=wording.number, slots=shown, solution=solution)
    )


def _bound(sql: str, binds: Mapping[str, Any]) -> str:
    return sqltext.with_literals(sqltext.flat(sql), binds)


def _expect(template: TaskTemplate, said: dict[str, _Said], history: Mapping[str, str]) -> Expect:
    def split(path: str) -> dict[str, str]:
        table, column = path.split(".")
        return {"table": table, "column": column}

    return Expect(
        alternatives=[
            Alternative(name=item.name, calls=[_call(template, call, said) for call in item.calls])
            for item in template.alternatives
        ],
        text=[TextRule(**split(path), rule=rule) for path, rule in template.text.items()],
        tolerances=[Tolerance(**split(path), within=within) for path, within in template.tolerances.items()],
        ignored=[Ignored(**split(path), reason=reason) for path, reason in template.ignore.items()],
        history=[History(table=table, reason=reason) for table, reason in history.items()],
    )


def _call(template: TaskTemplate, call: CallTemplate, said: dict[str, _Said]) -> Call:
    return Call(
        id=call.id,
        tool=call.tool,
        arguments=[
            Argument(name=name, value=None, source=_source(template, str(source), said))
            for name, source in call.arguments.items()
        ],
        refused=call.refused,
        when=_source(template, call.when, said) if call.when else None,
    )


def _source(template: TaskTemplate, source: str, said: dict[str, _Said]) -> str:
    def span(name: str) -> str:
        if name not in said:
            raise TemplateError(
                f"template {template.name}: {source!r} uses slot.{name}, which a wording does not show",
                hint="an agent cannot know it: show it in every wording, or find it by a call",
            )
        return said[name].source

    try:
        if parse(source).fields("slot"):
            return replace_fields(source, "slot", span)
    except ExpressionError as error:
        raise TemplateError(f"template {template.name}: {error.message}") from None
    return source.strip()
