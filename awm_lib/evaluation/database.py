"""A run's eval.duckdb: its trials, calls, problems and summary as tables."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from awm_lib.contracts.judgement import Judgement
from awm_lib.contracts.summary import Estimate, Summary
from awm_lib.contracts.trajectory import Trajectory
from awm_lib.errors import AwmError
from awm_lib.evaluation.outcome import Outcome
from awm_lib.evaluation.tables import TABLES
from awm_lib.tables import Row, insert

if TYPE_CHECKING:
    import duckdb

BATCH = 20_000
"""Rows that are inserted at once; bounds the memory."""
MAX_ARGUMENTS = 10_000
"""Longer arguments, in characters of JSON, are left out of the table."""


class Tables:
    """Writes the tables while trials are read, and puts the file in place at the end."""

    def __init__(self, target: Path) -> None:
        """``target`` is the file; readers see the old one until ``finish``."""
        import duckdb

        self._target = target
        self._folder = tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.")
        self._part = Path(self._folder.name) / target.name
        self._connection: duckdb.DuckDBPyConnection = duckdb.connect(str(self._part), config={"threads": "1"})
        self._rows: dict[str, list[Row]] = {table.name: [] for table in TABLES}
        for table in TABLES:
            self._connection.execute(table.ddl)

    def add(self, trial: Trajectory, outcome: Outcome) -> None:
        """Add a trial with its calls and problems."""
        key = (outcome.scenario, outcome.task, outcome.trial)
        self._rows["trials"].append(_trial(outcome))
        self._rows["calls"] += _calls(key, trial)
        self._rows["problems"] += [
            (*key, item.turn, item.error_class, item.kind, item.message) for item in trial.problems
        ]
        if len(self._rows["calls"]) >= BATCH:
            self._flush()

    def finish(self, summary: Summary, judgements: Collection[Judgement]) -> None:
        """Add the summary and the judgements, and put the file in place. Raises AwmError if that fails."""
        import duckdb

        self._rows["success"] += _success(summary)
        self._rows["pass_at"] += _pass_at(summary)
        self._rows["judgements"] += [
            (
                item.scenario, item.task, item.trial, item.verdict, item.confidence, item.unanimous,
                [vote.verdict for vote in item.votes], item.code_complete,
            )
            for item in judgements
        ]  # fmt: skip
        try:
            self._flush()
            self._connection.close()
            self._part.chmod(0o644)
            self._part.replace(self._target)
        except (duckdb.IOException, OSError) as error:
            raise AwmError(f"{self._target} cannot be written: {error}", hint="check the free space") from None
        finally:
            self._folder.cleanup()

    def _flush(self) -> None:
        for table in TABLES:
            insert(self._connection, table, self._rows[table.name])
            self._rows[table.name] = []


def _trial(item: Outcome) -> Row:
    return (
        item.scenario, item.task, item.trial, item.complete, item.masked, item.partial, item.failure_class,
        item.failure, item.stop, item.turns, item.calls, list(item.tools), item.tokens, item.cost, item.seconds,
        item.reward, item.format_reward, item.category, item.kind, item.level, list(item.skills),
    )  # fmt: skip


def _calls(key: tuple[str, str, int], trial: Trajectory) -> Iterator[Row]:
    for position, call in enumerate(trial.calls, 1):
        text = json.dumps(call.arguments, ensure_ascii=False)
        yield (
            *key, position, call.turn, call.tool, call.error, call.well_formed, len(call.changes), call.seconds,
            text if len(text) <= MAX_ARGUMENTS else None,
        )  # fmt: skip


def _success(summary: Summary) -> Iterable[Row]:
    for group in [summary.overall, *summary.groups]:
        if group.success is not None:
            yield group.by, group.name, group.tasks, group.trials, group.complete, *_ends(group.success)


def _pass_at(summary: Summary) -> Iterable[Row]:
    for group in [summary.overall, *summary.groups]:
        for at in group.at:
            yield group.by, group.name, "any", at.k, at.tasks, *_ends(at.any)
            yield group.by, group.name, "all", at.k, at.tasks, *_ends(at.all)


def _ends(found: Estimate) -> tuple[float, float, float]:
    return found.mean, found.low, found.high
