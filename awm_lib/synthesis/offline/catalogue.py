"""The offline catalogue: scenario number n is a function of n, the packs, and the configured seed.

Growing the catalogue therefore changes no row that stands.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from awm_lib.contracts.scenario import Scenario
from awm_lib.splits import split_of
from awm_lib.synthesis.offline.load import load_pack, pack_names
from awm_lib.synthesis.offline.modules import ModuleChoices
from awm_lib.synthesis.offline.omission import ToolSets, leave_out
from awm_lib.synthesis.offline.outline import Outline, bits, outline_of
from awm_lib.synthesis.offline.pack import Always, Niche, Pack, Product
from awm_lib.synthesis.offline.places import places

EFFORT = 200
"""How many earlier scenarios are looked at to find modules whose tools are little enough like theirs: the more there
are, of which some are always alike, the fewer tries are made.
"""
STEEP = 3.0
"""How much more a scenario before counts for each further tool in common."""
PRESSURE = 8
"""How much a scenario avoids a choice of modules that others want: a power of the demand for it."""


@dataclass(slots=True)
class _Taken:
    """A pack, and what its scenarios have taken so far."""

    outline: Outline
    choices: ModuleChoices
    modules: set[int] = field(default_factory=set)
    tools: ToolSets = field(default_factory=ToolSets)

    def cost(self, modules: int) -> float:
        """How little a choice of modules suits: how like its tools are to those of the scenarios before, and how much
        other niches need it.
        """
        tools = self.choices.tools(modules)
        likeness = sum([STEEP ** (tools & other).bit_count() for other in self.tools.masks])
        return (likeness or 1) * self.choices.demand(modules) ** PRESSURE


def scenario_rows(packs: Sequence[Pack], count: int, seed: int, tasks: int = 10) -> list[Scenario]:
    """The first ``count`` scenarios: packs in turn, then niches in turn, then products in turn.

    Scenarios that a pack declares for a number always come, also beyond ``count``.
    """
    fixed = {always.number: (pack, always) for pack in packs for always in pack.head.always}
    taken = {pack.head.name: _taken(pack) for pack in packs}
    rows = {}
    for number, (pack, always) in sorted(fixed.items()):
        rows[number] = _fixed(pack, always, number, seed, tasks, taken[pack.head.name])
    for number in range(1, count + 1):
        if number not in fixed:
            pack = packs[(number - 1) % len(packs)]
            rows[number] = _row(pack, number, (number - 1) // len(packs), seed, tasks, taken[pack.head.name])
    return [row for _, row in sorted(rows.items())]


def _taken(pack: Pack) -> _Taken:
    outline = outline_of(pack)
    return _Taken(outline, ModuleChoices(outline, pack.niches))


def _row(pack: Pack, number: int, turn: int, seed: int, tasks: int, taken: _Taken) -> Scenario:
    niche = pack.niches[turn % len(pack.niches)]
    reserved = {always.title for always in pack.head.always}
    product = _product([one for one in niche.products if one.title not in reserved], turn // len(pack.niches))
    chance = random.Random(f"{seed}/{pack.head.name}/{number}")
    modules, tools = _new(niche, chance, tasks, taken)
    return _scenario(pack, niche, product, number, modules, tools, chance.randrange(2**31), tasks, taken)


def _fixed(pack: Pack, always: Always, number: int, seed: int, tasks: int, taken: _Taken) -> Scenario:
    niche = next(niche for niche in pack.niches if niche.name == always.niche)
    product = next(product for product in niche.products if product.title == always.title)
    modules = taken.outline.core | taken.outline.modules_named([*always.modules, *niche.modules])
    chance = random.Random(f"{seed}/{pack.head.name}/{number}")
    tools = taken.outline.tools_of(modules) & ~taken.outline.tools_named(always.left_out)
    return _scenario(pack, niche, product, number, modules, tools, chance.randrange(2**31), tasks, taken)


def _product(products: Sequence[Product], turn: int) -> Product:
    """A niche's products in turn; when all are taken, their branches in one city after the other."""
    product = products[turn % len(products)]
    branch = turn // len(products)
    if branch == 0:
        return product
    city = places()[(branch - 1) % len(places())]["city"]
    return Product(
        title=f"{product.title} {city}",
        description=f"The {city} branch of {product.title}, with people, prices and records of its own. "
        f"{product.description}",
    )


def _new(niche: Niche, chance: random.Random, tasks: int, taken: _Taken) -> tuple[int, int]:
    """Modules that no scenario of the pack has yet, as long as there are such, and tools of them that are little like
    those of any.
    """
    free = taken.choices.free(niche.name, taken.modules)
    chance.shuffle(free)
    best = (len(taken.tools.masks) + 1, 0, 0)
    for modules in sorted(free, key=taken.cost)[: max(1, EFFORT // (len(taken.tools.masks) + 1))]:
        tools = leave_out(taken.outline, modules, taken.tools, chance, tasks)
        count = taken.tools.alike(tools)
        if count < best[0]:
            best = (count, modules, tools)
        if count == 0:
            break
    return best[1:]


def _scenario(
    pack: Pack, niche: Niche, product: Product, number: int, modules: int, tools: int, seed: int, tasks: int,
    taken: _Taken,
) -> Scenario:  # fmt: skip
    outline = taken.outline
    taken.modules.add(modules)
    taken.tools.add(tools)
    name = f"{pack.head.name}_{number}"
    return Scenario(
        name=name,
        category=pack.head.name,
        title=product.title,
        description=product.description,
        split=split_of(name, pack.head.name),
        pack=pack.head.name,
        niche=niche.name,
        modules=[outline.modules[at] for at in bits(modules)],
        left_out=[outline.tools[at] for at in bits(outline.tools_of(modules) & ~tools)],
        tasks=tasks,
        seed=seed,
    )


def catalogue(packs: Sequence[str], count: int, seed: int, tasks: int) -> list[Scenario]:
    """The catalogue of the named packs (of all packs, if none are named). Raises UnknownName for a pack that does
    not exist.
    """
    return scenario_rows([load_pack(name) for name in ordered_packs(packs)], count, seed, tasks)


def ordered_packs(names: Sequence[str] = ()) -> list[str]:
    """The packs in the catalogue's order: as named, or all of them by name."""
    return list(names) or pack_names()
