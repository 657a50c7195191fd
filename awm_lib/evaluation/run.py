"""One evaluation, from its settings to its summary."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from awm_lib.contracts.llm import Llm
from awm_lib.contracts.run import RunSettings
from awm_lib.contracts.summary import Summary
from awm_lib.evaluation.crew import share
from awm_lib.evaluation.outcome import Outcome
from awm_lib.evaluation.plan import choose
from awm_lib.evaluation.progress import Progress, shown
from awm_lib.evaluation.report import write_report
from awm_lib.evaluation.store import EVALS, Store


def evaluate(
    settings: RunSettings,
    results: Path,
    *,
    catalogue: Path | None = None,
    jobs: int = 0,
    fresh: bool = False,
    llm: Llm | None = None,
) -> Summary:
    """Make the trials of a run that are not there yet, and write its summary and tables.

    ``catalogue`` is a file of scenarios to choose from; by default all that are built. ``jobs`` are processes for
    agents that ask no model (0: one for each processor). ``fresh`` deletes the run's trials first. Raises AwmError for
    settings that do not fit what is built, or the run that is there.
    """
    homes = choose(settings, results, catalogue)
    store = Store(results / EVALS / settings.name)
    store.prepare(settings, fresh=fresh)
    (store.home / "summary.json").unlink(missing_ok=True)  # what it said is no longer all
    wanted: set[tuple[str, str, int]] = set()
    progress = Progress(len(homes), "environments")
    with shown(progress) as show:

        def report(outcomes: Sequence[Outcome]) -> None:
            wanted.update((item.scenario, item.task, item.trial) for item in outcomes)
            show(outcomes)

        if settings.asks_model:
            from awm_lib.evaluation.modelrun import ModelRun

            run = ModelRun(homes, settings, store, report, llm)
            progress.total, progress.unit = run.trials, "trials"
            progress.running, progress.spent = lambda: run.running, lambda: (run.tokens, run.cost)
            run.run()
        else:
            share("calibrate", homes, settings, store, jobs, report)
    return write_report(store, settings, progress.total if settings.asks_model else progress.outcomes, wanted)
