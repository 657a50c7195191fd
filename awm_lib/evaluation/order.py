"""The order of scenarios: that of the catalogue, which goes through the categories again and again."""

from __future__ import annotations

import re


def catalogue_order(name: str) -> tuple[int, str]:
    """By number, then by category: the first hundred are of all categories."""
    number = re.search(r"_(\d+)$", name)
    return (int(number.group(1)) if number else 0, name)
