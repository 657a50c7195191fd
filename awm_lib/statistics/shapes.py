"""The structure of tools and tasks with all names erased: what is left when a skeleton is only worded otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache

from awm_lib import sqltext
from awm_lib.contracts.oracle import Solution
from awm_lib.contracts.spec import CheckStep, LetStep, ReturnStep, RunStep, Step, Tool
from awm_lib.contracts.tasks import Task

KEYWORDS = frozenset(  # a list of strings would take a page
    """
    abs all and as asc avg between by case cast coalesce collate conflict count cross current_date current_timestamp
    date datetime delete desc distinct do else end escape except exists excluded false filter first from full glob group
    group_concat having iif ifnull in inner insert instr integer intersect into is join json_array json_array_length
    json_each json_extract json_group_array json_group_object json_object julianday last left length like limit lower
    ltrim max min natural not nothing null nullif nulls numeric offset on or order outer over partition printf real
    recursive replace returning right round row_number rtrim select set strftime substr sum text then time total trim
    true union unique update upper using values when where with
    """.split()  # noqa: SIM905
)
"""Words of SQL and its functions; every other word is a name."""
_ERASED = {"string": "'x'", "number": "9", "bind": ":x", "quoted": "x"}


@lru_cache(maxsize=20_000)  # environments of one pack have most statements in common
def erased(sql: str) -> str:
    """A statement with names, literals and binds each replaced by one mark."""
    parts = []
    for kind, text in sqltext.tokens(sqltext.stripped(sql)):
        if kind in ("space", "comment"):
            continue
        if kind == "word":
            parts.append(text.lower() if text.lower() in KEYWORDS else "x")
        else:
            parts.append(_ERASED.get(kind, text))
    return " ".join(parts)


def program_shape(tool: Tool) -> str:
    """The hash of a tool's effect and of its steps' kinds, errors and erased statements, 16 hex digits."""
    return _hash(tool.effect, *(_step(step) for step in tool.program))


def task_shape(task: Task, solution: Solution, programs: Mapping[str, str]) -> str:
    """The hash of the shapes of a solution's tools in order, of its goal, and of the answer's kind, 16 hex digits.

    ``programs`` are the shapes of the environment's tools, by name.
    """
    calls = [f"{programs[call.tool]} {call.refused or ''}" for call in solution.calls]
    goal = erased(solution.goal) if solution.goal else ""
    return _hash(task.kind, task.answer.type if task.answer else "", goal, *calls)


def _step(step: Step) -> str:
    if isinstance(step, CheckStep):
        return f"check {step.error} {erased(step.check)}"
    if isinstance(step, LetStep):
        return f"let {step.optional} {erased(step.sql)}"
    if isinstance(step, RunStep):
        return f"run {erased(step.run)}"
    assert isinstance(step, ReturnStep)
    return f"return {step.returns} {erased(step.sql)}"


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
