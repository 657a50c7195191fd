"""Environments in memory, as long as trials need them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from awm_lib.evaluation.seals import load_sealed
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


def _load(home: Path) -> Environment:
    environment = load_sealed(home)
    environment.verifier(environment.tasks.tasks[0].id)  # makes all of them callable, here rather than in the loop
    return environment
