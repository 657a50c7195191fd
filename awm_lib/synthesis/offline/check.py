"""Checking a pack: sample worlds, every template filled several times, every task certified."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from awm_lib.certify.certificate import certify_tasks
from awm_lib.certify.tasks import certify_task
from awm_lib.certify.world import check_tools, schema_findings
from awm_lib.contracts.certificate import TaskCertificate
from awm_lib.contracts.oracle import Oracle
from awm_lib.contracts.scenario import Scenario
from awm_lib.contracts.tasks import Tasks
from awm_lib.errors import AwmError
from awm_lib.runtime.environment import Environment
from awm_lib.synthesis.offline.catalogue import scenario_rows
from awm_lib.synthesis.offline.modules import tool_count
from awm_lib.synthesis.offline.pack import FAMILIES, Pack, TaskTemplate
from awm_lib.synthesis.offline.provider import empty_environment, synthesize, usable_templates
from awm_lib.synthesis.offline.templates import Filled, fill, slots_of_sources
from awm_lib.synthesis.offline.world import modules_of, sample_world


@dataclass(slots=True)
class TemplateReport:
    """What became of one template."""

    template: TaskTemplate
    tried: int = 0
    filled: int = 0
    calls: int = 0
    problems: list[str] = field(default_factory=list)
    unbound: list[str] = field(default_factory=list)
    """Worlds whose data gave no working candidate; harmless while most worlds do."""
    made: int = 0
    killed: int = 0
    equivalent: int = 0


@dataclass(slots=True)
class PackReport:
    """What became of a pack."""

    templates: dict[str, TemplateReport] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    worlds: list[str] = field(default_factory=list)
    """A line for each scenario sampled as the catalogue would."""


LEAST = {
    "niches": 16, "modules": 8, "tables": 20, "tools": 46, "business tools": 40, "templates": 24,
    "templates with 9 calls or more": 2, "templates with a selection": 2, "templates with a refused call": 4,
    "templates with a condition": 1, "questions": 5,
}  # fmt: skip
"""How much a pack has at least."""
LEAST_WORDINGS = 5


def shortfalls(pack: Pack) -> list[str]:
    """What a pack lacks, in one line each; empty if it is large and varied enough."""
    templates = [template for module in pack.modules for template in module.tasks]
    has = {
        "niches": len(pack.niches),
        "modules": len(pack.modules),
        "tables": sum(len(module.tables) for module in pack.modules),
        "tools": sum(tool_count(module) for module in pack.modules),
        "business tools": sum(len(module.tools) for module in pack.modules),
        "templates": len(templates),
        "templates with 9 calls or more": sum(len(template.calls) >= 9 for template in templates),
        "templates with a selection": sum(bool(template.select) for template in templates),
        "templates with a refused call": sum(any(call.refused for call in t.calls) for t in templates),
        "templates with a condition": sum(any(call.when for call in t.calls) for t in templates),
        "questions": sum(template.kind != "action" for template in templates),
    }
    found = [f"{what}: {has[what]}, at least {least} are needed" for what, least in LEAST.items() if has[what] < least]
    missing = [family for family in FAMILIES if not any(family in template.skills for template in templates)]
    if missing:
        found.append(f"no template has the skill {', '.join(missing)}")
    for template in templates:
        if len(template.wordings) < LEAST_WORDINGS:
            found.append(f"template {template.name}: {len(template.wordings)} wordings, {LEAST_WORDINGS} are needed")
        for wording in template.wordings:
            hidden = sorted(slots_of_sources(template) - set(re.findall(r"\{([a-z][a-z0-9_]*)", wording)))
            if hidden:
                found.append(f"template {template.name}: sources use {', '.join(hidden)}, which is not in: {wording!r}")
            glued = re.search(r"\w\{|\}\w", wording)
            if glued:
                found.append(
                    f"template {template.name}: a slot is glued to a word, which no agent can tell: {wording!r}"
                )
    described: dict[str, str] = {}
    for niche in pack.niches:
        for product in niche.products:
            other = described.setdefault(product.description.replace(product.title, ""), product.title)
            if other != product.title:
                found.append(f"niche {niche.name}: {product.title} and {other} have one description")
    return found


def check_pack(pack: Pack, samples: int = 3, only: str | None = None) -> PackReport:
    """Check a pack in worlds with all modules (every template) and in worlds as the catalogue samples them."""
    report = PackReport(problems=[] if only else shortfalls(pack))
    for module in pack.modules:
        for template in module.tasks:
            if only is None or template.name == only:
                report.templates[template.name] = TemplateReport(template)
    for number, scenario in enumerate(_full_worlds(pack, samples)):
        _check_full(pack, scenario, report, number)
    if only is None:
        for scenario in scenario_rows([pack], max(samples, len(pack.niches)), 7):
            _check_sampled(pack, scenario, report)
    return report


def _full_worlds(pack: Pack, samples: int) -> Iterator[Scenario]:
    names = [module.name for module in pack.modules]
    for number in range(samples):
        niche = pack.niches[number % len(pack.niches)]
        yield Scenario(
            name=f"{pack.head.name}_{number + 1}", category=pack.head.name, title=niche.products[0].title,
            description=niche.products[0].description, pack=pack.head.name, niche=niche.name, modules=names,
            seed=number,
        )  # fmt: skip


def _check_full(pack: Pack, scenario: Scenario, report: PackReport, number: int) -> None:
    where = f"niche {scenario.niche}, seed {scenario.seed}"
    try:
        world = sample_world(pack, scenario)
        environment = empty_environment(scenario, world)
    except AwmError as error:
        report.problems.append(f"{where}: {error}")
        return
    report.problems += [f"{where}: {finding}" for finding in schema_findings(environment)]
    report.problems += [f"{where}: {finding}" for finding in check_tools(environment, str(number)).findings]
    for template in usable_templates(modules_of(pack, scenario)):
        found = report.templates.get(template.name)
        if found is None:
            continue
        chance = random.Random(f"{number}/{template.name}")
        reasons: list[str] = []
        found.tried += 1
        try:
            item = fill(template, environment, chance, world, reasons=reasons)
        except AwmError as error:
            found.problems.append(f"{where}: {error}")
            continue
        if item is None:
            found.unbound.append(f"{where}: no candidate works: {'; '.join(dict.fromkeys(reasons[-3:]))}")
            continue
        found.filled += 1
        found.calls += len(item.binding.solution.calls)
        _record(found, _certify_one(environment, item), item, where)


def _certify_one(environment: Environment, item: Filled) -> TaskCertificate:
    tasks = Tasks(scenario=environment.name, context=environment.context, tasks=[item.task])
    oracle = Oracle(scenario=environment.name, solutions=[item.binding.solution])
    single = Environment(environment.scenario, tasks, environment.spec, environment.image, oracle=oracle)
    return certify_task(single, item.task, item.binding.solution, environment.name)


def _record(found: TemplateReport, certificate: TaskCertificate, item: Filled, where: str) -> None:
    for runs in certificate.mutants:
        found.made += runs.made
        found.killed += runs.passed
        found.equivalent += runs.equivalent
    for check in certificate.checks:
        if check.status == "failed":
            found.problems += [f"{where}: {check.check}: {finding}" for finding in check.findings]
    if certificate.survivors or not certificate.passed:
        found.problems.append(f"{where}: instruction: {item.task.instruction}")


def _check_sampled(pack: Pack, scenario: Scenario, report: PackReport) -> None:
    try:
        made = synthesize(pack, scenario)
        environment = empty_environment(scenario, sample_world(pack, scenario))
        oracle = Oracle(scenario=scenario.name, solutions=[binding.solution for binding in made.plan.bindings])
        whole = Environment(scenario, made.tasks, made.spec, environment.image, oracle=oracle)
        certificates = certify_tasks(whole, {solution.task: solution for solution in oracle.solutions})
    except AwmError as error:
        report.problems.append(f"scenario {scenario.name} (niche {scenario.niche}): {error}")
        return
    failed = [f"{c.task} ({b.template})" for c, b in zip(certificates, made.plan.bindings, strict=True) if not c.passed]
    report.problems += [
        f"scenario {scenario.name} (niche {scenario.niche}): {name} is not certified" for name in failed
    ]
    tools = len(whole.tools)
    calls = [len(solution.calls) for solution in oracle.solutions]
    distinct = [len({call.tool for call in solution.calls}) for solution in oracle.solutions]
    refused = sum(any(call.refused for call in solution.calls) for solution in oracle.solutions)
    rows = sum(len(table) for table in whole.initial.tables.values())
    report.worlds.append(
        f"{scenario.name} ({scenario.niche}): {tools} tools, {len(whole.spec.tools)} business, "
        f"{len(whole.schema)} tables, {rows} rows; calls {sorted(calls)}, "
        f"distinct {sum(distinct) / len(distinct):.1f}, refused {refused}"
    )
