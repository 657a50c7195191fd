"""What sets the worlds of a pack apart: no two have the same modules, and none has nearly the tools of another."""

from __future__ import annotations

import random
from collections import defaultdict
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awm_lib.errors import UnknownName
from awm_lib.statistics.shapes import program_shape
from awm_lib.synthesis.offline.catalogue import catalogue
from awm_lib.synthesis.offline.load import load_pack, pack_names
from awm_lib.synthesis.offline.omission import KEPT, ToolSets, leave_out
from awm_lib.synthesis.offline.outline import Outline, bits, outline_of, union
from awm_lib.synthesis.offline.provider import empty_environment
from awm_lib.synthesis.offline.world import sample_world

ROWS = catalogue([], 1000, 1, 10)


def jaccard(one: set[str], two: set[str]) -> float:
    """The share of what two sets have that both have."""
    return len(one & two) / len(one | two)


@pytest.fixture(scope="module")
def tools() -> dict[str, dict[str, set[str]]]:
    """For each pack, the tools of its scenarios among the first thousand, by scenario."""
    found: dict[str, dict[str, set[str]]] = defaultdict(dict)
    outlines = {name: outline_of(load_pack(name)) for name in pack_names()}
    for row in ROWS:
        outline = outlines[row.category]
        brought = outline.tools_of(outline.modules_named(row.modules))
        found[row.category][row.name] = {outline.tools[at] for at in bits(brought)} - set(row.left_out)
    return found


def test_no_two_worlds_of_a_thousand_have_the_same_modules() -> None:
    assert len({(row.pack, tuple(row.modules)) for row in ROWS}) == len(ROWS)


def test_no_two_worlds_of_a_thousand_share_more_than_four_fifths_of_their_tools(
    tools: dict[str, dict[str, set[str]]],
) -> None:
    pairs = [
        (jaccard(one, two), len(one & two) / min(len(one), len(two)))
        for sets in tools.values()
        for one, two in combinations(sets.values(), 2)
    ]
    assert max(both for both, _ in pairs) <= 0.8
    # Of the smaller set's tools: no pair would be best, as far as the packs allow.
    assert sum(of_smaller > 0.8 for _, of_smaller in pairs) <= 0.01 * len(pairs)


def test_each_world_of_a_thousand_has_about_thirty_five_tools(tools: dict[str, dict[str, set[str]]]) -> None:
    assert {len(names) for sets in tools.values() for names in sets.values()} <= set(range(33, 39))


def test_built_worlds_have_those_tools_and_differ_with_names_erased(tools: dict[str, dict[str, set[str]]]) -> None:
    pack = load_pack("veterinary")
    shapes, schemas = [], set()
    for row in [row for row in ROWS if row.pack == "veterinary"]:
        environment = empty_environment(row, world := sample_world(pack, row))
        assert environment.tools.keys() == tools["veterinary"][row.name]
        shapes.append({program_shape(tool.contract) for tool in environment.tools.values()})
        schemas.add(world.schema)
    assert len(schemas) == len(shapes)
    assert max(jaccard(one, two) for one, two in combinations(shapes, 2)) <= 0.8


def test_growing_changes_nothing_that_is_left_out() -> None:
    left_out = {row.name: row.left_out for row in ROWS}
    assert all(row.left_out == left_out[row.name] for row in catalogue([], 70, 1, 10))


def test_a_name_that_no_tool_has_is_told() -> None:
    with pytest.raises(UnknownName, match="there is no tool 'cancel_ordr'"):
        outline_of(load_pack("e_commerce")).tools_named(["cancel_ordr"])


@st.composite
def outlines(draw: st.DrawFn) -> Outline:
    """Two modules with some 50 tools, of which later ones may name earlier ones, and templates that call a few."""
    count = draw(st.integers(KEPT, 60))
    core = draw(st.integers(1, count))
    names = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=50))
    units = [1 << at for at in range(count)]
    for named, by in sorted((min(pair), max(pair)) for pair in names)[::-1]:
        units[named] |= units[by]
    calls = draw(st.lists(st.sets(st.integers(0, count - 1), min_size=1, max_size=5), min_size=12, max_size=50))
    callers = [sum(1 << at for at, called in enumerate(calls) if tool in called) for tool in range(count)]
    hard = draw(st.integers(0, (1 << len(calls)) - 1))
    return Outline(
        modules=("core", "more"), core=1, closure=(1, 2), tools=tuple(f"tool_{at}" for at in range(count)),
        brought=((1 << core) - 1, (1 << count) - (1 << core)), units=tuple(units),
        callers=tuple(union(callers[at] for at in bits(unit)) for unit in units), needs=(1,) * len(calls),
        kinds={"all": (1 << len(calls)) - 1, "hard": hard},
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(outlines(), st.integers(0, 2**32), st.integers(1, 40))
def test_a_choice_keeps_what_names_and_templates_need(outline: Outline, seed: int, worlds: int) -> None:
    before = ToolSets()
    for number in range(worlds):
        kept = leave_out(outline, 3, before, random.Random(seed + number), 10)
        assert kept == leave_out(outline, 3, before, random.Random(seed + number), 10)
        assert kept.bit_count() >= KEPT
        gone = outline.tools_of(3) & ~kept
        assert all(not outline.units[at] & kept for at in bits(gone)), "a tool that stays names one that is gone"
        lost = union(outline.callers[at] for at in bits(gone))
        left = {kind: (templates & ~lost).bit_count() for kind, templates in outline.kinds.items()}
        assert left["all"] >= min(15, outline.kinds["all"].bit_count() * 2 / 3)
        assert left["hard"] >= min(2, outline.kinds["hard"].bit_count())
        before.add(kept)


def test_without_names_and_templates_in_the_way_different_tools_are_left_out() -> None:
    count = 40
    outline = Outline(
        modules=("core",), core=1, closure=(1,), tools=tuple(f"tool_{at}" for at in range(count)),
        brought=((1 << count) - 1,), units=tuple(1 << at for at in range(count)), callers=(0,) * count, needs=(),
        kinds={},
    )  # fmt: skip
    before = ToolSets()
    for number in range(8):
        kept = leave_out(outline, 1, before, random.Random(number), 10)
        assert kept.bit_count() == KEPT
        assert all((kept & other).bit_count() == count - 2 * (count - KEPT) for other in before.masks)
        before.add(kept)
