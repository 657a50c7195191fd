"""What a scenario gets: tasks of every difficulty that begin differently, and tools that leave room between worlds."""

from __future__ import annotations

import random
import re

import pytest

from awm_lib.compile.crud import tool_name
from awm_lib.errors import ContractError
from awm_lib.oracles.difficulty import difficulty
from awm_lib.runtime.environment import Environment
from awm_lib.synthesis.offline.catalogue import catalogue
from awm_lib.synthesis.offline.load import load_pack
from awm_lib.synthesis.offline.outline import bits, outline_of, tools_called
from awm_lib.synthesis.offline.pack import FAMILIES, TaskTemplate
from awm_lib.synthesis.offline.provider import Synthesized, empty_environment, synthesize
from awm_lib.synthesis.offline.templates import fill, opening
from awm_lib.synthesis.offline.world import sample_world

ROWS = catalogue(["e_commerce", "banking", "booking"], 9, 5, 10)


@pytest.fixture(scope="module")
def made() -> dict[str, Synthesized]:
    """Nine scenarios of three packs."""
    return {row.name: synthesize(load_pack(str(row.pack)), row) for row in ROWS}


def whole(row_number: int = 0) -> Environment:
    """A scenario's environment before its tasks."""
    row = ROWS[row_number]
    return empty_environment(row, sample_world(load_pack(str(row.pack)), row))


def core_templates(environment: Environment) -> list[TaskTemplate]:
    """The templates of online shopping's core whose tools an environment has."""
    core = [template for module in load_pack("e_commerce").modules if module.core for template in module.tasks]
    return [template for template in core if tools_called(template) <= environment.tools.keys()]


def test_each_has_easy_middle_and_hard_tasks(made: dict[str, Synthesized]) -> None:
    for number, row in enumerate(ROWS):
        tools = whole(number).tools
        levels = {
            difficulty(binding.solution.calls, binding.solution.selections, tools).level
            for binding in made[row.name].plan.bindings
        }
        assert levels == {"easy", "middle", "hard"}, row.name


def test_solutions_take_five_calls_in_the_mean() -> None:
    """Over packs of all kinds, beside what the tools that are left allow."""
    rows = catalogue([], 64, 1, 10)[::2]
    plans = [synthesize(load_pack(str(row.pack)), row).plan for row in rows]
    calls = [len(binding.solution.calls) for plan in plans for binding in plan.bindings]
    assert sum(calls) / len(calls) >= 5


def test_no_two_tasks_of_one_begin_alike(made: dict[str, Synthesized]) -> None:
    for name, one in made.items():
        openings = [opening(task.instruction) for task in one.tasks.tasks]
        assert len(set(openings)) == len(openings), (name, openings)


def test_several_families_come_in_each(made: dict[str, Synthesized]) -> None:
    for name, one in made.items():
        found = {skill for task in one.tasks.tasks for skill in task.skills} & set(FAMILIES)
        assert len(found) >= 4, (name, found)


def test_a_world_has_the_tools_of_its_modules_but_those_left_out(made: dict[str, Synthesized]) -> None:
    for row in ROWS:
        spec = made[row.name].spec
        names = {tool.name for tool in spec.tools} | {tool_name(crud, v) for crud in spec.crud for v in crud.verbs}
        outline = outline_of(load_pack(str(row.pack)))
        brought = {outline.tools[at] for at in bits(outline.tools_of(outline.modules_named(row.modules)))}
        assert names == brought - set(row.left_out)
        assert set(row.left_out) < brought
        assert 33 <= len(names) <= 38


def test_what_is_left_out_is_neither_used_nor_named(made: dict[str, Synthesized]) -> None:
    for number, row in enumerate(ROWS):
        tools, gone = whole(number).tools, set(row.left_out)
        assert not gone & tools.keys()
        for binding in made[row.name].plan.bindings:
            assert {call.tool for call in binding.solution.calls} <= tools.keys()
        for tool in tools.values():
            texts = [tool.summary, tool.description, *(getattr(step, "message", "") for step in tool.contract.program)]
            assert not gone & set(re.findall(r"\w+", " ".join(texts))), tool.name


def test_a_tool_to_leave_out_must_be_there() -> None:
    row = ROWS[0].model_copy(update={"left_out": ["list_categorys"]})
    with pytest.raises(ContractError, match="no tool 'list_categorys' to leave out"):
        sample_world(load_pack("e_commerce"), row)


def test_a_template_whose_wordings_all_begin_alike_is_not_taken_twice() -> None:
    environment = whole()
    world = sample_world(load_pack("e_commerce"), ROWS[0])
    template = next(t for t in core_templates(environment) if t.bind)
    same = template.model_copy(update={"wordings": ["Please do " + wording for wording in template.wordings]})
    assert fill(same, environment, random.Random(2), world) is not None
    reasons: list[str] = []
    assert fill(same, environment, random.Random(2), world, taken=frozenset({"please do"}), reasons=reasons) is None
    assert reasons
    assert "begin as another" in reasons[0]


def test_a_wording_that_glues_a_slot_to_a_word_is_not_taken() -> None:
    environment = whole()
    world = sample_world(load_pack("e_commerce"), ROWS[0])
    template = next(
        template
        for template in core_templates(environment)
        if all("{product}" in wording for wording in template.wordings)
        and any("slot.product" in map(str, call.arguments.values()) for call in template.calls)
    )
    glued = [wording.replace("{product}", "{product}s") for wording in template.wordings]
    mixed = template.model_copy(update={"wordings": [*glued, template.wordings[0]]})
    found = [fill(mixed, environment, random.Random(seed), world) for seed in range(6)]
    assert {item.binding.wording for item in found if item is not None} == {len(glued)}
    only = template.model_copy(update={"wordings": glued})
    assert fill(only, environment, random.Random(1), world) is None


@pytest.mark.parametrize("wording", ["Take [one|two", "Take {n] now", "Take [{n}|two] now", "A | B", "[[a|b]|c] now"])
def test_brackets_that_are_no_alternatives_are_refused(wording: str) -> None:
    text = {
        "name": "take", "kind": "action", "skills": ["lookup"], "wordings": [wording] * 4,
        "calls": [{"id": "a", "tool": "take"}], "goal": "SELECT 1",
    }  # fmt: skip
    with pytest.raises(ValueError, match="brackets in a wording hold alternatives"):
        TaskTemplate.model_validate(text)


def test_one_alternative_of_each_is_said() -> None:
    environment = whole()
    world = sample_world(load_pack("e_commerce"), ROWS[0])
    template = next(t for t in core_templates(environment) if t.bind)
    wordings = [f"[Kindly|Now|] {wording}[, thanks|]" for wording in template.wordings]
    varied = template.model_copy(update={"wordings": wordings})
    found = [fill(varied, environment, random.Random(seed), world) for seed in range(8)]
    texts = {item.task.instruction for item in found if item is not None}
    assert len(texts) > 4
    assert not any(mark in text for text in texts for mark in "[|]")
