"""The offline provider: a scenario's plan, tasks, schema, rows and tools, from its pack."""

from __future__ import annotations

import random
from dataclasses import dataclass

from awm_lib.compile.database import build_database
from awm_lib.contracts.plan import Plan
from awm_lib.contracts.scenario import Scenario
from awm_lib.contracts.seed import Seed
from awm_lib.contracts.spec import Spec
from awm_lib.contracts.tasks import Tasks
from awm_lib.errors import SynthesisError
from awm_lib.runtime.environment import Environment
from awm_lib.synthesis.offline.pack import Module, Pack, TaskTemplate
from awm_lib.synthesis.offline.templates import Filled, fill, opening
from awm_lib.synthesis.offline.world import World, generator, modules_of, sample_world

LONG = 9
"""Calls from which a task counts as long."""


@dataclass(frozen=True, slots=True)
class Synthesized:
    """What the provider makes of one scenario."""

    plan: Plan
    tasks: Tasks
    schema: str
    seed: Seed
    spec: Spec


def synthesize(pack: Pack, scenario: Scenario) -> Synthesized:
    """Make a scenario's files. Raises SynthesisError if too few tasks can be bound, with the reasons."""
    world = sample_world(pack, scenario)
    environment = empty_environment(scenario, world)
    modules = modules_of(pack, scenario)
    filled = _choose_tasks(usable_templates(modules), environment, generator(scenario, "tasks"), world, scenario.tasks)
    return Synthesized(
        plan=Plan(
            scenario=scenario.name,
            pack=pack.head.name,
            niche=str(scenario.niche),
            modules=scenario.modules,
            bindings=[item.binding for item in filled],
        ),
        tasks=Tasks(scenario=scenario.name, context=world.context, tasks=[item.task for item in filled]),
        schema=world.schema,
        seed=world.seed,
        spec=world.spec,
    )


def empty_environment(scenario: Scenario, world: World) -> Environment:
    """A world as an environment that has no tasks yet. Raises ContractError or SqlError if tables, rows and tools do
    not fit.
    """
    image = build_database(world.schema, world.seed)
    # The contract wants tasks, which are only chosen with the help of this environment.
    tasks = Tasks.model_construct(scenario=scenario.name, context=world.context, tasks=[])
    return Environment(scenario, tasks, world.spec, image)


def usable_templates(modules: list[Module]) -> list[TaskTemplate]:
    """The templates whose modules are all in the world."""
    names = {module.name for module in modules}
    return [template for module in modules for template in module.tasks if set(template.needs) <= names]


def _is_refused(template: TaskTemplate) -> bool:
    return any(call.refused for call in template.calls)


def _choose_tasks(
    templates: list[TaskTemplate], environment: Environment, chance: random.Random, world: World, wanted: int
) -> list[Filled]:
    """Choose tasks of different structure: some long, some with a refused call, questions and actions, then whatever
    comes.
    """
    order = list(templates)
    chance.shuffle(order)
    pools = [
        ([t for t in order if len(t.calls) >= LONG], 1 + wanted // 20),
        ([t for t in order if _is_refused(t)], max(1, round(wanted * 0.2))),
        ([t for t in order if t.kind != "action"], round(wanted * 0.3)),
        (order, wanted),
        (order, wanted),
    ]
    chosen: list[Filled] = []
    used: set[str] = set()
    reasons: dict[str, list[str]] = {}
    for number, (pool, quota) in enumerate(pools):
        again = number == len(pools) - 1
        for template in pool:
            have = sum(item.binding.template in {t.name for t in pool} for item in chosen)
            if len(chosen) >= wanted or have >= quota:
                break
            if template.name in used and not again:
                continue
            used.add(template.name)
            item = _fill_new(template, environment, chance, world, chosen, reasons.setdefault(template.name, []))
            if item is not None:
                chosen.append(item)
    if len(chosen) < wanted:
        listed = "\n".join(f"  {name}: {found[-1]}" for name, found in reasons.items() if found)
        raise SynthesisError(f"only {len(chosen)} of {wanted} tasks can be bound to the data:\n{listed}")
    chance.shuffle(chosen)
    return [_renamed(item, f"t{number:02d}") for number, item in enumerate(chosen, 1)]


def _fill_new(
    template: TaskTemplate,
    environment: Environment,
    chance: random.Random,
    world: World,
    chosen: list[Filled],
    reasons: list[str],
) -> Filled | None:
    taken = frozenset(opening(item.task.instruction) for item in chosen)
    item = fill(template, environment, chance, world, taken=taken, reasons=reasons)
    if item is None or any(item.task.instruction == other.task.instruction for other in chosen):
        return None
    same = [other for other in chosen if other.binding.template == template.name]
    if any(other.binding.slots == item.binding.slots for other in same):
        return None
    return item


def _renamed(item: Filled, name: str) -> Filled:
    solution = item.binding.solution.model_copy(update={"task": name})
    return Filled(
        item.task.model_copy(update={"id": name}),
        item.binding.model_copy(update={"task": name, "solution": solution}),
    )
