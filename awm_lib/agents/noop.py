"""The agent that does nothing. On a sound data set it completes no task."""

from __future__ import annotations

from awm_lib.agents.agent import Ending, World


class NoopAgent:
    """Calls no tool, and claims success."""

    async def act(self, world: World) -> Ending:
        """End at once."""
        return Ending("answered", "Done.")
