"""The split of a data set into training, validation and test, stable under growth.

A category (for offline environments: a pack) is a test category or not by the hash of its name, so no environment of a
test category is ever trained on. Of the others, one scenario in ten is for validation, by the hash of its own name.
Nothing that is added later moves what is there.
"""

from __future__ import annotations

import hashlib
from typing import Literal, get_args

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)

TEST_SHARE = 1 / 6
"""The share of categories, in the long run, that are for testing."""
VALIDATION_SHARE = 1 / 10
"""The share of the other categories' scenarios that are for validation."""


def split_of(name: str, category: str) -> Split:
    """The split of a scenario. ``scenario.json`` and the catalogue hold it as ``split``."""
    if _share(f"category {category}") < TEST_SHARE:
        return "test"
    return "validation" if _share(f"scenario {name}") < VALIDATION_SHARE else "train"


def _share(text: str) -> float:
    """A number from 0 to 1 that looks random and is a function of the text."""
    return int.from_bytes(hashlib.sha256(f"the split of {text}".encode()).digest()[:8], "big") / 2**64
