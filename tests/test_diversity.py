"""Measures of variety on cases whose numbers are known, shapes without names, and embeddings."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awm_lib import embeddings
from awm_lib.contracts.spec import Tool
from awm_lib.errors import AwmError
from awm_lib.statistics import diversity
from awm_lib.statistics.scatter import Point, scatter
from awm_lib.statistics.shapes import erased, program_shape

CHECK = {"check": "SELECT stock >= :n FROM products WHERE id = :p", "error": "conflict", "message": "only few left"}
TOOL: dict[str, Any] = {
    "name": "take_product",
    "summary": "Take a product",
    "effect": "write",
    "parameters": [{"name": "p", "type": "integer", "description": "Product"},
                   {"name": "n", "type": "integer", "description": "How many"}],
    "program": [CHECK, {"return": "rowcount", "sql": "UPDATE products SET stock = stock - :n WHERE id = :p"}],
}  # fmt: skip

PUBLISHED = [
    [-0.01325, -0.00819, -0.03669, 0.09079],
    [-0.11884, 0.0483, -0.00255, -0.01101],
    [0.00598, -0.03568, 0.00685, -0.01565],
]
"""The first numbers of what sentence-transformers 6.2 makes of three texts."""


def values(measures: list[diversity.Measure], name: str) -> dict[int, float]:
    """Subset -> value of one measure."""
    return {found.subset: found.value for found in measures if found.name == name}


def cosine_values(vectors: Any, name: str) -> dict[int, float]:
    """Subset -> value of one measure of vectors."""
    return values(diversity.cosine_measures("text", vectors, diversity.cosines_of(vectors)), name)


def test_vendi_counts_what_is_wholly_different() -> None:
    same, different = np.tile(np.eye(8)[0], (12, 1)), np.eye(12)
    assert cosine_values(same, "text_vendi") == {10: pytest.approx(1), 12: pytest.approx(1)}
    assert cosine_values(different, "text_vendi") == {10: pytest.approx(10), 12: pytest.approx(12)}
    assert cosine_values(different, "text_cosine_mean") == {10: pytest.approx(0), 12: pytest.approx(0)}
    assert cosine_values(same, "text_cosine_nearest")[12] == pytest.approx(1)


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 30), st.integers(0, 2**32 - 1))
def test_vendi_is_that_of_the_matrix_of_cosines(count: int, seed: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(count, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    eigenvalues = np.linalg.eigvalsh(vectors @ vectors.T / count)
    expected = math.exp(-sum(value * math.log(value) for value in eigenvalues if value > 1e-12))
    assert cosine_values(vectors, "text_vendi")[count] == pytest.approx(expected)


def test_overlaps_are_jaccard_indices() -> None:
    found = diversity.overlap_measures("tools", [["a", "b"], ["b", "c", "d"], ["x"]], shared=True)
    assert values(found, "tools_jaccard_mean") == {3: pytest.approx(1 / 4 / 3)}
    assert values(found, "tools_jaccard_max") == {3: 0.25}
    assert values(found, "tools_shared_max") == {3: 0.5}


def test_grams_count_repeated_runs_of_words() -> None:
    one = "please cancel the order that I placed yesterday"
    assert values(diversity.gram_measures([[one]]), "instruction_grams_distinct") == {1: 1.0}
    assert values(diversity.gram_measures([[one], [one]]), "instruction_grams_distinct") == {2: 0.5}


def test_the_order_and_the_subsets_stay_when_a_data_set_grows() -> None:
    few = diversity.shuffled(f"shop_{number}" for number in range(50))
    many = diversity.shuffled(f"shop_{number}" for number in range(90))
    assert [name for name in many if name in set(few)] == few
    assert diversity.subsets(0) == []
    assert diversity.subsets(10) == [10]
    assert diversity.subsets(2_500) == [10, 100, 1_000, 2_500]


def renamed(**changes: Any) -> Tool:
    """The tool in another trade's words."""
    text = {**copy.deepcopy(TOOL), **changes}
    return Tool.parse(text, "tool")


def test_another_trades_words_are_the_same_shape() -> None:
    other = renamed(
        name="draw_blood",
        program=[
            {**CHECK, "check": "select  level >= :amount\nfrom tanks where tank_id = :t", "message": "the tank is low"},
            {"return": "rowcount", "sql": "UPDATE tanks SET level = level - :amount WHERE tank_id = :t"},
        ],
    )
    assert program_shape(other) == program_shape(renamed())


@pytest.mark.parametrize(
    "program",
    [
        TOOL["program"][1:],
        [{**CHECK, "error": "not_found"}, TOOL["program"][1]],
        [{**CHECK, "check": "SELECT stock > :n FROM products WHERE id = :p"}, TOOL["program"][1]],
        [CHECK, {"return": "rowcount", "sql": "UPDATE products SET stock = 0 WHERE id = :p"}],
    ],
)
def test_another_rule_is_another_shape(program: list[dict[str, Any]]) -> None:
    assert program_shape(renamed(program=program)) != program_shape(renamed())


def test_erasing_leaves_sql_and_takes_names_and_values() -> None:
    sql = "SELECT count(*) AS n FROM \"Orders\" o WHERE o.status IN ('a', 'bb') AND total > 12.5 -- why\n"
    assert erased(sql) == "select count ( * ) as x from x x where x . x in ( 'x' , 'x' ) and total > 9"


def test_near_texts_have_near_vectors_and_the_second_time_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "_KEPT", tmp_path / "kept" / "embeddings.sqlite")
    texts = [
        "A shop for coffee beans",
        "A store that sells coffee",
        "Legal advice on patents",
        "A shop for coffee beans",
    ]
    vectors = embeddings.embed(texts)
    assert vectors.shape == (4, embeddings.SIZE)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert (vectors[0] == vectors[3]).all()
    assert vectors[0] @ vectors[1] > 0.5 > vectors[0] @ vectors[2]
    monkeypatch.setattr(embeddings, "_compute", lambda texts, jobs: pytest.fail(f"computed again: {texts}"))
    assert (embeddings.embed(texts[::-1]) == vectors[::-1]).all()


def test_the_nearest_is_another_environment() -> None:
    vectors = np.array([[1, 0], [0.8, 0.6], [0, 1]])
    found = diversity.nearest(["a", "b", "c"], diversity.cosines_of(vectors))
    assert found == [("a", "b", pytest.approx(0.8)), ("b", "a", pytest.approx(0.8)), ("c", "b", pytest.approx(0.6))]
    assert diversity.nearest(["a"], diversity.cosines_of(vectors[:1])) == []


def test_vectors_are_those_of_sentence_transformers() -> None:
    texts = ["A shop for coffee beans", "", "list orders, cancel order, " * 60]  # the last is cut
    vectors = embeddings._compute(texts, 1)
    assert vectors[:, :4].tolist() == [pytest.approx(row, abs=2e-5) for row in PUBLISHED]


def test_a_vector_depends_on_neither_other_texts_nor_threads() -> None:
    texts = [f"A shop for coffee beans, number {number % 7} {'in town ' * (number % 3)}" for number in range(40)]
    vectors = embeddings._compute(texts, 3)
    for at in (0, 5, 39):
        assert (embeddings._compute([texts[at]], 1)[0] == vectors[at]).all()


def test_without_the_packages_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "_KEPT", tmp_path / "embeddings.sqlite")
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(AwmError) as caught:
        embeddings.embed(["never seen before"])
    assert "make install-embeddings" in str(caught.value)


def test_a_cache_that_cannot_be_used_costs_time_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(embeddings, "_KEPT", tmp_path / "file" / "embeddings.sqlite")
    monkeypatch.setattr(embeddings, "_compute", lambda texts, jobs: np.ones((len(texts), embeddings.SIZE), np.float32))
    assert embeddings.embed(["one", "two"]).shape == (2, embeddings.SIZE)


def test_the_map_shows_every_point_and_no_markup_of_its_names() -> None:
    picture = scatter([Point("a_1", "<b>A & B</b>", "a", 0, 0), Point("b_2", 'say "hi"', "b", 1, 1)])
    assert picture.count("<circle") == 2
    assert "<b>" not in picture
    assert "&lt;b&gt;A &amp; B&lt;/b&gt;" in picture
    assert scatter([]) == ""


@pytest.mark.parametrize("count", [0, 1, 3, 4, 40])
def test_a_map_has_a_place_for_each(count: int) -> None:
    vectors = np.random.default_rng(7).normal(size=(count, 32)).astype(np.float32)
    places = diversity.map_of(vectors)
    assert places.shape == (count, 2)
    assert ((places >= 0) & (places <= 1)).all()
