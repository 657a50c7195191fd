"""The modules of a world: the pack's core, the niche's own, and a choice of the others."""

from __future__ import annotations

import random
from collections.abc import Iterable, Set
from itertools import combinations, islice
from math import comb

from awm_lib.synthesis.offline.outline import Outline, union
from awm_lib.synthesis.offline.pack import Module, Niche

TOOLS = (37, 46)
"""How many tools the modules of a world bring about; a few of them are left out."""
LEAST_TOOLS = 36
"""How many they bring at least, where the pack allows."""
MOST_CHOICES = 256
"""How many choices of one size are looked at; a pack with seven or eight optional modules has fewer."""


def tool_count(module: Module) -> int:
    """How many tools a module brings."""
    return len(module.tools) + sum(len(crud.verbs) for crud in module.crud)


class ModuleChoices:
    """The choices of modules that each niche of a pack has."""

    def __init__(self, outline: Outline, niches: Iterable[Niche]) -> None:
        self._outline = outline
        self._always = {niche.name: outline.core | outline.modules_named(niche.modules) for niche in niches}
        self._never = {
            niche.name: union(1 << outline.modules.index(name) for name in niche.without) for niche in niches
        }
        self._size = self._best_size()
        self._kept: dict[tuple[str, int], tuple[int, ...]] = {}
        self._tools: dict[int, int] = {}
        self._demand: dict[int, float] = {}

    def _best_size(self) -> int:
        """How many modules a world has: the number of which there are most choices, among those that give enough
        tools. Sets of one size are less alike than those of two sizes, of which one may hold the other.
        """
        outline = self._outline
        core, every = outline.core.bit_count(), len(outline.modules)
        of_core = outline.tools_of(outline.core).bit_count()
        optional = every - core
        mean = (len(outline.tools) - of_core) / (optional or 1)
        sizes = [size for size in range(optional + 1) if TOOLS[0] <= of_core + size * mean <= TOOLS[1]]
        return core + max(sizes, key=lambda size: (comb(optional, size), size), default=optional)

    def free(self, niche: str, taken: Set[int]) -> list[int]:
        """The choices of a niche that are not taken, of the size that suits the pack, or else of the next larger, or
        else of a smaller; all but the smaller, if all are taken.
        """
        sizes = sorted(
            range(len(self._outline.modules) + 1), key=lambda size: (size < self._size, abs(size - self._size))
        )
        for size in sizes:
            found = [modules for modules in self._of_size(niche, size) if modules not in taken]
            if found:
                return found
        # A smaller one has few tools to leave out: another world of the same modules would be nearly the same.
        again = [modules for size in sizes if size >= self._size for modules in self._of_size(niche, size)]
        return again or [self._always[niche]]

    def tools(self, modules: int) -> int:
        """The tools that modules bring."""
        if modules not in self._tools:
            self._tools[modules] = self._outline.tools_of(modules)
        return self._tools[modules]

    def demand(self, modules: int) -> float:
        """How many scenarios want a choice: the sum, over the niches that have it, of its share of their choices."""
        if modules not in self._demand:
            self._demand[modules] = sum(
                1 / len(self._of_size(niche, self._size) or (modules,))
                for niche, always in self._always.items()
                if not always & ~modules and not self._never[niche] & modules
            )
        return self._demand[modules]

    def _of_size(self, niche: str, size: int) -> tuple[int, ...]:
        key = (niche, size)
        if key not in self._kept:
            self._kept[key] = tuple(self._choices(niche, size))
        return self._kept[key]

    def _choices(self, niche: str, size: int) -> list[int]:
        outline, always, never = self._outline, self._always[niche], self._never[niche]
        others = [at for at in range(len(outline.modules)) if not (always | never) >> at & 1]
        # Without an order of its own the first of many choices would always be those with the first modules.
        random.Random(niche).shuffle(others)
        more = size - always.bit_count()
        if not 0 <= more <= len(others):
            return []
        found = {
            always | union(outline.closure[at] for at in chosen)
            for chosen in islice(combinations(others, more), MOST_CHOICES)
        }
        return [
            modules
            for modules in sorted(found)
            if modules.bit_count() == size and not modules & never and self.tools(modules).bit_count() >= LEAST_TOOLS
        ]
