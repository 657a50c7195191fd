"""The offline provider: a scenario's plan, tasks, schema, rows and tools, from its pack."""

from __future__ import annotations

from dataclasses import dataclass

from awm_lib.compile.database import build_database
from awm_lib.contracts.plan import Plan
from awm_lib.contracts.scenario import Scenario
from awm_lib.contracts.seed import Seed
from awm_lib.contracts.spec import Spec
from awm_lib.contracts.tasks import Tasks
from awm_lib.runtime.environment import Environment
from awm_lib.synthesis.offline.pack import Module, Pack, TaskTemplate
from awm_lib.synthesis.offline.selection import choose_tasks
from awm_lib.synthesis.offline.world import World, generator, modules_of, sample_world


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
    filled = choose_tasks(usable_templates(modules), environment, generator(scenario, "tasks"), world, scenario.tasks)
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
