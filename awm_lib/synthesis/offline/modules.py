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


def core_modules(pack: Pack) -> set[str]:
    """The modules that every world has."""
    return {module.name for module in pack.modules if module.core}


def module_order(pack: Pack, names: Iterable[str]) -> list[str]:
    """Some modules in the pack's order, in which tables refer only to earlier ones."""
    chosen = set(names)
    return [module.name for module in pack.modules if module.name in chosen]


class ModuleSampler:
    """Samples modules of one pack, over and over."""

    def __init__(self, pack: Pack) -> None:
        self.core = core_modules(pack)
        self._names = [module.name for module in pack.modules]
        self._requires = {module.name: module.requires for module in pack.modules}
        self._tools = {module.name: tool_count(module) for module in pack.modules}
        self._tables = {module.name: len(module.tables) for module in pack.modules}
        self._masks: dict[str, int] = {}
        at = 0
        for name, count in self._tools.items():
            self._masks[name] = ((1 << count) - 1) << at
            at += count
        self._needed = {name: self._with_required(name) for name in self._names}

    def _with_required(self, name: str) -> frozenset[str]:
        return frozenset({name}).union(*(self._with_required(other) for other in self._requires[name]))

    def tool_mask(self, modules: Iterable[str]) -> int:
        """The tools that some modules bring, as a bit for each tool of the pack."""
        mask = 0
        for name in modules:
            mask |= self._masks[name]
        return mask

    def sample(self, niche: Niche, chance: random.Random, aim: tuple[int, int] = TOOLS) -> set[str]:
        """The core, the niche's own modules, and a random choice of the others, until there are enough tools (a number
        in ``aim``) and tables.
        """
        chosen = self.core.union(*(self._needed[name] for name in (*self.core, *niche.modules)))
        optional = [name for name in self._names if name not in chosen and name not in niche.without]
        chance.shuffle(optional)
        target = chance.randint(*aim)
        tools = sum(self._tools[name] for name in chosen)
        tables = sum(self._tables[name] for name in chosen)
        for name in optional:
            if tools >= target and tables >= TABLES:
                break
            more = self._needed[name] - chosen
            if not more.isdisjoint(niche.without):
                continue
            added = sum(self._tools[other] for other in more)
            if tools + added <= aim[1] + 2 or tables < TABLES:
                chosen |= more
                tools += added
                tables += sum(self._tables[other] for other in more)
        return chosen
