"""Bindings and tasks -> oracle.json: solutions executed, their values resolved."""

from __future__ import annotations

from awm_lib.contracts.oracle import Oracle, Solution
from awm_lib.contracts.plan import Plan
from awm_lib.contracts.tasks import Task
from awm_lib.oracles.proof import prove
from awm_lib.runtime.environment import Environment


def resolve_oracle(environment: Environment, plan: Plan) -> Oracle:
    """The solutions of an environment's tasks.

    A solution that no longer works (because a person edited the tasks, the tools or the rows) is kept as it was
    bound: the
    certificate says what is wrong with it. A task without a binding has no solution, which the certificate says too.
    """
    bound = {binding.task: binding.solution for binding in plan.bindings}
    return Oracle(
        scenario=environment.name,
        solutions=[_resolve(environment, task, bound[task.id]) for task in environment.tasks.tasks if task.id in bound],
    )


def _resolve(environment: Environment, task: Task, solution: Solution) -> Solution:
    return prove(environment, task, solution).solution or solution
