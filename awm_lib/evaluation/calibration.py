"""Trials of agents that ask no model: a whole environment at a time, as fast as the processors go."""

from __future__ import annotations

import asyncio
from pathlib import Path

from awm_lib.agents.agent import Agent
from awm_lib.agents.noop import NoopAgent
from awm_lib.agents.oracle import OracleAgent
from awm_lib.agents.random import RandomAgent
from awm_lib.contracts.run import RunSettings
from awm_lib.contracts.trajectory import Trajectory
from awm_lib.evaluation.judging import judge_again
from awm_lib.evaluation.outcome import Outcome
from awm_lib.evaluation.plan import EnvironmentPlan, plan_environment
from awm_lib.evaluation.seals import load_sealed
from awm_lib.evaluation.store import Store, key_of
from awm_lib.evaluation.trial import TaskPlan, TrialKey, run_trial
from awm_lib.runtime.environment import Environment


def make_agent(settings: RunSettings, key: TrialKey) -> Agent:
    """The agent of one trial."""
    if settings.agent == "oracle":
        return OracleAgent()
    if settings.agent == "noop":
        return NoopAgent()
    return RandomAgent(f"{settings.seed}/{key}", settings.random_calls)


def calibrate_environment(home: Path, settings: RunSettings, store: Store) -> list[Outcome]:
    """Make and keep the trials of one environment that are not there yet; the outcomes of all that are asked for.

    Trials of an environment that has changed are made again; if only its verifier has, they are judged again.
    """
    plan = plan_environment(home, settings)
    wanted = plan.keys(settings.trials)
    kept = {key_of(item): item for item in store.read(home.name) if item.world == plan.digests.world}
    missing = [key for key in wanted if key not in kept]
    stale = [key for key, item in kept.items() if item.judged_by != plan.digests.judge]
    if missing or stale:
        environment = load_sealed(home)
        for key in stale:
            kept[key] = judge_again(kept[key], environment, plan.digests, settings.rewards)
        made = asyncio.run(_run(environment, plan, missing, settings))
        kept.update((key_of(item), item) for item in made)
        store.write_segment(home.name, [kept[key] for key in sorted(kept, key=lambda key: (key.task, key.number))])
    return [Outcome.of(kept[key]) for key in wanted]


async def _run(
    environment: Environment, plan: EnvironmentPlan, keys: list[TrialKey], settings: RunSettings
) -> list[Trajectory]:
    tasks = {item.task.id: item for item in plan.tasks}
    if settings.agent == "oracle":
        solutions = {solution.task: solution for solution in environment.oracle.solutions}
        tasks = {name: TaskPlan(item.task, item.facts, solutions.get(name)) for name, item in tasks.items()}
    return [
        await run_trial(environment, tasks[key.task], key.number, make_agent(settings, key), settings, plan.digests)
        for key in keys
    ]
