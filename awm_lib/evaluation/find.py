"""Finding a run by what a person types: its directory, or its name."""

from __future__ import annotations

from pathlib import Path

from awm_lib.evaluation.store import EVALS, Store


def find_run(given: str, results: Path) -> Store:
    """The run of a directory or a name. Raises UnknownName with the nearest."""
    path = Path(given)
    if (path / "run.json").is_file():
        return Store(path)
    if path.name == "summary.json" and (path.parent / "run.json").is_file():
        return Store(path.parent)
    return Store.existing(results / EVALS / path.name)
