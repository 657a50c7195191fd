"""Figures of the published Agent World Model data set, which the report puts beside those of a build.

Sizes are of the paper (arXiv 2602.10090), from public digests of it; faults are what users of that data set reported.
"""

from __future__ import annotations

from typing import NamedTuple

CITATION = (
    "Agent World Model, arXiv 2602.10090, 1,000 environments; sizes from public digests of the paper, faults as "
    "users of the data set report them"
)


class Size(NamedTuple):
    """Mean and median per environment, or per task."""

    mean: float
    median: float


ENVIRONMENTS = 1_000
TASKS = 10_000
TABLES = Size(18.5, 18)
ROWS = Size(129, 121)
TOOLS = Size(35.1, 35)
CODE_LINES = Size(1_985, 1_944)
STEPS = Size(8.5, 6)
"""Steps of an agent per task, where this project has the calls of a solution."""
DISTINCT_TOOLS = Size(7.1, 6)
NO_OP = "15-17 %"
"""Tasks that an agent passes by doing nothing."""
BLOCKED = "14 %"
"""Tasks that cannot be solved."""
BUGS = "74 %"
"""Environments with a bug, of those sampled."""

DIVERSITY = {"text_cosine_mean": "0.224 (100 seeds)", "text_vendi": "41 (100 seeds)"}
"""Of the texts of the reference's 100 hand-picked seed scenarios, by the same model."""
