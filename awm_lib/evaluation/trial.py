"""One trial: an agent in a world of its own, judged and scored."""

from __future__ import annotations

from dataclasses import dataclass

from awm_lib.agents.agent import Agent, Ending, Unavailable
from awm_lib.agents.episode import EpisodeWorld
from awm_lib.contracts.oracle import Solution
from awm_lib.contracts.run import RunSettings
from awm_lib.contracts.tasks import Task
from awm_lib.contracts.trajectory import Final, TaskFacts, Trajectory, TrialVerdict
from awm_lib.errors import AwmError
from awm_lib.evaluation.cells import encode_changes
from awm_lib.evaluation.failure import failure
from awm_lib.evaluation.rewards import reward
from awm_lib.runtime.environment import Environment


@dataclass(frozen=True, slots=True)
class TrialKey:
    """Which trial of a run."""

    scenario: str
    task: str
    number: int

    def __str__(self) -> str:
        return f"{self.scenario}/{self.task}-{self.number}"


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """A task to try, with what summaries group by."""

    task: Task
    facts: TaskFacts
    solution: Solution | None = None
    """For the oracle alone."""


@dataclass(frozen=True, slots=True)
class Digests:
    """The files that a trial (world) and its verdict (judge) depend on."""

    world: str
    judge: str


async def run_trial(
    environment: Environment, plan: TaskPlan, number: int, agent: Agent, settings: RunSettings, digests: Digests
) -> Trajectory:
    """Let an agent do a task in a fresh episode, and judge it.

    An endpoint that does not answer is recorded, not raised; only a mistake in the settings raises AwmError.
    """
    solution = plan.solution if settings.agent == "oracle" else None
    world = EpisodeWorld(environment, plan.task, solution, timed=settings.asks_model)
    notes = world.notes
    try:
        try:
            ending = await agent.act(world)
        except Unavailable as error:
            notes.problem("infrastructure", error.kind, error.message)
            ending = Ending("error")
        verdict = _judge(world, ending)
        final = Final(now=world.episode.now, changes=encode_changes(world.episode.final_changes()))
    finally:
        world.close()
    return Trajectory.model_construct(
        scenario=environment.name,
        task=plan.task.id,
        trial=number,
        agent=settings.agent,
        model=settings.model,
        instruction=plan.task.instruction,
        facts=plan.facts,
        world=digests.world,
        judged_by=digests.judge,
        messages=notes.messages,
        turns=notes.turns,
        calls=notes.calls,
        stop=ending.stop,
        reply=ending.reply,
        problems=notes.problems,
        final=final,
        verdict=verdict,
        failure=failure(ending.stop, notes.problems, notes.calls, verdict),
        rewards=reward(verdict, notes.problems, settings.rewards),
    )


def _judge(world: EpisodeWorld, ending: Ending) -> TrialVerdict | None:
    try:
        verify = world.environment.verifier(world.task.id)
        found = verify(world.environment.initial, world.episode.final(), ending.reply)
    except AwmError as error:
        world.notes.problem("environment", "unjudged", error.message)
        return None
    return TrialVerdict(result=found.result, partial=found.partial, evidence=found.evidence)
