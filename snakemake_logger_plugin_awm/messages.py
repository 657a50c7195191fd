"""Which of Snakemake's plain messages are routine, and how its errors read without their decoration."""

from __future__ import annotations

import re

# Said in every run, or told better by the bar, the plan and the summary. What is not listed is shown.
_ROUTINE = re.compile(
    r"""
    Building\ DAG\ of\ jobs | Using\ shell: | Provided\ (cores|resources|remote\ nodes):
    | Rules\ claiming\ more\ threads | Group\ jobs:\ inactive | Conda\ environments:\ ignored
    | Singularity\ containers:\ ignored
    | Select\ jobs\ to\ execute | Execute\ \d+\ jobs | Elapsed\ time: | Assuming\ unrestricted\ shared | host:
    | Processed\ \d+\ potential\ jobs | Job\ rate\ limit\ reached | Updating\ checkpoint\ dependencies
    | DAG\ of\ jobs\ will\ be\ updated | Removing\ temporary\ output | Waiting\ for\ (queue\ input|more\ resources)
    | Shutting\ down,\ this\ might | This\ was\ a\ dry-run | Reasons: | Some\ jobs\ were\ triggered\ by\ provenance
    | Rules\ with\ provenance\ triggered | The\ run\ involves\ checkpoint\ jobs
    | \d+\ jobs\ have\ (missing|outdated)\ provenance | Would\ remove\ temporary\ output
    | Removing\ output\ files\ of\ failed\ job
    """,
    re.VERBOSE,
)
# Ctrl-C: Snakemake's own words, a shell command that the signal ended, a stage that ended itself because of it, and
# what Python's threading makes of a second one.
_INTERRUPTED = re.compile(
    r"on user request|Will exit after finishing|died with <Signals\.SIGINT|non-zero exit status 130\b|KeyboardInterrupt"
)
_CLASS = re.compile(r"^\w*(?:Error|Exception)(?::\s*\n|:\s+)")


def is_routine(text: str) -> bool:
    """Whether the message says nothing that a person needs."""
    return not text.strip() or _ROUTINE.match(text.lstrip()) is not None


def was_interrupted(text: str) -> bool:
    """Whether the message says that a person stopped the run."""
    return _INTERRUPTED.search(text) is not None


def tidy(text: str) -> str:
    """An error without the name of Snakemake's exception class in front, where that says nothing."""
    return _CLASS.sub("", text.strip(), count=1)
