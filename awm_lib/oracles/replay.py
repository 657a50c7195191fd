"""Replaying a solution: its calls in an episode, each argument from its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from awm_lib.contracts.oracle import Call, Solution
from awm_lib.contracts.tasks import Task
from awm_lib.errors import ExpressionError
from awm_lib.oracles.sources import Scope, evaluate
from awm_lib.runtime.environment import Environment
from awm_lib.runtime.episode import Episode, Mark, Snapshot
from awm_lib.runtime.results import ToolResult


@dataclass(slots=True)
class Step:
    """One call as it was made."""

    call: Call
    arguments: dict[str, Any]
    result: ToolResult


@dataclass(slots=True)
class Replay:
    """A solution as it went."""

    episode: Episode
    steps: list[Step] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """What kept it from going as the oracle says; empty if it did."""
    skipped: list[str] = field(default_factory=list)
    """Calls that could not be made."""
    answer: Any = None
    """The answer that follows from the calls' results; None if there is none, or it cannot be found."""


def replay(
    environment: Environment,
    task: Task,
    solution: Solution,
    *,
    calls: Sequence[Call] | None = None,
    episode: Episode | None = None,
    instead: Mapping[tuple[str, str], Any] | None = None,
    lenient: bool = False,
    after: Sequence[Step] = (),
    marks: list[Mark | Snapshot] | None = None,
) -> Replay:
    """Make a solution's calls in a fresh episode (or the given one).

    ``calls`` replaces the solution's own. ``instead`` gives other values for (call id, argument). A strict replay
    stops at the first call that does not go as the oracle says; a ``lenient`` one leaves out calls whose arguments
    cannot be known and goes on after errors, as a mistaken agent would. ``after`` are steps that the given episode has
    behind it; ``marks`` collects a mark of the episode before each call.
    """
    run = Replay(episode or environment.start(), list(after))
    scope = Scope(task.instruction, environment.context)
    for step in after:
        scope.add_result(step.call.id, step.result.plain())
    chosen = solution.calls if calls is None else calls
    for call in chosen:
        try:
            if call.when is not None and not evaluate(call.when, scope):
                raise ExpressionError(f"its condition is false: {call.when}")
            arguments = _arguments(environment, call, scope, instead or {})
        except ExpressionError as error:
            if lenient:
                run.skipped.append(call.id)
                continue
            run.problems.append(f"call {call.id} ({call.tool}): {error.message}")
            return run
        if marks is not None:
            marks.append(run.episode.mark())
        result = run.episode.call(call.tool, arguments)
        run.steps.append(Step(call, arguments, result))
        scope.add_result(call.id, result.plain())
        problem = _problem(call, result)
        if problem and not lenient:
            run.problems.append(problem)
            return run
    if solution.answer is not None:
        run.answer = _answer(solution, scope, run, lenient)
    return run


def _answer(solution: Solution, scope: Scope, run: Replay, lenient: bool) -> Any:
    assert solution.answer is not None
    if solution.answer.source is None:
        return solution.answer.value
    try:
        return evaluate(solution.answer.source, scope)
    except ExpressionError as error:
        if not lenient:
            run.problems.append(f"answer: {error.message}")
        return None


def _arguments(
    environment: Environment, call: Call, scope: Scope, instead: Mapping[tuple[str, str], Any]
) -> dict[str, Any]:
    tool = environment.tools.get(call.tool)
    parameters = {parameter.name: parameter for parameter in tool.parameters} if tool else {}
    found = {}
    for argument in call.arguments:
        if (call.id, argument.name) in instead:
            found[argument.name] = instead[call.id, argument.name]
        elif argument.source is None:
            found[argument.name] = argument.value
        else:
            try:
                found[argument.name] = evaluate(argument.source, scope, parameters.get(argument.name))
            except ExpressionError as error:
                raise ExpressionError(f"argument {argument.name}: {error.message}") from None
    return found


def _problem(call: Call, result: ToolResult) -> str | None:
    if call.refused is None:
        return (
            None
            if result.error is None
            else (f"call {call.id} ({call.tool}) was refused: {result.error.kind}: {result.error.message}")
        )
    if result.error is None:
        return f"call {call.id} ({call.tool}) should have been refused with {call.refused}, but was carried out"
    if result.error.kind != call.refused:
        error = result.error
        return f"call {call.id} ({call.tool}) was refused with {error.kind}, not {call.refused}: {error.message}"
    return None


def answer_text(value: Any) -> str | None:
    """An answer as an agent would submit it."""
    if value is None:
        return None
    if isinstance(value, list):
        import json

        return json.dumps(value, ensure_ascii=False)
    return str(value)
