"""Which tasks an environment gets: of every difficulty, long ones, refused calls, questions, and many skills."""

from __future__ import annotations

import random
from collections.abc import Sequence

from awm_lib.errors import SynthesisError
from awm_lib.oracles.difficulty import difficulty
from awm_lib.runtime.environment import Environment
from awm_lib.synthesis.offline.outline import LONG, tools_called
from awm_lib.synthesis.offline.pack import FAMILIES, TaskTemplate
from awm_lib.synthesis.offline.templates import Filled, fill, opening
from awm_lib.synthesis.offline.world import World

ENOUGH = 4
"""Calls from which a task is taken for more than its kind; shorter ones come for that, or where there are no others."""


def choose_tasks(
    templates: Sequence[TaskTemplate], environment: Environment, chance: random.Random, world: World, wanted: int
) -> list[Filled]:
    """Choose ``wanted`` templates of different structure and bind them to the data, no two of which begin alike. Only
    templates whose tools the environment has are chosen.

    Raises SynthesisError if too few can be bound, with the reasons.
    """
    order = list(templates)
    chance.shuffle(order)
    order = [template for template in order if tools_called(template) <= environment.tools.keys()]
    chosen: list[Filled] = []
    used: set[str] = set()
    reasons: dict[str, list[str]] = {}
    for pool, quota in _pools(order, environment, wanted):
        names = {template.name for template in pool}
        for template in pool:
            if len(chosen) >= wanted or sum(item.binding.template in names for item in chosen) >= quota:
                break
            if template.name not in used:
                used.add(template.name)
                _add(template, environment, chance, world, chosen, reasons)
    # Few templates: some are used again, with other data.
    for template in [*order, *order]:
        if len(chosen) >= wanted:
            break
        _add(template, environment, chance, world, chosen, reasons)
    if len(chosen) < wanted:
        listed = "\n".join(f"  {name}: {found[-1]}" for name, found in reasons.items() if found)
        raise SynthesisError(f"only {len(chosen)} of {wanted} tasks can be bound to the data:\n{listed}")
    chance.shuffle(chosen)
    return [_renamed(item, f"t{number:02d}") for number, item in enumerate(chosen, 1)]


def _pools(
    order: Sequence[TaskTemplate], environment: Environment, wanted: int
) -> list[tuple[list[TaskTemplate], int]]:
    """Templates of one kind, and how many of that kind an environment has at least, the rarest kinds first."""
    levels = {t.name: difficulty(t.calls, t.select, environment.tools).level for t in order}
    # A few templates of each family come before the others.
    families = [next((t for t in order if family in t.skills), None) for family in FAMILIES]
    few = list({t.name: t for t in families if t is not None}.values())
    return [
        ([t for t in order if len(t.calls) >= LONG], 1 + wanted // 20),
        ([t for t in order if any(call.refused for call in t.calls)], max(1, round(wanted * 0.2))),
        *(([t for t in order if levels[t.name] == level], max(1, wanted // 5)) for level in ("easy", "hard", "middle")),
        ([t for t in order if t.kind != "action"], round(wanted * 0.3)),
        (few, round(wanted * 0.4)),
        ([t for t in order if len(t.calls) >= ENOUGH], wanted),
        (list(order), wanted),
    ]


def _add(
    template: TaskTemplate,
    environment: Environment,
    chance: random.Random,
    world: World,
    chosen: list[Filled],
    reasons: dict[str, list[str]],
) -> None:
    taken = frozenset(opening(item.task.instruction) for item in chosen)
    item = fill(template, environment, chance, world, taken=taken, reasons=reasons.setdefault(template.name, []))
    same = [other for other in chosen if other.binding.template == template.name]
    if item is not None and not any(other.binding.slots == item.binding.slots for other in same):
        chosen.append(item)


def _renamed(item: Filled, name: str) -> Filled:
    solution = item.binding.solution.model_copy(update={"task": name})
    return Filled(
        item.task.model_copy(update={"id": name}),
        item.binding.model_copy(update={"task": name, "solution": solution}),
    )
