"""Scenarios that could not be built: what was found, kept where no rule deletes it."""

from __future__ import annotations

from pathlib import Path

from awm_lib.contracts.base import Contract
from awm_lib.contracts.names import ScenarioName

DIRECTORY = ".failures"


class Failure(Contract):
    """One scenario's failure at one stage."""

    scenario: ScenarioName
    stage: str
    message: str
    recipe: str
    """What the stage's result depends on; a failure of another recipe is out of date."""


def record(results: Path, failure: Failure) -> None:
    """Keep a failure."""
    failure.write(results / DIRECTORY / f"{failure.scenario}.json")


def clear(results: Path, scenario: str) -> None:
    """Forget a scenario's failure, since its stage has now succeeded."""
    (results / DIRECTORY / f"{scenario}.json").unlink(missing_ok=True)


def read_failures(results: Path) -> list[Failure]:
    """All kept failures, by scenario."""
    return [Failure.read(path) for path in sorted((results / DIRECTORY).glob("*.json"))]
