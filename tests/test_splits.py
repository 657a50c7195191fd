"""The split: stable, by category and by scenario."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from awm_lib.splits import SPLITS, TEST_SHARE, VALIDATION_SHARE, split_of

NAMES = st.from_regex(r"[a-z][a-z_]{2,12}", fullmatch=True)


@given(NAMES, st.integers(1, 10_000), st.integers(1, 10_000))
def test_a_test_category_is_for_testing_alone(category: str, one: int, two: int) -> None:
    first, second = (split_of(f"{category}_{number}", category) for number in (one, two))
    assert first in SPLITS
    assert (first == "test") == (second == "test")


def test_the_shares_are_those_that_are_meant() -> None:
    categories = [f"trade_{number}" for number in range(3_000)]
    test = sum(split_of(f"{name}_1", name) == "test" for name in categories)
    assert abs(test / len(categories) - TEST_SHARE) < 0.03
    trained = next(name for name in categories if split_of(f"{name}_1", name) != "test")
    found = Counter(split_of(f"{trained}_{number}", trained) for number in range(3_000))
    assert abs(found["validation"] / 3_000 - VALIDATION_SHARE) < 0.03


def test_what_is_published_stays() -> None:
    """A change here would move environments between training and test."""
    assert [split_of(f"{name}_33", name) for name in ("e_commerce", "healthcare", "banking", "fitness")] == [
        "train", "test", "train", "test",
    ]  # fmt: skip
    assert split_of("e_commerce_4", "e_commerce") == "train"
    assert [n for n in range(1, 40) if split_of(f"banking_{n}", "banking") == "validation"] == VALIDATION_BANKS


VALIDATION_BANKS = [6, 24, 34, 39]
