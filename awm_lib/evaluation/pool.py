"""Environments in memory, as long as trials need them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from awm_lib.runtime.environment import Environment


class Pool:
    """Loads each environment once, in a thread, and lets it go when its last trial is over."""

    def __init__(self, homes: Iterable[Path]) -> None:
        """``homes`` has the directory of each trial's environment, once for every trial."""
        self._left = Counter(homes)
        self._loading: dict[Path, asyncio.Task[Environment]] = {}

    async def get(self, home: Path) -> Environment:
        """The environment of a trial. Raises AwmError if it cannot be used."""
        if home not in self._loading:
            self._loading[home] = asyncio.create_task(asyncio.to_thread(_load, home))
        return await asyncio.shield(self._loading[home])

    def done(self, home: Path) -> None:
        """A trial is over."""
        self._left[home] -= 1
        if self._left[home] <= 0:
            self._loading.pop(home, None)


def load_environment(home: Path) -> Environment:
    """An environment to run agents in. Raises AwmError if it cannot be used."""
    environment = Environment.load(home)
    environment.takes_seals = True
    return environment


def _load(home: Path) -> Environment:
    environment = load_environment(home)
    environment.verifier(environment.tasks.tasks[0].id)  # compiles all of them, here rather than in the loop
    return environment
