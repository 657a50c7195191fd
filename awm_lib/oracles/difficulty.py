"""How much a task asks of an agent, from its solution alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from awm_lib.contracts.certificate import Difficulty
from awm_lib.runtime.tools import Tool

MIDDLE = 5.5
"""Points from which a task is of middle difficulty."""
HARD = 8.5
"""Points from which it is hard."""


class AnyCall(Protocol):
    """A call of a solution, or of a template of one."""

    @property
    def tool(self) -> str: ...

    @property
    def refused(self) -> str | None: ...

    @property
    def when(self) -> str | None: ...


def difficulty(calls: Sequence[AnyCall], selections: Collection[object], tools: Mapping[str, Tool]) -> Difficulty:
    """Count what a solution takes: a call is half a point, a distinct tool half, a table that they read or write a
    quarter; a refused call or a stated condition, and a selection among candidates, are one each.
    """
    names = {call.tool for call in calls}
    known = [tools[name] for name in names if name in tools]
    tables = frozenset().union(*(tool.reads | tool.written for tool in known))
    conditions = {call.when for call in calls if call.when is not None}
    branches = max(len(conditions), sum(call.refused is not None for call in calls))
    score = len(calls) / 2 + len(names) / 2 + len(tables) / 4 + branches + len(selections)
    return Difficulty(
        calls=len(calls),
        tools=len(names),
        tables=len(tables),
        branches=branches,
        selections=len(selections),
        score=score,
        level="easy" if score < MIDDLE else "middle" if score < HARD else "hard",
    )
