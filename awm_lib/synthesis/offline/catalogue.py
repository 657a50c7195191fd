"""The offline catalogue: scenario number n is a function of n, the packs, and the configured seed.

Growing the catalogue therefore changes no row that stands.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from awm_lib.contracts.scenario import Scenario
from awm_lib.synthesis.offline.load import load_pack, pack_names
from awm_lib.synthesis.offline.pack import Always, Module, Niche, Pack, Product

TOOLS = (33, 38)
"""How many tools a sampled world aims at."""
TABLES = 17
"""How many tables it has at least, where the pack allows."""


def scenario_rows(packs: Sequence[Pack], count: int, seed: int, tasks: int = 10) -> list[Scenario]:
    """The first ``count`` scenarios: packs in turn, then niches in turn, then titles in turn.

    Scenarios that a pack declares for a number always come, also beyond ``count``.
    """
    fixed = {always.number: (pack, always) for pack in packs for always in pack.head.always}
    rows = []
    for number in [*range(1, count + 1), *sorted(number for number in fixed if number > count)]:
        if number in fixed:
            pack, always = fixed[number]
            rows.append(_fixed(pack, always, number, seed, tasks))
        else:
            rows.append(_row(packs, number, seed, tasks))
    return rows


def _row(packs: Sequence[Pack], number: int, seed: int, tasks: int) -> Scenario:
    pack = packs[(number - 1) % len(packs)]
    turn = (number - 1) // len(packs)
    niche = pack.niches[turn % len(pack.niches)]
    product = niche.products[(turn // len(pack.niches)) % len(niche.products)]
    chance = random.Random(f"{seed}/{pack.head.name}/{number}")
    return _scenario(pack, niche, product, number, choose_modules(pack, niche, chance), chance.randrange(2**31), tasks)


def _fixed(pack: Pack, always: Always, number: int, seed: int, tasks: int) -> Scenario:
    niche = next(niche for niche in pack.niches if niche.name == always.niche)
    names = {module.name for module in pack.modules if module.core} | set(always.modules) | set(niche.modules)
    modules = [module.name for module in pack.modules if module.name in names]
    chance = random.Random(f"{seed}/{pack.head.name}/{number}")
    product = next(product for product in niche.products if product.title == always.title)
    return _scenario(pack, niche, product, number, modules, chance.randrange(2**31), tasks)


def _scenario(
    pack: Pack, niche: Niche, product: Product, number: int, modules: list[str], seed: int, tasks: int
) -> Scenario:
    return Scenario(
        name=f"{pack.head.name}_{number}",
        category=pack.head.name,
        title=product.title,
        description=product.description,
        pack=pack.head.name,
        niche=niche.name,
        modules=modules,
        tasks=tasks,
        seed=seed,
    )


def tool_count(module: Module) -> int:
    """How many tools a module brings."""
    return len(module.tools) + sum(len(crud.verbs) for crud in module.crud)


def choose_modules(pack: Pack, niche: Niche, chance: random.Random) -> list[str]:
    """The core modules and a random choice of the others, until the world has enough tools and tables."""
    by_name = {module.name: module for module in pack.modules}
    chosen = {module.name for module in pack.modules if module.core} | set(niche.modules)
    for name in list(chosen):
        chosen |= _with_required(name, by_name)
    optional = [m.name for m in pack.modules if m.name not in chosen and m.name not in niche.without]
    chance.shuffle(optional)
    target = chance.randint(*TOOLS)
    for name in optional:
        more = _with_required(name, by_name) - chosen
        if more & set(niche.without):
            continue
        tools = sum(tool_count(by_name[n]) for n in chosen)
        tables = sum(len(by_name[n].tables) for n in chosen)
        added = sum(tool_count(by_name[n]) for n in more)
        if tools >= target and tables >= TABLES:
            break
        if tools + added <= TOOLS[1] + 2 or tables < TABLES:
            chosen |= more
    return [module.name for module in pack.modules if module.name in chosen]


def _with_required(name: str, by_name: dict[str, Module]) -> set[str]:
    found = {name}
    for required in by_name[name].requires:
        found |= _with_required(required, by_name)
    return found


def catalogue(packs: Sequence[str], count: int, seed: int, tasks: int) -> list[Scenario]:
    """The catalogue of the named packs (of all packs, if none are named). Raises UnknownName for a pack that does
    not exist.
    """
    return scenario_rows([load_pack(name) for name in ordered_packs(packs)], count, seed, tasks)


def ordered_packs(names: Sequence[str] = ()) -> list[str]:
    """The packs in the catalogue's order: as named, or all of them by name."""
    return list(names) or pack_names()
