"""Calibrating or scoring environments, shared among processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from awm_lib import crew
from awm_lib.contracts.run import RunSettings
from awm_lib.evaluation.outcome import Outcome
from awm_lib.evaluation.store import Store

Work = Literal["calibrate", "rescore"]
Report = Callable[[Sequence[Outcome]], None]


def share(work: Work, homes: Sequence[Path], settings: RunSettings, store: Store, jobs: int, report: Report) -> None:
    """Calibrate or score all environments; ``report`` is told of each environment's outcomes.

    Raises AwmError for the first environment that cannot be used.
    """
    count = crew.members(jobs, len(homes))
    if count == 1:
        do = _worker(work)
        for home in homes:
            report(do(home, settings, store))
        return
    head = {"work": work, "settings": settings.plain(), "run": str(store.home)}
    crew.share(__name__, head, [str(home) for home in homes], count, lambda _, made: report([*map(_outcome, made)]))


def _worker(work: Work) -> Callable[[Path, RunSettings, Store], list[Outcome]]:
    if work == "calibrate":
        from awm_lib.evaluation.calibration import calibrate_environment

        return calibrate_environment
    from awm_lib.evaluation.rescoring import rescore_environment

    return rescore_environment


def _outcome(values: list[object]) -> Outcome:
    found = Outcome(*values)  # type: ignore[arg-type]
    return found._replace(tools=tuple(found.tools), skills=tuple(found.skills))


def _begin(head: dict[str, Any]) -> Callable[[str], list[Outcome]]:
    do = _worker(head["work"])
    settings, store = RunSettings.parse(head["settings"], "run.json"), Store(Path(head["run"]))
    return lambda home: do(Path(home), settings, store)


if __name__ == "__main__":
    crew.serve(_begin)
