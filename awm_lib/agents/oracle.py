"""The agent that knows the solutions. On a sound data set it completes every task."""

from __future__ import annotations

from awm_lib.agents.agent import Ending, World
from awm_lib.agents.episode import EpisodeWorld
from awm_lib.errors import AwmError
from awm_lib.oracles.replay import answer_text, replay


class OracleAgent:
    """Makes the calls of oracle.json, each value taken from its source as an agent would find it."""

    async def act(self, world: World) -> Ending:
        """Replay the solution. Raises AwmError where there is none."""
        if not isinstance(world, EpisodeWorld) or world.solution is None:
            raise AwmError(
                "the oracle knows only the tasks of built environments",
                hint="choose another agent: --agent llm, random or noop",
            )
        run = replay(world.environment, world.task, world.solution, episode=world.episode)
        for problem in run.problems:
            world.notes.problem("environment", "oracle", problem)
        answer = answer_text(run.answer)
        return Ending("answered", "Done." if answer is None else f"<answer>{answer}</answer>")
