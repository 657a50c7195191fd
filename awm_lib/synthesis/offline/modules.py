"""The modules of a world: the pack's core, and a sample of the others."""

from __future__ import annotations

import random
from collections.abc import Iterable
from math import comb

from awm_lib.synthesis.offline.pack import Module, Niche, Pack

TOOLS = (37, 46)
"""How many tools the modules of a world bring about; the provider leaves a few of them out."""
LEAST_TOOLS = 36
"""How many they bring at least, where the pack allows."""


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
        self._masks: dict[str, int] = {}
        at = 0
        for name, count in self._tools.items():
            self._masks[name] = ((1 << count) - 1) << at
            at += count
        self._needed = {name: self._with_required(name) for name in self._names}
        self._size = self._best_size()

    def _with_required(self, name: str) -> frozenset[str]:
        return frozenset({name}).union(*(self._with_required(other) for other in self._requires[name]))

    def tool_mask(self, modules: Iterable[str]) -> int:
        """The tools that some modules bring, as a bit for each tool of the pack."""
        mask = 0
        for name in modules:
            mask |= self._masks[name]
        return mask

    def _best_size(self) -> int:
        """How many of the optional modules a world has: the number of which there are most choices, among those that
        give enough tools. Sets of one size are less alike than those of two sizes, of which one may hold the other.
        """
        optional = [name for name in self._names if name not in self.core]
        mean = sum(self._tools[name] for name in optional) / (len(optional) or 1)
        core = sum(self._tools[name] for name in self.core)
        sizes = [size for size in range(len(optional) + 1) if TOOLS[0] <= core + size * mean <= TOOLS[1]]
        return max(sizes, key=lambda size: (comb(len(optional), size), size), default=len(optional))

    def sample(self, niche: Niche, chance: random.Random, more: int = 0) -> set[str]:
        """The core, the niche's own modules, and a random choice of the others, as many as a world of the pack has, or
        ``more``.
        """
        chosen = self.core.union(*(self._needed[name] for name in (*self.core, *niche.modules)))
        others = [name for name in self._names if name not in chosen and name not in niche.without]
        chance.shuffle(others)
        for name in others:
            tools = sum(self._tools[other] for other in chosen)
            if len(chosen) >= len(self.core) + self._size + more and tools >= LEAST_TOOLS:
                break
            if self._needed[name].isdisjoint(niche.without):
                chosen |= self._needed[name]
        return chosen
