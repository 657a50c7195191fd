"""Every domain pack: big enough, varied, without doors around its business rules, and certified where it is sampled."""

from __future__ import annotations

import re
from functools import cache
from itertools import combinations

import pytest

from awm_lib import sqltext
from awm_lib.certify.certificate import certify_tasks
from awm_lib.certify.world import check_tools, schema_findings
from awm_lib.contracts.oracle import Oracle
from awm_lib.contracts.spec import LetStep, ReturnStep, RunStep, Tool
from awm_lib.errors import UnknownName
from awm_lib.runtime.environment import Environment
from awm_lib.statistics.shapes import program_shape
from awm_lib.synthesis.offline.catalogue import scenario_rows
from awm_lib.synthesis.offline.check import shortfalls
from awm_lib.synthesis.offline.load import load_pack, pack_names
from awm_lib.synthesis.offline.pack import Pack, TaskTemplate
from awm_lib.synthesis.offline.provider import Synthesized, empty_environment, synthesize
from awm_lib.synthesis.offline.world import sample_world

NAMES = pack_names()
PLACES = re.compile(r"\{[^{}]*\}")


def templates(pack: Pack) -> list[TaskTemplate]:
    """All task templates of a pack."""
    return [template for module in pack.modules for template in module.tasks]


def tools(pack: Pack) -> list[Tool]:
    """All business tools of a pack."""
    return [tool for module in pack.modules for tool in module.tools]


@cache
def sampled(name: str) -> tuple[Synthesized, Environment]:
    """The first scenario of a pack, as the catalogue samples it."""
    pack = load_pack(name)
    scenario = scenario_rows([pack], 1, 1)[0]
    made = synthesize(pack, scenario)
    world = empty_environment(scenario, sample_world(pack, scenario))
    oracle = Oracle(scenario=scenario.name, solutions=[binding.solution for binding in made.plan.bindings])
    return made, Environment(scenario, made.tasks, made.spec, world.image, oracle=oracle)


def test_there_are_at_least_eight_packs() -> None:
    assert {
        "e_commerce",
        "booking",
        "project_management",
        "banking",
        "customer_support",
        "healthcare",
        "logistics",
        "learning",
    } <= set(NAMES)


def test_an_unknown_pack_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'e_commerce'"):
        load_pack("ecommerce")


@pytest.mark.parametrize("name", NAMES)
def test_a_pack_is_big_and_varied_enough(name: str) -> None:
    assert shortfalls(load_pack(name)) == []


def test_no_two_products_of_the_catalogue_have_one_name() -> None:
    seen: dict[str, str] = {}
    for name in NAMES:
        for niche in load_pack(name).niches:
            for product in niche.products:
                assert product.title not in seen, f"{product.title} is in {seen[product.title]} and {name}"
                seen[product.title] = name


def test_no_two_packs_are_one_skeleton_in_other_words() -> None:
    shapes = {name: {program_shape(tool) for tool in tools(load_pack(name))} for name in NAMES}
    for one, two in combinations(NAMES, 2):
        common = len(shapes[one] & shapes[two]) / min(len(shapes[one]), len(shapes[two]))
        assert common <= 0.1, f"{one} and {two} share {common:.0%} of their programs with names erased"


@pytest.mark.parametrize("name", NAMES)
def test_templates_differ_in_structure_and_in_words(name: str) -> None:
    pack = load_pack(name)
    structures = {(t.kind, tuple(call.tool for call in t.calls), t.bind) for t in templates(pack)}
    assert len(structures) >= 20
    for template in templates(pack):
        bare = {" ".join(PLACES.sub("", wording).lower().split()) for wording in template.wordings}
        assert len(bare) == len(template.wordings), f"{template.name}: two wordings differ in their slots alone"


@pytest.mark.parametrize("name", NAMES)
def test_niches_have_words_of_their_own(name: str) -> None:
    niches = load_pack(name).niches
    for one in niches:
        for two in niches:
            if one.name < two.name:
                assert one.words != two.words
                assert not {p.title for p in one.products} & {p.title for p in two.products}, (
                    f"{one.name} and {two.name} share a title"
                )


@pytest.mark.parametrize("name", NAMES)
def test_business_tools_have_rules_that_refuse_in_several_ways(name: str) -> None:
    steps = [step for tool in tools(load_pack(name)) for step in tool.program]
    kinds = {step.error for step in steps if hasattr(step, "error")}
    assert {"not_found", "conflict"} <= kinds
    assert sum(hasattr(step, "check") for step in steps) >= 30


def written(tool: Tool) -> set[str]:
    """The tables that a tool's statements write to."""
    found = set()
    for step in tool.program:
        sql = step.run if isinstance(step, RunStep) else step.sql if isinstance(step, LetStep | ReturnStep) else ""
        words = sqltext.words(sql)
        for at, word in enumerate(words[:-1]):
            following = words[at + 1]
            if (word in ("into", "update") and following not in ("set", "or", "nothing")) or (
                word == "from" and at and words[at - 1] == "delete"
            ):
                found.add(following)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_no_plain_write_goes_around_a_business_rule(name: str) -> None:
    pack = load_pack(name)
    governed = set().union(*(written(tool) for tool in tools(pack) if tool.effect == "write"))
    doors = [
        f"{verb}_{crud.noun}"
        for module in pack.modules
        for crud in module.crud
        for verb in crud.verbs
        if verb in ("create", "update", "delete") and crud.table in governed
    ]
    assert doors == []


@pytest.mark.parametrize("name", NAMES)
def test_a_sampled_world_has_the_right_size(name: str) -> None:
    made, environment = sampled(name)
    assert 30 <= len(environment.tools) <= 40
    assert len(environment.schema) >= 14
    assert sum(len(rows) for rows in environment.initial.tables.values()) >= 130
    assert len(environment.spec.tools) / len(environment.tools) >= 0.4, "business tools"
    assert len(made.tasks.tasks) == 10
    assert all(environment.initial.tables[table] or "history" for table in environment.schema)
    instructions = [task.instruction for task in made.tasks.tasks]
    assert len(set(instructions)) == 10
    assert not [text for text in instructions if "{" in text or "None" in text.split()]


@pytest.mark.parametrize("name", NAMES)
def test_a_sampled_world_is_certified_and_all_its_mutants_are_killed(name: str) -> None:
    _, environment = sampled(name)
    assert schema_findings(environment) == []
    fuzzing = check_tools(environment, environment.name)
    assert (fuzzing.findings, fuzzing.internal) == ([], 0)
    certificates = certify_tasks(environment, {solution.task: solution for solution in environment.oracle.solutions})
    findings = [
        f"{certificate.task}, {check.check}: {finding}"
        for certificate in certificates
        for check in certificate.checks
        for finding in check.findings
    ]
    assert findings == []
    assert all(certificate.passed and not certificate.survivors for certificate in certificates)
