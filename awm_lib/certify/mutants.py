"""Near-miss runs: runs that go almost as the oracle's, which its verifier must reject."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from awm_lib.certify.plaindiff import fingerprint
from awm_lib.certify.samples import other_value, valid_arguments
from awm_lib.contracts.certificate import Runs
from awm_lib.contracts.oracle import Solution
from awm_lib.contracts.tasks import Task
from awm_lib.oracles.replay import Replay, answer_text, replay
from awm_lib.runtime.environment import Environment
from awm_lib.runtime.tools import PAGING

MAX_ARGUMENTS = 8
"""Arguments changed per task, each in a run of its own."""
_PAGING = {parameter.name for parameter in PAGING}

Mutant = tuple[str, str, Replay, str | None]


def check_mutants(
    environment: Environment, task: Task, solution: Solution, oracle: Replay, chance: random.Random
) -> tuple[list[Runs], list[str]]:
    """Run each family of mutants. Returns the counts, and the names of those that survived."""
    history = frozenset(item.table for item in solution.expect.history)
    initial = environment.initial
    right = (fingerprint(initial, oracle.episode.state(), history), answer_text(oracle.answer))
    counts: dict[str, list[int]] = {}
    survivors = []
    for family, name, run, answer in _mutants(environment, task, solution, oracle, chance):
        count = counts.setdefault(family, [0, 0, 0])
        count[0] += 1
        verdict = run.episode.verify(answer, task=task.id)
        if not verdict.complete:
            count[1] += 1
        elif (fingerprint(initial, run.episode.state(), history), _value(answer)) == (right[0], _value(right[1])):
            count[2] += 1
        else:
            survivors.append(f"{family}: {name}")
        if run.episode is not oracle.episode:
            run.episode.close()
    runs = [Runs(family=name, made=c[0], passed=c[1], equivalent=c[2]) for name, c in counts.items()]
    return runs, survivors


def _value(answer: str | None) -> str | None:
    return None if answer is None else " ".join(answer.split()).casefold()


def _mutants(
    environment: Environment, task: Task, solution: Solution, oracle: Replay, chance: random.Random
) -> Iterator[Mutant]:
    yield from _dropped(environment, task, solution)
    yield from _changed(environment, task, solution, oracle, chance)
    yield from _extra(environment, solution, oracle, chance)
    if task.answer is not None:
        for family, answer in wrong_answers(environment, task, oracle.answer, chance):
            yield family, answer[:80], oracle, answer


def _dropped(environment: Environment, task: Task, solution: Solution) -> Iterator[Mutant]:
    for call in solution.calls:
        rest = [other for other in solution.calls if other.id != call.id]
        run = replay(environment, task, solution, calls=rest, lenient=True)
        yield "dropped_call", f"without {call.id} ({call.tool})", run, answer_text(run.answer)


def _changed(
    environment: Environment, task: Task, solution: Solution, oracle: Replay, chance: random.Random
) -> Iterator[Mutant]:
    places = []
    for step in oracle.steps:
        tool = environment.tools[step.call.tool]
        if step.call.refused or not (tool.writes or task.kind == "question"):
            continue
        for parameter in tool.parameters:
            if parameter.name in step.arguments and parameter.name not in _PAGING:
                places.append((step, parameter))
    chance.shuffle(places)
    for step, parameter in places[:MAX_ARGUMENTS]:
        value = other_value(parameter, step.arguments[parameter.name], environment, chance)
        if value is None:
            continue
        run = replay(environment, task, solution, instead={(step.call.id, parameter.name): value}, lenient=True)
        name = f"{step.call.id} ({step.call.tool}) with {parameter.name} = {str(value)[:60]!r}"
        yield "changed_argument", name, run, answer_text(run.answer)


def _extra(environment: Environment, solution: Solution, oracle: Replay, chance: random.Random) -> Iterator[Mutant]:
    """The whole solution, and one more write somewhere else that has an effect."""
    history = frozenset(item.table for item in solution.expect.history)
    writers = [tool for tool in environment.tools.values() if tool.writes]
    right = fingerprint(environment.initial, oracle.episode.state(), history)
    episode = oracle.episode.fork()
    end = episode.snapshot()
    for _ in range(20):
        tool = chance.choice(writers)
        arguments = valid_arguments(tool, environment, chance)
        result = episode.call(tool.name, arguments)
        if result.ok and fingerprint(environment.initial, episode.state(), history) != right:
            yield "extra_write", f"also {tool.name}({arguments})"[:160], Replay(episode), answer_text(oracle.answer)
            return
        episode.restore(end)
    episode.close()


def wrong_answers(environment: Environment, task: Task, right: Any, chance: random.Random) -> Iterator[tuple[str, str]]:
    """Answers near the right one, and answers that list everything."""
    form = task.answer
    assert form is not None
    if form.type in ("integer", "decimal", "money"):
        step = max(1.0, form.tolerance * 3)
        near = [right + step, right - step, right * 2 + step]
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
