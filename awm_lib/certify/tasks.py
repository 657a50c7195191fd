"""The checks of one task."""

from __future__ import annotations

import ast
import random

from awm_lib.certify.findings import outcome
from awm_lib.certify.mutants import check_mutants
from awm_lib.certify.variants import check_variants
from awm_lib.contracts.certificate import Check, CheckName, TaskCertificate
from awm_lib.contracts.oracle import Argument, Solution
from awm_lib.contracts.spec import Parameter
from awm_lib.contracts.tasks import Task
from awm_lib.errors import AwmError, ExpressionError
from awm_lib.expressions import parse
from awm_lib.oracles.difficulty import difficulty
from awm_lib.oracles.proof import answer_problems, goal_problems, resolve, selection_problems
from awm_lib.oracles.replay import Replay, answer_text, replay
from awm_lib.oracles.sources import Scope, calls_used, contains_span, evaluate
from awm_lib.runtime.environment import Environment
from awm_lib.runtime.tools import PAGING

CLAIMS = (None, "", "Done.", "The task has been completed successfully.", "<answer>done</answer>", "<answer></answer>")
"""What an agent that did nothing might say."""

_NUMBER_WORDS = (
    ["zero", "no", "none"], ["one", "a", "an", "single", "once"], ["two", "twice", "both", "a pair", "a couple"],
    ["three"], ["four"],
    ["five"], ["six", "half a dozen"], ["seven"], ["eight"], ["nine"], ["ten"], ["eleven"], ["twelve", "a dozen"],
)  # fmt: skip


def certify_task(environment: Environment, task: Task, solution: Solution | None, seed: str) -> TaskCertificate:
    """Execute every check of one task."""
    if solution is None:
        return _unsolved(task)
    chance = random.Random(f"{seed}/{task.id}")
    oracle = replay(environment, task, solution)
    findings = _oracle_findings(environment, task, solution, oracle)
    checks = [outcome("oracle", findings), outcome("no_op", _no_op_findings(environment, task))]
    measured = difficulty(solution.calls, solution.selections, environment.tools)
    if findings:
        blocked = ["the solution does not work, so nothing can be shown"]
        names: tuple[CheckName, ...] = ("accepts", "mutants", "grounded", "unique", "load_bearing")
        checks += [outcome(name, [], not_shown=blocked) for name in names]
        return TaskCertificate(task=task.id, passed=False, difficulty=measured, checks=checks, variants=[], mutants=[])
    variants, refused = check_variants(environment, task, solution, oracle, chance)
    mutants = check_mutants(environment, task, solution, oracle, chance)
    checks.append(outcome("accepts", refused))
    checks.append(outcome("mutants", [f"survived: {name}" for name in mutants.survivors]))
    checks.append(_grounded(environment, task, solution, oracle))
    checks.append(_unique(environment, solution))
    checks.append(_load_bearing(solution, mutants.spare))
    oracle.episode.close()
    return TaskCertificate(
        task=task.id,
        passed=all(check.status != "failed" or check.check == "mutants" for check in checks),
        difficulty=measured,
        checks=checks,
        variants=variants,
        mutants=mutants.runs,
        survivors=mutants.survivors,
    )


def _unsolved(task: Task) -> TaskCertificate:
    finding = (
        f"{task.id} has no solution in oracle.json: add its calls and goal there, or remove the task from tasks.json"
    )
    nothing = difficulty([], [], {})
    return TaskCertificate(
        task=task.id, passed=False, difficulty=nothing, checks=[outcome("oracle", [finding])], variants=[], mutants=[]
    )


def _oracle_findings(environment: Environment, task: Task, solution: Solution, oracle: Replay) -> list[str]:
    if oracle.problems:
        return list(oracle.problems)
    final = oracle.episode.state()
    findings = goal_problems(environment, solution, final)
    try:
        findings += answer_problems(environment, task, solution, oracle, final)
        verdict = oracle.episode.verify(answer_text(oracle.answer), task=task.id)
    except AwmError as error:
        return [*findings, error.message]
    if not verdict.complete:
        evidence = {key: value for key, value in verdict.evidence.items() if value and key != "expected"}
        findings.append(f"the verifier does not accept the solution: {str(evidence)[:500]}")
    again = replay(environment, task, solution)
    if again.episode.state().tables != final.tables or again.answer != oracle.answer:
        findings.append("two runs of the solution end in different states")
    again.episode.close()
    if resolve(solution, oracle) != solution:
        findings.append("values in oracle.json are not those that its sources give now: build oracle.json again")
    return findings


def _no_op_findings(environment: Environment, task: Task) -> list[str]:
    episode = environment.start(task.id)
    found = [
        f"an agent that does nothing and says {claim!r} passes" for claim in CLAIMS if episode.verify(claim).complete
    ]
    episode.close()
    return found


def _grounded(environment: Environment, task: Task, solution: Solution, oracle: Replay) -> Check:
    scope = Scope(task.instruction, environment.context, strict=True)
    findings: list[str] = []
    undeclared: list[str] = []
    for step in oracle.steps:
        parameters = {parameter.name: parameter for parameter in environment.tools[step.call.tool].parameters}
        for argument in step.call.arguments:
            place = f"call {step.call.id} ({step.call.tool}), {argument.name}"
            if argument.source is None:
                undeclared.append(f"{place}: no source is declared")
                continue
            problem = _argument_problem(argument, parameters.get(argument.name), scope, step.arguments[argument.name])
            if problem:
                findings.append(f"{place}: {problem}")
        scope.add_result(step.call.id, step.result.plain())
    if solution.answer is not None:
        if solution.answer.source is None:
            undeclared.append("answer: no source is declared")
        else:
            try:
                value = evaluate(solution.answer.source, scope)
                if value != oracle.answer:
                    findings.append(f"answer: its source gives {value!r}, not {oracle.answer!r}")
                if not calls_used(solution.answer.source, {call.id for call in solution.calls}):
                    findings.append("answer: it follows from the instruction alone")
            except ExpressionError as error:
                findings.append(f"answer: {error.message}")
    return outcome("grounded", findings, not_shown=undeclared)


def _argument_problem(argument: Argument, parameter: Parameter | None, scope: Scope, used: object) -> str | None:
    assert argument.source is not None
    try:
        value = evaluate(argument.source, scope, parameter)
    except ExpressionError as error:
        return error.message
    if value != used:
        return f"its source gives {value!r}, not {used!r}"
    if not _is_literal(argument.source) or parameter is None:
        return None
    if parameter.enum or parameter.type == "boolean" or parameter.name in {p.name for p in PAGING}:
        return None
    # The schema tells an agent the default and the bounds, such as the widest range of a filter.
    if value in (parameter.default, parameter.minimum, parameter.maximum) or any(
        contains_span(scope.instruction, form) for form in _spoken(value)
    ):
        return None
    return f"the constant {value!r} is nowhere in the instruction"


def _spoken(value: object) -> list[str]:
    """The ways in which an instruction may say a constant."""
    forms = [str(value).replace("_", " "), str(value)]
    if type(value) is int and 0 <= value < len(_NUMBER_WORDS):
        forms += _NUMBER_WORDS[value]
    return forms


def _is_literal(source: str) -> bool:
    return all(
        isinstance(node, ast.Constant | ast.List | ast.Load | ast.UnaryOp | ast.USub)
        for node in ast.walk(parse(source).tree)
    )


def _unique(environment: Environment, solution: Solution) -> Check:
    findings = [
        problem for item in solution.selections for problem in selection_problems(environment, item.sql, item.name)
    ]
    return outcome("unique", findings)


def _load_bearing(solution: Solution, spare: frozenset[str]) -> Check:
    """Each call must be used by a later one or the answer, or be missed where it is left out (``spare`` are those that
    are not).
    """
    findings: list[str] = []
    undeclared: list[str] = []
    names = {call.id for call in solution.calls}
    used: set[str] = set()
    for call in solution.calls:
        for source in (*(argument.source for argument in call.arguments), call.when):
            if source:
                used |= calls_used(source, names)
    if solution.answer is not None and solution.answer.source:
        used |= calls_used(solution.answer.source, names)
    for call in solution.calls:
        if call.id not in used and call.id in spare:
            declared = all(argument.source for other in solution.calls for argument in other.arguments)
            (findings if declared else undeclared).append(f"call {call.id} ({call.tool}) can be left out")
    return outcome("load_bearing", findings, not_shown=undeclared)
