"""What a process keeps of what it computed."""

from __future__ import annotations

import pytest

from awm_lib.contracts.seed import Seed
from awm_lib.memo import Memo, digest


def test_a_result_is_made_once_and_the_oldest_goes() -> None:
    memo: Memo[int] = Memo(2)
    made = []

    def get(key: str) -> int:
        return memo.get(key, lambda: made.append(key) or len(made))  # type: ignore[func-returns-value]

    assert [get(key) for key in ("a", "b", "a", "c", "a")] == [1, 2, 1, 3, 4]
    assert made == ["a", "b", "c", "a"]


def test_an_error_is_not_kept() -> None:
    memo: Memo[int] = Memo(2)
    with pytest.raises(ZeroDivisionError):
        memo.get("a", lambda: 1 // 0)
    assert memo.get("a", lambda: 7) == 7


def test_parts_are_told_apart() -> None:
    seed = Seed(scenario="a_1", tables=[])
    keys = [digest("ab", "c"), digest("a", "bc"), digest("abc"), digest(b"abc", ""), digest("abc", seed)]
    assert len(set(keys)) == len(keys)
    assert digest("a", seed) == digest(b"a", Seed(scenario="a_1", tables=[]))
