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
from awm_lib.synthesis.offline.modules import ModuleSampler, core_modules, module_order
from awm_lib.synthesis.offline.pack import Always, Niche, Pack, Product
from awm_lib.synthesis.offline.places import places

TRIES = 24
"""Choices of modules among which a scenario takes the one that is least like those before it."""
MORE_TRIES = 400
"""Choices until one is new, where most have been taken."""
ALIKE = 0.6
"""The share of common tools (Jaccard) up to which a choice is taken at once."""


@dataclass(slots=True)
class _Taken:
    """What the scenarios of one pack have taken so far."""

    sampler: ModuleSampler
    modules: set[frozenset[str]] = field(default_factory=set)
    tools: list[int] = field(default_factory=list)
    """Their sets of tools, a bit for each tool of the pack."""
    exhausted: bool = False
    """Whether no new set was found at some time; then none is sought for long."""

    def add(self, modules: set[str]) -> None:
        """Take a set of modules."""
        self.modules.add(frozenset(modules))
        self.tools.append(self.sampler.tool_mask(modules))

    def likeness(self, tools: int) -> float:
        """The largest share of common tools (Jaccard) with a scenario before."""
        return max(((tools & other).bit_count() / (tools | other).bit_count() for other in self.tools), default=0.0)


def scenario_rows(packs: Sequence[Pack], count: int, seed: int, tasks: int = 10) -> list[Scenario]:
    """The first ``count`` scenarios: packs in turn, then niches in turn, then products in turn.

    Scenarios that a pack declares for a number always come, also beyond ``count``.
    """
    fixed = {always.number: (pack, always) for pack in packs for always in pack.head.always}
    taken = {pack.head.name: _Taken(ModuleSampler(pack)) for pack in packs}
    rows = {}
    for number, (pack, always) in sorted(fixed.items()):
        rows[number] = _fixed(pack, always, number, seed, tasks, taken[pack.head.name])
    for number in range(1, count + 1):
        if number not in fixed:
            pack = packs[(number - 1) % len(packs)]
            rows[number] = _row(pack, number, (number - 1) // len(packs), seed, tasks, taken[pack.head.name])
    return [row for _, row in sorted(rows.items())]


def _row(pack: Pack, number: int, turn: int, seed: int, tasks: int, taken: _Taken) -> Scenario:
    niche = pack.niches[turn % len(pack.niches)]
    reserved = {always.title for always in pack.head.always}
    product = _product([one for one in niche.products if one.title not in reserved], turn // len(pack.niches))
    chance = random.Random(f"{seed}/{pack.head.name}/{number}")
    modules = _new_modules(niche, chance, taken)
    return _scenario(pack, niche, product, number, modules, chance.randrange(2**31), tasks)


def _fixed(pack: Pack, always: Always, number: int, seed: int, tasks: int, taken: _Taken) -> Scenario:
    niche = next(niche for niche in pack.niches if niche.name == always.niche)
    product = next(product for product in niche.products if product.title == always.title)
    names = core_modules(pack) | set(always.modules) | set(niche.modules)
    taken.add(names)
    chance = random.Random(f"{seed}/{pack.head.name}/{number}")
    return _scenario(pack, niche, product, number, names, chance.randrange(2**31), tasks)


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


def _new_modules(niche: Niche, chance: random.Random, taken: _Taken) -> set[str]:
    """A choice of modules that no scenario of the pack has yet, whose tools are little like those of any."""
    best: tuple[bool, float, set[str]] | None = None
    for number in range(MORE_TRIES):
        if best is not None and number >= TRIES and (taken.exhausted or not best[0]):
            break
        modules = taken.sampler.sample(niche, chance, 0 if number < TRIES else chance.choice((-1, 0, 1)))
        found = (frozenset(modules) in taken.modules, taken.likeness(taken.sampler.tool_mask(modules)), modules)
        if best is None or found[:2] < best[:2]:
            best = found
        if not found[0] and found[1] <= ALIKE:
            break
    assert best is not None
    taken.exhausted |= best[0]
    taken.add(best[2])
    return best[2]


def _scenario(
    pack: Pack, niche: Niche, product: Product, number: int, modules: set[str], seed: int, tasks: int
) -> Scenario:
    name = f"{pack.head.name}_{number}"
    return Scenario(
        name=name,
        category=pack.head.name,
        title=product.title,
        description=product.description,
        split=split_of(name, pack.head.name),
        pack=pack.head.name,
        niche=niche.name,
        modules=module_order(pack, modules),
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
