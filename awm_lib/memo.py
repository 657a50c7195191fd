"""Results of pure functions, kept for the next stage that the same process runs on the same environment.

A key holds everything that the result depends on, so a hit gives what the function would give.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Memo(Generic[T]):
    """The newest results of one function."""

    def __init__(self, most: int) -> None:
        """``most`` results are kept; then the oldest goes."""
        self.most = most
        self._found: dict[Hashable, T] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result for a key, made if it is not there. What ``make`` raises is not kept."""
        try:
            return self._found[key]
        except KeyError:
            result = self._found[key] = make()
        while len(self._found) > self.most:
            self._found.pop(next(iter(self._found)), None)
        return result


def digest(*parts: Any) -> str:
    """A key for texts, bytes and contracts that are too long to be kept as keys."""
    found = hashlib.blake2b(digest_size=20)
    for part in parts:
        data = part if isinstance(part, bytes) else (part if isinstance(part, str) else part.model_dump_json()).encode()
        found.update(len(data).to_bytes(8, "big") + data)
    return found.hexdigest()
