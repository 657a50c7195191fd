"""What a scenario gets: tasks of every difficulty that begin differently, and tools that leave room between worlds."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from awm_lib.oracles.difficulty import difficulty
from awm_lib.runtime.environment import Environment
from awm_lib.synthesis.offline.catalogue import catalogue
from awm_lib.synthesis.offline.load import load_pack
from awm_lib.synthesis.offline.pack import FAMILIES, TaskTemplate
from awm_lib.synthesis.offline.provider import Synthesized, empty_environment, synthesize
from awm_lib.synthesis.offline.templates import fill, opening
from awm_lib.synthesis.offline.tools import leave_out
from awm_lib.synthesis.offline.world import sample_world

ROWS = catalogue(["e_commerce", "banking", "booking"], 9, 5, 10)


@pytest.fixture(scope="module")
def made() -> dict[str, Synthesized]:
    """Nine scenarios of three packs."""
    return {row.name: synthesize(load_pack(str(row.pack)), row) for row in ROWS}


def whole(row_number: int = 0) -> Environment:
    """A scenario's environment with all tools of its modules."""
    row = ROWS[row_number]
    return empty_environment(row, sample_world(load_pack(str(row.pack)), row))


def test_each_has_easy_middle_and_hard_tasks(made: dict[str, Synthesized]) -> None:
    for number, row in enumerate(ROWS):
        tools = whole(number).tools
        levels = {
            difficulty(binding.solution.calls, binding.solution.selections, tools).level
            for binding in made[row.name].plan.bindings
        }
        assert levels == {"easy", "middle", "hard"}, row.name


def test_no_two_tasks_of_one_begin_alike(made: dict[str, Synthesized]) -> None:
    for name, one in made.items():
        openings = [opening(task.instruction) for task in one.tasks.tasks]
        assert len(set(openings)) == len(openings), (name, openings)


def test_several_families_come_in_each(made: dict[str, Synthesized]) -> None:
    for name, one in made.items():
        found = {skill for task in one.tasks.tasks for skill in task.skills} & set(FAMILIES)
        assert len(found) >= 4, (name, found)


def test_worlds_of_one_pack_share_at_most_four_fifths_of_their_tools(made: dict[str, Synthesized]) -> None:
    for pack in ("e_commerce", "banking", "booking"):
        sets = [{tool.name for tool in made[row.name].spec.tools} for row in ROWS if row.pack == pack]
        for one, two in combinations(sets, 2):
            assert len(one & two) / len(one | two) <= 0.8


def test_what_is_left_out_is_neither_used_nor_named(made: dict[str, Synthesized]) -> None:
    gone_somewhere = 0
    for number, row in enumerate(ROWS):
        environment, one = whole(number), made[row.name]
        kept = Environment(row, one.tasks, one.spec, environment.image).tools
        gone = environment.tools.keys() - kept.keys()
        gone_somewhere += len(gone)
        assert 33 <= len(kept) <= 42
        for binding in one.plan.bindings:
            assert {call.tool for call in binding.solution.calls} <= kept.keys()
        for tool in kept.values():
            texts = [tool.summary, tool.description, *(getattr(step, "message", "") for step in tool.contract.program)]
            assert not {word for word in gone if any(word in text.split() for text in texts)}
    assert gone_somewhere > 9


def test_a_quarter_of_what_no_task_uses_stays() -> None:
    environment = whole()
    spec = leave_out(environment.spec, environment.tools, [], random.Random(1))
    kept = len(spec.tools) + sum(len(crud.verbs) for crud in spec.crud)
    assert kept >= len(environment.tools) // 4


def test_a_template_whose_wordings_all_begin_alike_is_not_taken_twice() -> None:
    environment = whole()
    world = sample_world(load_pack("e_commerce"), ROWS[0])
    template = next(t for m in load_pack("e_commerce").modules if m.core for t in m.tasks if t.bind)
    same = template.model_copy(update={"wordings": ["Please do " + wording for wording in template.wordings]})
    assert fill(same, environment, random.Random(2), world) is not None
    reasons: list[str] = []
    assert fill(same, environment, random.Random(2), world, taken=frozenset({"please do"}), reasons=reasons) is None
    assert reasons
    assert "begin as another" in reasons[0]


def test_a_wording_that_glues_a_slot_to_a_word_is_not_taken() -> None:
    environment = whole()
    world = sample_world(load_pack("e_commerce"), ROWS[0])
    core = [template for module in load_pack("e_commerce").modules if module.core for template in module.tasks]
    template = next(
        template
        for template in core
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
    template = next(t for m in load_pack("e_commerce").modules if m.core for t in m.tasks if t.bind)
    wordings = [f"[Kindly|Now|] {wording}[, thanks|]" for wording in template.wordings]
    varied = template.model_copy(update={"wordings": wordings})
    found = [fill(varied, environment, random.Random(seed), world) for seed in range(8)]
    texts = {item.task.instruction for item in found if item is not None}
    assert len(texts) > 4
    assert not any(mark in text for text in texts for mark in "[|]")
