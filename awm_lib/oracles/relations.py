"""Deriving the expected changes of a task from its oracle's real runs.

The oracle is run three times: as it is; with another clock and other generated keys; with the clock a day ahead.
Cells with
the same value in all runs are constants. The others are given the relation that explains their values in all runs:
the key of a
new row, a moment or a day of the episode, a text made of these.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from awm_lib.contracts.oracle import Alternative, Call, Solution
from awm_lib.contracts.tasks import Task
from awm_lib.errors import SqlError, SynthesisError
from awm_lib.oracles.replay import Replay, replay
from awm_lib.oracles.shifted import DAY_SHIFT, HOUR_SHIFT, start_shifted
from awm_lib.runtime.environment import Environment
from awm_lib.runtime.state import Change
from awm_lib.verify.court import query
from awm_lib.verify.expected import Expected, Rules
from awm_lib.verify.matchers import contains, day, key, like, moment, near, non_empty, varies

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\Z")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Derived:
    """What a solution's runs show."""

    accepted: list[list[Expected]]
    """The oracle's own changes first, then those of each alternative."""
    answer: Any
    """The answer that follows from the calls; None if the task has none."""


def rules_of(solution: Solution) -> Rules:
    """What the comparison leaves out."""
    expect = solution.expect
    return Rules.of(((item.table, item.column) for item in expect.ignored), (item.table for item in expect.history))


def derive(environment: Environment, task: Task, solution: Solution) -> Derived:
    """Run a solution and find its expected changes. Raises SynthesisError if it does not go as it says."""
    _check_goal(environment, solution)
    first, expected = _derive_calls(environment, task, solution, solution.calls)
    accepted = [expected]
    for alternative in solution.expect.alternatives:
        accepted.append(_derive_alternative(environment, task, solution, alternative))
    return Derived(accepted, first.answer)


def _check_goal(environment: Environment, solution: Solution) -> None:
    """A goal that does not prepare must show itself when verifiers are compiled, not when an agent is judged."""
    if solution.goal is None:
        return
    try:
        query(environment.initial, environment.initial, solution.goal)
    except SqlError as error:
        raise SynthesisError(f"task {solution.task}, goal: {error.message}") from None


def _derive_alternative(
    environment: Environment, task: Task, solution: Solution, alternative: Alternative
) -> list[Expected]:
    try:
        return _derive_calls(environment, task, solution, alternative.calls)[1]
    except SynthesisError as error:
        raise SynthesisError(f"alternative {alternative.name}: {error.message}") from None


def _derive_calls(
    environment: Environment, task: Task, solution: Solution, calls: Sequence[Call]
) -> tuple[Replay, list[Expected]]:
    plain = replay(environment, task, solution, calls=calls)
    _demand(plain, task, "")
    shifted = replay(
        environment, task, solution, calls=calls,
        episode=start_shifted(environment, task.id, seconds=HOUR_SHIFT, keys=True),
    )  # fmt: skip
    _demand(shifted, task, " with another clock and other keys")
    later = replay(
        environment, task, solution, calls=calls, episode=start_shifted(environment, task.id, seconds=DAY_SHIFT)
    )
    rules = rules_of(solution)
    runs = [_ordered(run, rules) for run in (plain, shifted)]
    if [_identity(change) for change in runs[0]] != [_identity(change) for change in runs[1]]:
        raise SynthesisError(f"task {task.id}: with another clock and other keys the solution changes other rows")
    third = _ordered(later, rules) if not later.problems else []
    if [_identity(change) for change in third] != [_identity(change) for change in runs[0]]:
        third = runs[0]
    for run in (plain, shifted, later):
        run.episode.close()
    return plain, _Relations(environment, solution, runs[0], runs[1], third, len(plain.steps)).expected()


def _demand(run: Replay, task: Task, how: str) -> None:
    if run.problems:
        raise SynthesisError(f"task {task.id}: the solution fails{how}: {run.problems[0]}")


def _ordered(run: Replay, rules: Rules) -> list[Change]:
    return [
        change for change in run.episode.changes() if not (change.kind == "insert" and change.table in rules.history)
    ]


def _identity(change: Change) -> tuple[Any, ...]:
    if change.kind == "insert":
        return (change.table, change.kind)
    return (change.table, change.kind, change.key, *(change.columns if change.kind == "update" else ()))


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


class _Relations:
    """Finds, for each cell that varies, the relation that explains it."""

    def __init__(
        self, environment: Environment, solution: Solution, plain: list[Change], shifted: list[Change],
        later: list[Change], steps: int,
    ) -> None:  # fmt: skip
        self.environment, self.plain, self.shifted, self.later, self.steps = environment, plain, shifted, later, steps
        self.epoch = environment.context.now
        expect = solution.expect
        self.ignored = {(item.table, item.column) for item in expect.ignored}
        self.text = {(item.table, item.column): item.rule for item in expect.text}
        self.within = {(item.table, item.column): item.within for item in expect.tolerances}
        self.keys: list[tuple[str, int, int]] = []
        """(label, key in the plain run, key in the shifted run) of each new row with a generated key."""
        counts: dict[str, int] = {}
        self.labels: list[str] = []
        for change, other in zip(plain, shifted, strict=True):
            label = ""
            if change.kind == "insert":
                counts[change.table] = counts.get(change.table, 0) + 1
                label = f"{change.table}#{counts[change.table]}"
                if environment.schema[change.table].integer_key is not None:
                    self.keys.append((label, change.key[0], other.key[0]))
            self.labels.append(label)

    def expected(self) -> list[Expected]:
        found = []
        for at, change in enumerate(self.plain):
            label = self.labels[at]
            if change.kind == "delete":
                found.append(Expected("delete", change.table, change.key, {}))
                continue
            own_key = self.environment.schema[change.table].integer_key if change.kind == "insert" else None
            cells = {
                column: self._cell(at, column, label)
                for column in change.columns
                if column != own_key and (change.table, column) not in self.ignored
            }
            if change.kind == "insert":
                found.append(Expected("insert", change.table, (), cells, label if own_key else ""))
            elif cells:
                found.append(Expected("update", change.table, change.key, cells))
        return found

    def _cell(self, at: int, column: str, label: str) -> Any:
        change = self.plain[at]
        value, shifted, later = ((run[at].after or {})[column] for run in (self.plain, self.shifted, self.later))
        place = (change.table, column)
        rule = self.text.get(place)
        if rule == "contains" and isinstance(value, str):
            return contains(value)
        if rule == "non_empty":
            return non_empty()
        if place in self.within and isinstance(value, int | float):
            return near(value, self.within[place])
        if value != shifted:
            return self._relation(value, shifted, change.table, column, label)
        if isinstance(value, str) and value != later and _DAY.match(value):
            return self._day(value)
        return value

    def _relation(self, value: Any, shifted: Any, table: str, column: str, label: str) -> Any:
        if type(value) is int and type(shifted) is int:
            return self._key(value, shifted, table, column, label) or varies()
        if isinstance(value, str) and isinstance(shifted, str):
            if _MOMENT.match(value) and _MOMENT.match(shifted):
                return self._moment(value)
            if _DAY.match(value) and _DAY.match(shifted):
                return self._day(value)
            return self._text(value, shifted, table, column, label)
        return varies()

    def _key(self, value: int, shifted: int, table: str, column: str, label: str) -> key | None:
        """The new row whose key explains both values; the row referred to, or the row itself, before others."""
        found = self.environment.schema[table].column(column)
        target = found.references[0] if found is not None and found.references else None
        order = sorted(self.keys, key=lambda item: (item[0].split("#")[0] != target, item[0] != label))
        for name, plain_key, shifted_key in order:
            if value == plain_key and shifted == shifted_key:
                return key(name)
        for name, plain_key, shifted_key in order:
            if value - plain_key == shifted - shifted_key and abs(value - plain_key) <= 100_000:
                return key(name, plus=value - plain_key)
        return None

    def _moment(self, value: str) -> moment:
        """The offset from the clock: a whole number of minutes if one fits the calls made, else a span."""
        ahead = round(_seconds(value) - _seconds(self.epoch))
        low, high = ahead - self.steps, ahead - 1
        whole = (high // 60) * 60
        return moment(whole) if whole >= low else moment(low, slack=high - low)

    def _day(self, value: str) -> day:
        return day(round((_seconds(value) - _seconds(self.epoch[:10])) / 86_400))

    def _text(self, value: str, shifted: str, table: str, column: str, label: str) -> like | varies:
        if _DIGITS.sub("0", value) != _DIGITS.sub("0", shifted):
            return varies()
        parts: list[str | key | None] = []
        done = 0
        for here, there in zip(_DIGITS.finditer(value), _DIGITS.finditer(shifted), strict=True):
            if here.group() == there.group():
                continue
            parts.append(value[done : here.start()])
            parts.append(self._key(int(here.group()), int(there.group()), table, column, label))
            done = here.end()
        parts.append(value[done:])
        return like(*(part for part in parts if part != ""))
