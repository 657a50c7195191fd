"""The places that addresses are in."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def places() -> list[dict[str, str]]:
    """Cities with region, postcode, country and telephone area; they fit each other."""
    with (Path(__file__).parent / "vocabulary" / "places.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
