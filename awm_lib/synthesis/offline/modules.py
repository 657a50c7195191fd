"""The modules of a world: the pack's core, and a sample of the others."""

from __future__ import annotations

import random
from collections.abc import Iterable

from awm_lib.synthesis.offline.pack import Module, Niche, Pack

TOOLS = (40, 45)
"""How many tools the modules of a world aim at; the provider leaves a few of them out."""
MANY_TOOLS = (36, 50)
"""The same, where most combinations have been taken."""
TABLES = 17
"""How many tables a world has at least, where the pack allows."""


def tool_count(module: Module) -> int:
    """How many tools a module brings."""
    return len(module.tools) + sum(len(crud.verbs) for crud in module.crud)


def tool_mask(pack: Pack, modules: Iterable[str]) -> int:
    """The tools that some modules bring, as a bit for each tool of the pack."""
    chosen = set(modules)
    mask = at = 0
    for module in pack.modules:
        count = tool_count(module)
        if module.name in chosen:
            mask |= ((1 << count) - 1) << at
        at += count
    return mask


def core_modules(pack: Pack) -> set[str]:
    """The modules that every world has."""
    return {module.name for module in pack.modules if module.core}


def module_order(pack: Pack, names: Iterable[str]) -> list[str]:
    """Some modules in the pack's order, in which tables refer only to earlier ones."""
    chosen = set(names)
    return [module.name for module in pack.modules if module.name in chosen]


def sample_modules(pack: Pack, niche: Niche, chance: random.Random, aim: tuple[int, int] = TOOLS) -> set[str]:
    """The core modules, the niche's own, and a random choice of the others, until there are enough tools and tables."""
    by_name = {module.name: module for module in pack.modules}
    chosen = core_modules(pack) | set(niche.modules)
    for name in list(chosen):
        chosen |= _with_required(name, by_name)
    optional = [m.name for m in pack.modules if m.name not in chosen and m.name not in niche.without]
    chance.shuffle(optional)
    target = chance.randint(*aim)
    for name in optional:
        more = _with_required(name, by_name) - chosen
        if more & set(niche.without):
            continue
        tools = sum(tool_count(by_name[n]) for n in chosen)
        tables = sum(len(by_name[n].tables) for n in chosen)
        if tools >= target and tables >= TABLES:
            break
        added = sum(tool_count(by_name[n]) for n in more)
        if tools + added <= aim[1] + 2 or tables < TABLES:
            chosen |= more
    return chosen


def _with_required(name: str, by_name: dict[str, Module]) -> set[str]:
    found = {name}
    for required in by_name[name].requires:
        found |= _with_required(required, by_name)
    return found
