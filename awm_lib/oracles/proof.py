"""The first proof of a solution: it runs, it changes what the goal says, and its answer is right.

The provider and the oracle stage use it; the certificate proves much more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from awm_lib.contracts.oracle import Argument, Call, ExpectedAnswer, Solution
from awm_lib.contracts.tasks import Task
from awm_lib.errors import AwmError, SqlError, SynthesisError
from awm_lib.oracles.replay import Replay, Step, answer_text, replay
from awm_lib.runtime.environment import Environment
from awm_lib.runtime.state import State
from awm_lib.verify.answers import Answer
from awm_lib.verify.court import holds, query


@dataclass(slots=True)
class Proof:
    """A solution with its values resolved, or what is wrong with it."""

    solution: Solution | None = None
    problems: list[str] = field(default_factory=list)


def prove(environment: Environment, task: Task, solution: Solution) -> Proof:
    """Run a solution once, resolve its values, and check goal, answer and selections."""
    run = replay(environment, task, solution)
    if run.problems:
        return Proof(problems=list(run.problems))
    final = run.episode.state()
    try:
        problems = [
            *goal_problems(environment, solution, final),
            *answer_problems(environment, task, solution, run, final),
            *(
                problem
                for item in solution.selections
                for problem in selection_problems(environment, item.sql, item.name)
            ),
        ]
        return Proof(problems=problems) if problems else Proof(resolve(solution, run))
    except AwmError as error:
        return Proof(problems=[error.message])
    finally:
        run.episode.close()


def goal_problems(environment: Environment, solution: Solution, final: State) -> list[str]:
    """The goal must be false before and true after."""
    if solution.goal is None:
        return []
    initial = environment.initial
    try:
        if holds(initial, initial, solution.goal):
            return ["the goal is true before anything is done"]
        return [] if holds(initial, final, solution.goal) else ["the goal is not true after the solution"]
    except SqlError as error:
        return [f"goal: {error.message}"]


def answer_problems(environment: Environment, task: Task, solution: Solution, run: Replay, final: State) -> list[str]:
    """The answer from the calls must equal the answer from the data, and say something."""
    if solution.answer is None or task.answer is None:
        return []
    by_sql = expected_by_sql(environment, task, solution, final)
    if by_sql is None or by_sql in ("", []):
        return ["the answer is empty"]
    if not same_answer(task, by_sql, run.answer):
        return [f"the answer from the calls is {run.answer!r}, from the data {by_sql!r}"]
    return []


def same_answer(task: Task, one: Any, other: Any) -> bool:
    """Whether two values are the same answer to a task."""
    form = task.answer
    assert form is not None
    return Answer(form.type, one, form.unit, form.ordered, form.tolerance).accepts(answer_text(other))


def selection_problems(environment: Environment, sql: str, name: str) -> list[str]:
    """A selection must have exactly one winner in the data."""
    try:
        rows = query(environment.initial, environment.initial, sql)
    except SqlError as error:
        return [f"selection {name}: {error.message}"]
    if not rows:
        return [f"selection {name} has no candidate"]
    if any(len(row) < 2 for row in rows):
        return [f"selection {name}: give the identity and the criterion as two columns"]
    winners = {row[0] for row in rows if row[1] == rows[0][1]}
    return (
        [] if len(winners) == 1 else [f"selection {name} has {len(winners)} winners: {sorted(map(str, winners))[:5]}"]
    )


def resolve(solution: Solution, run: Replay) -> Solution:
    """The solution with each argument's and the answer's value as they came out."""
    answer = solution.answer
    return solution.model_copy(
        update={
            "calls": [_resolved(step) for step in run.steps],
            "answer": ExpectedAnswer(value=run.answer, source=answer.source, sql=answer.sql) if answer else None,
        }
    )


def _resolved(step: Step) -> Call:
    arguments = [
        Argument(name=argument.name, value=step.arguments[argument.name], source=argument.source)
        for argument in step.call.arguments
    ]
    return step.call.model_copy(update={"arguments": arguments})


def expected_by_sql(environment: Environment, task: Task, solution: Solution, final: State) -> Any:
    """The expected answer by its own SQL, in the form that the calls' results have. Raises SqlError, SynthesisError."""
    assert solution.answer is not None and task.answer is not None
    try:
        rows = query(environment.initial, final, solution.answer.sql)
    except SqlError as error:
        raise SynthesisError(f"task {task.id}, answer: {error.message}") from None
    if task.answer.type == "list":
        return [row[0] for row in rows]
    if len(rows) != 1:
        raise SynthesisError(f"task {task.id}: the answer's SQL gives {len(rows)} rows instead of one")
    value = rows[0][0]
    return round(value / 100, 2) if task.answer.type == "money" and isinstance(value, int | float) else value
