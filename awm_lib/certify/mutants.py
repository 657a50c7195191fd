"""Near-miss runs: runs that go almost as the oracle's, which its verifier must reject."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from awm_lib.certify.plaindiff import fingerprint
from awm_lib.certify.samples import other_value, valid_arguments
from awm_lib.contracts.certificate import Runs
from awm_lib.contracts.oracle import Solution
from awm_lib.contracts.tasks import Task
from awm_lib.oracles.replay import Replay, answer_text, replay
from awm_lib.runtime.environment import Environment
from awm_lib.runtime.episode import Mark, Snapshot
from awm_lib.runtime.tools import PAGING

MAX_ARGUMENTS = 8
"""Arguments changed per task, each in a run of its own."""
_PAGING = {parameter.name for parameter in PAGING}


@dataclass(frozen=True, slots=True)
class Mutants:
    """What became of a task's mutants."""

    runs: list[Runs]
    survivors: list[str]
    """Those that were judged complete though they are not equivalent."""
    spare: frozenset[str]
    """Calls without which the run was judged complete."""


@dataclass(frozen=True, slots=True)
class _Change:
    """A mutant that goes as the solution until one of its calls."""

    family: str
    name: str
    at: int
    """The place of that call."""
    instead: dict[tuple[str, str], Any] | None
    """Another value for one of its arguments; None leaves the call out."""


@dataclass(frozen=True, slots=True)
class _Result:
    """How a mutant was judged: killed, equivalent, or neither."""

    family: str
    name: str
    complete: bool
    equivalent: bool


def check_mutants(
    environment: Environment, task: Task, solution: Solution, oracle: Replay, chance: random.Random
) -> Mutants:
    """Run each family of mutants, and judge it."""
    history = frozenset(item.table for item in solution.expect.history)
    initial = environment.initial
    right = (fingerprint(initial, oracle.episode.state(), history), _value(answer_text(oracle.answer)))

    def judge(family: str, name: str, run: Replay, answer: str | None) -> _Result:
        complete = run.episode.verify(answer, task=task.id).complete
        same = complete and (fingerprint(initial, run.episode.state(), history), _value(answer)) == right
        return _Result(family, name, complete, same)

    changes = [*_dropped(solution), *_changed(environment, task, oracle, chance)]
    results = _run_changes(environment, task, solution, changes, judge)
    extra = _extra(environment, solution, oracle, chance)
    if extra is not None:
        name, run = extra
        results.append(judge("extra_write", name, run, answer_text(oracle.answer)))
        run.episode.close()
    if task.answer is not None:
        for family, answer in wrong_answers(environment, task, oracle.answer, chance):
            results.append(judge(family, answer[:80], oracle, answer))
    runs = [
        Runs(
            family=family,
            made=sum(result.family == family for result in results),
            passed=sum(result.family == family and not result.complete for result in results),
            equivalent=sum(result.family == family and result.equivalent for result in results),
        )
        for family in dict.fromkeys(result.family for result in results)
    ]
    dropped = [solution.calls[change.at].id for change in changes if change.instead is None]
    spare = {call for call, result in zip(dropped, results, strict=False) if result.complete}
    survivors = [f"{r.family}: {r.name}" for r in results if r.complete and not r.equivalent]
    return Mutants(runs, survivors, frozenset(spare))


def _run_changes(
    environment: Environment,
    task: Task,
    solution: Solution,
    changes: list[_Change],
    judge: Callable[[str, str, Replay, str | None], _Result],
) -> list[_Result]:
    """The results in the order of ``changes``. The solution runs once; each mutant starts from a mark in that run, the
    last one first, and only makes the calls from there.
    """
    marks: list[Mark | Snapshot] = []
    whole = replay(environment, task, solution, marks=marks)
    found: dict[int, _Result] = {}
    for number in sorted(range(len(changes)), key=lambda number: -changes[number].at):
        change = changes[number]
        whole.episode.back(marks[change.at])
        run = replay(
            environment, task, solution, calls=solution.calls[change.at + (change.instead is None) :],
            episode=whole.episode, instead=change.instead, lenient=True, after=whole.steps[: change.at],
        )  # fmt: skip
        found[number] = judge(change.family, change.name, run, answer_text(run.answer))
    whole.episode.close()
    return [found[number] for number in range(len(changes))]


def _value(answer: str | None) -> str | None:
    return None if answer is None else " ".join(answer.split()).casefold()


def _dropped(solution: Solution) -> Iterator[_Change]:
    for at, call in enumerate(solution.calls):
        yield _Change("dropped_call", f"without {call.id} ({call.tool})", at, None)


def _changed(environment: Environment, task: Task, oracle: Replay, chance: random.Random) -> Iterator[_Change]:
    places = []
    for at, step in enumerate(oracle.steps):
        tool = environment.tools[step.call.tool]
        if step.call.refused or not (tool.writes or task.kind == "question"):
            continue
        for parameter in tool.parameters:
            if parameter.name in step.arguments and parameter.name not in _PAGING:
                places.append((at, step, parameter))
    chance.shuffle(places)
    for at, step, parameter in places[:MAX_ARGUMENTS]:
        value = other_value(parameter, step.arguments[parameter.name], environment, chance)
        if value is not None:
            name = f"{step.call.id} ({step.call.tool}) with {parameter.name} = {str(value)[:60]!r}"
            yield _Change("changed_argument", name, at, {(step.call.id, parameter.name): value})


def _extra(
    environment: Environment, solution: Solution, oracle: Replay, chance: random.Random
) -> tuple[str, Replay] | None:
    """The whole solution, and one more write somewhere else that has an effect."""
    history = frozenset(item.table for item in solution.expect.history)
    writers = [tool for tool in environment.tools.values() if tool.writes]
    right = fingerprint(environment.initial, oracle.episode.state(), history)
    episode = oracle.episode.fork()
    end = episode.mark()
    for _ in range(20):
        tool = chance.choice(writers)
        arguments = valid_arguments(tool, environment, chance)
        result = episode.call(tool.name, arguments)
        if result.ok and fingerprint(environment.initial, episode.state(), history) != right:
            return f"also {tool.name}({arguments})"[:160], Replay(episode)
        episode.back(end)
    episode.close()
    return None


def wrong_answers(environment: Environment, task: Task, right: Any, chance: random.Random) -> Iterator[tuple[str, str]]:
    """Answers near the right one, and answers that list everything."""
    form = task.answer
    assert form is not None
    if form.type in ("integer", "decimal", "money"):
        step = max(1.0, form.tolerance * 3)
        near = [value for value in (right + step, right - step, right * 2 + step) if abs(value - right) >= step]
        yield from (("wrong_answer", answer_text(round(value, 2)) or "") for value in near)
        yield "lists_everything", ", ".join(str(round(right + offset, 2)) for offset in (-2, -1, 0, 1, 2))
    elif form.type == "date":
        from awm_lib.records import days_after

        yield from (("wrong_answer", days_after(right, days)) for days in (1, -1, 7))
        yield "lists_everything", ", ".join(days_after(right, days) for days in (-1, 0, 1))
    elif form.type == "list":
        yield "wrong_answer", answer_text(list(right)[1:]) or "[]"
        yield (
            "lists_everything",
            answer_text([*right, *_neighbours(environment, right[0] if right else "", chance)[:3]]) or "",
        )
        if form.ordered and len(right) > 1 and list(reversed(right)) != list(right):
            yield "wrong_answer", answer_text(list(reversed(right))) or ""
    else:
        others = _neighbours(environment, right, chance)
        yield from (("wrong_answer", str(value)) for value in others[:3])
        yield "lists_everything", ", ".join(str(value) for value in [*others[:2], right, *others[2:4]])


def _neighbours(environment: Environment, value: Any, chance: random.Random) -> list[Any]:
    """Other values of the column that a value comes from; made-up ones if it comes from none."""
    for name, rows in environment.initial.tables.items():
        for at, _ in enumerate(environment.schema[name].columns):
            values = dict.fromkeys(row[at] for row in rows if row[at] is not None)
            if value in values and len(values) > 1:
                rest = [item for item in values if item != value]
                chance.shuffle(rest)
                return rest[:6]
    if isinstance(value, int):
        return [value + 1, value + 2, value - 1]
    return [f"{value} II", f"Old {value}", "none of them"]
