"""The catalogue: scenario number n is a function of n, the packs and the seed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from awm_lib.cli import main
from awm_lib.contracts.scenario import Scenario
from awm_lib.errors import UnknownName
from awm_lib.splits import split_of
from awm_lib.synthesis.offline.catalogue import catalogue
from awm_lib.synthesis.offline.load import load_pack
from awm_lib.synthesis.offline.modules import tool_count

PACKS = ["e_commerce", "banking", "booking"]


def rows(count: int = 60, seed: int = 1, tasks: int = 10) -> list[Scenario]:
    """A catalogue of three packs."""
    return catalogue(PACKS, count, seed, tasks)


def test_growing_changes_no_row_that_stands() -> None:
    small, large = ({row.name: row for row in rows(count)} for count in (20, 60))
    assert small.items() <= large.items()
    assert len(large) == 60


def test_another_seed_changes_every_row() -> None:
    one, two = rows(seed=1), rows(seed=2)
    assert [row.name for row in one] == [row.name for row in two]
    assert all(a.seed != b.seed for a, b in zip(one, two, strict=True))


def test_rows_go_through_packs_niches_and_titles_in_turn() -> None:
    found = rows(150)
    assert set(Counter(row.pack for row in found).values()) <= {49, 50, 51}, "number 33 is always the general store"
    for pack in PACKS:
        niches = Counter(row.niche for row in found if row.pack == pack)
        assert len(niches) == len(load_pack(pack).niches)
    assert len({row.name for row in found}) == len(found)


def test_the_large_general_store_is_always_there() -> None:
    for count in (1, 40):
        store = next(row for row in rows(count) if row.name == "e_commerce_33")
        assert store.pack == "e_commerce"
    assert {row.name for row in rows(1)} == {"e_commerce_1", "e_commerce_33"}
    assert next(row for row in rows(1) if row.name == "e_commerce_33") == next(
        row for row in rows(40) if row.name == "e_commerce_33"
    )


def test_modules_come_with_what_they_require_and_core_is_never_missing() -> None:
    for row in rows():
        pack = load_pack(str(row.pack))
        modules = {module.name: module for module in pack.modules}
        niche = next(niche for niche in pack.niches if niche.name == row.niche)
        assert [name for name in modules if name in row.modules] == row.modules, "in the pack's order"
        assert {name for name, module in modules.items() if module.core} <= set(row.modules)
        assert all(set(modules[name].requires) <= set(row.modules) for name in row.modules)
        assert not set(niche.without) & set(row.modules) or row.name == "e_commerce_33"
        assert set(niche.modules) <= set(row.modules)
        tools = sum(tool_count(modules[name]) for name in row.modules)
        assert 33 <= tools <= 52, (row.name, tools)
        assert sum(len(modules[name].tables) for name in row.modules) >= 14


def test_worlds_of_a_pack_differ_in_their_modules() -> None:
    found = rows(62)
    assert len({(row.pack, tuple(row.modules)) for row in found}) == len(found)


def test_a_product_is_taken_once_and_then_its_branches_are() -> None:
    found = rows(600)
    titles = [row.title for row in found]
    assert len(set(titles)) == len(titles)
    assert titles.count("Everly Market") == 1
    pack = load_pack("banking")
    written = {product.title for niche in pack.niches for product in niche.products}
    banks = [row for row in found if row.pack == "banking"]
    branches = [row for row in banks if row.title not in written]
    assert {row.title for row in banks} > written
    assert branches
    for row in branches:
        assert any(row.title.startswith(title) for title in written)
        assert "branch of" in row.description


def test_each_row_says_its_split() -> None:
    assert all(row.split == split_of(row.name, row.category) for row in rows())


def test_no_text_has_an_open_place() -> None:
    for row in rows():
        assert "{" not in row.title + row.description
        assert row.title in row.description or row.description


def test_an_unknown_pack_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'banking'"):
        catalogue(["bankng"], 3, 1, 10)


def test_the_written_catalogue_is_the_rows(tmp_path: Path) -> None:
    target = tmp_path / "results" / "scenarios.jsonl"
    assert main(["scenarios", str(target), "--count", "5", "--seed", "3", "--tasks", "4", "--packs", *PACKS]) == 0
    lines = target.read_text().splitlines()
    assert [Scenario.parse(json.loads(line), "line") for line in lines] == rows(5, 3, 4)
