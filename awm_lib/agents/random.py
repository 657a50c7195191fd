"""The agent that calls tools at random, with valid arguments. On a sound data set it completes next to no task."""

from __future__ import annotations

import json
import random
from typing import Any

from awm_lib.agents.agent import Ending, World
from awm_lib.contracts.tasks import AnswerForm

MAX_SEEN = 500


class RandomAgent:
    """Makes a number of calls, then answers with a value of the right type that it has seen."""

    def __init__(self, seed: str, calls: int) -> None:
        """The same seed makes the same choices."""
        self._chance = random.Random(seed)
        self._calls = calls

    async def act(self, world: World) -> Ending:
        """Call tools chosen at random."""
        names = [tool.name for tool in world.tools]
        seen: list[Any] = []
        for _ in range(self._calls if names else 0):
            name = self._chance.choice(names)
            result = await world.call(name, world.sample(name, self._chance))
            if len(seen) < MAX_SEEN:
                seen += _scalars(result.data)
        form = world.brief.answer
        if form is None:
            return Ending("answered", "Done.")
        return Ending("answered", f"<answer>{self._answer(form, seen)}</answer>")

    def _answer(self, form: AnswerForm, seen: list[Any]) -> str:
        numeric = form.type in ("integer", "decimal", "money")
        fitting = [value for value in seen if isinstance(value, int | float) is numeric and not isinstance(value, bool)]
        if not fitting:
            return ""
        if form.type == "list":
            return json.dumps([self._chance.choice(fitting) for _ in range(self._chance.randint(1, 3))])
        return str(self._chance.choice(fitting))


def _scalars(value: Any) -> list[Any]:
    """The values in a result, at any depth."""
    if isinstance(value, dict):
        return [found for item in value.values() for found in _scalars(item)]
    if isinstance(value, list):
        return [found for item in value for found in _scalars(item)]
    return [] if value is None else [value]
