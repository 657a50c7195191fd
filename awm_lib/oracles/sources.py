"""Sources: expressions that say where an agent gets a value from.

A source may use the instruction (``said('usb-c cable')``, ``number('3')``, ``money('$25.00')``, ``day('March 3,
2026')``,
``moment('March 3, 2026 at 10:30')``, ``words('in progress')``: each demands that the instruction has these words),
the public
``context``, the results of earlier calls by their ids, ``refused(call)``, and the functions of ``awm_lib.records``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from awm_lib.contracts.spec import Parameter
from awm_lib.contracts.tasks import Context
from awm_lib.errors import ExpressionError
from awm_lib.expressions import parse
from awm_lib.records import FUNCTIONS, tidy


def contains_span(instruction: str, span: str) -> bool:
    """Whether the instruction has these words, as whole words, whatever their case and spacing."""
    wanted = r"\s+".join(re.escape(part) for part in span.split())
    if not wanted:
        return False
    before = r"(?<![\w.,$])" if span[0].isdigit() else r"(?<!\w)" if span[0].isalnum() else ""
    after = r"(?![\w]|[.,]\d)" if span[-1].isdigit() else r"(?!\w)" if span[-1].isalnum() else ""
    return re.search(before + wanted + after, instruction, re.I) is not None


class Scope(dict[str, Any]):
    """The names of a task's sources: functions, ``context``, and the results of calls as they are made."""

    def __init__(self, instruction: str, context: Context, *, strict: bool = False) -> None:
        """A ``strict`` scope demands that the instruction says each span; replays only take the spans' values."""
        super().__init__(FUNCTIONS)
        self.instruction = instruction
        self.strict = strict
        self["context"] = {"now": context.now, "user": context.user.model_dump()}
        self["said"] = self._said
        self["number"] = lambda span: _as_number(self._said(span))
        self["money"] = lambda span: _as_number(self._said(span).lstrip("$€£").strip())
        self["day"] = lambda span: str(_as_moment(self._said(span), ("%B %d, %Y", "%Y-%m-%d")).date())
        self["moment"] = lambda span: str(_as_moment(self._said(span), ("%B %d, %Y at %H:%M", "%Y-%m-%d %H:%M")))
        self["words"] = lambda span: self._said(span).replace(" ", "_").replace("-", "_").lower()
        self["refused"] = lambda result: bool(isinstance(result, dict) and "error" in result)

    def _said(self, span: str) -> str:
        if self.strict and not contains_span(self.instruction, span):
            raise ExpressionError(f"the instruction does not say {span!r}")
        return span

    def add_result(self, call: str, result: Mapping[str, Any]) -> None:
        """Make a call's result (its data, or ``{"error": ...}``) known to later sources."""
        self[call] = result


def _as_number(text: str) -> int | float:
    plain = text.replace(",", "")
    try:
        return int(plain) if re.fullmatch(r"-?\d+", plain) else float(plain)
    except ValueError:
        raise ExpressionError(f"{text!r} is not a number") from None


def _as_moment(text: str, layouts: tuple[str, ...]) -> datetime:
    for layout in layouts:
        try:
            return datetime.strptime(text, layout)
        except ValueError:
            continue
    raise ExpressionError(f"{text!r} is not a date")


def evaluate(source: str, scope: Mapping[str, Any], parameter: Parameter | None = None) -> Any:
    """The value that a source gives, in the form that a parameter wants. Raises ExpressionError."""
    value = parse(source)(scope)
    kind = parameter.type if parameter else None
    if kind == "money" and isinstance(value, float):
        return round(value, 2)
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, float):
        return tidy(value)
    return value


def calls_used(source: str, calls: set[str]) -> set[str]:
    """The calls whose results a source uses."""
    return parse(source).names() & calls
