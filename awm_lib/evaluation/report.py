"""summary.json and eval.duckdb, made from a run's stored trials."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from awm_lib.contracts.run import RunSettings
from awm_lib.contracts.summary import Summary
from awm_lib.evaluation.judgements import report_of, stored_judgements
from awm_lib.evaluation.outcome import Outcome
from awm_lib.evaluation.store import Store
from awm_lib.evaluation.summary import summarize


def write_report(
    store: Store, settings: RunSettings, planned: int, wanted: Collection[tuple[str, str, int]] | None = None
) -> Summary:
    """Write both files, and return the summary.

    ``wanted`` are the trials that the settings ask for (scenario, task, number); others that an earlier choice left
    there are kept and not counted. Without it all are counted. Trials are read one at a time. Raises AwmError if a
    record cannot be read, or a file not be written.
    """
    from awm_lib.evaluation.database import Tables

    store.home.mkdir(parents=True, exist_ok=True)
    tables = Tables(store.home / "eval.duckdb")
    outcomes: list[Outcome] = []
    for trial in store.read_all():
        outcome = Outcome.of(trial)
        if wanted is None or (outcome.scenario, outcome.task, outcome.trial) in wanted:
            outcomes.append(outcome)
            tables.add(trial, outcome)
    judgements = stored_judgements(store)
    summary = summarize(settings, outcomes, planned, report_of(judgements))
    tables.finish(summary, judgements)
    summary.write(store.home / "summary.json")
    return summary


def read_summary(home: Path) -> Summary | None:
    """A run's summary, if it is finished."""
    path = home / "summary.json"
    return Summary.read(path) if path.is_file() else None
