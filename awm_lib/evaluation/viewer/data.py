"""What the viewer's page asks for: runs, a run, an environment of a run, a trial, a comparison; each as plain data.

A run may be going on: everything is read from its files when it is asked for, and kept as long as the files are the
same.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from awm_lib.contracts.names import check_scenario_name
from awm_lib.errors import AwmError, UnknownName
from awm_lib.evaluation.compare import Side, compare
from awm_lib.evaluation.outcome import Outcome
from awm_lib.evaluation.report import read_summary
from awm_lib.evaluation.store import Store, runs
from awm_lib.evaluation.summary import summarize
from awm_lib.evaluation.trial import TrialKey

Data = dict[str, Any]


class Viewer:
    """The runs of one directory."""

    def __init__(self, evals: Path) -> None:
        self.evals = evals
        self._known: dict[Path, tuple[tuple[float, ...], list[tuple[Outcome, str]]]] = {}

    def get(self, path: str) -> Data:
        """The data of a path: runs, run/R, environment/R/S, trial/R/S/T/N, compare/A/B.

        Raises UnknownName for what is not there, AwmError for what is no path.
        """
        kind, *rest = path.split("/")
        sizes = {"runs": 0, "run": 1, "environment": 2, "trial": 4, "compare": 2}
        if sizes.get(kind) != len(rest):
            raise AwmError(f"there is nothing at {path[:100]!r}")
        if kind == "runs":
            return self.runs()
        if kind == "compare":
            return self.compare(*rest)
        if kind == "trial":
            run, scenario, task, number = rest
            if not number.isascii() or not number.isdigit():
                raise AwmError(f"{number[:20]!r} is not the number of a trial")
            return self.trial(run, TrialKey(scenario, task, int(number)))
        return self.run(*rest) if kind == "run" else self.environment(*rest)

    def runs(self) -> Data:
        """All runs, in short."""
        return {"runs": [self._short(home) for home in runs(self.evals)]}

    def _short(self, home: Path) -> Data:
        settings, summary = Store(home).settings, read_summary(home)
        if summary is None:
            summary = summarize(settings, [item for item, _ in self._outcomes(Store(home))], 0)
            finished = False
        else:
            finished = True
        success = summary.overall.success
        return {
            "name": settings.name,
            "agent": settings.agent,
            "model": settings.model,
            "finished": finished,
            "environments": summary.environments,
            "trials": summary.trials,
            "masked": summary.masked,
            "complete": summary.complete,
            "success": success.plain() if success else None,
        }

    def store(self, run: str) -> Store:
        """A run's files. Raises UnknownName."""
        names = {home.name: home for home in runs(self.evals)}
        if run not in names:
            raise UnknownName("run", run[:80], names)
        return Store(names[run])

    def run(self, run: str) -> Data:
        """A run: settings, summary (of what there is, while it goes on), and its environments."""
        store = self.store(run)
        settings, finished = store.settings, read_summary(store.home)
        outcomes = [item for item, _ in self._outcomes(store)]
        rows: dict[str, Data] = {}
        for item in outcomes:
            row = rows.setdefault(
                item.scenario,
                {"scenario": item.scenario, "category": item.category, "trials": 0, "complete": 0, "masked": 0},
            )
            row["trials"] += 1
            row["complete"] += item.complete
            row["masked"] += item.masked
        running = self._running(store)
        for key in running:
            row = rows.setdefault(
                key.scenario, {"scenario": key.scenario, "category": "", "trials": 0, "complete": 0, "masked": 0}
            )
            row["running"] = row.get("running", 0) + 1
        return {
            "settings": settings.plain(),
            "finished": finished is not None,
            "running": len(running),
            "summary": (finished or summarize(settings, outcomes, 0)).model_dump(mode="json"),
            "environments": list(rows.values()),
        }

    def environment(self, run: str, scenario: str) -> Data:
        """An environment of a run: its tasks and their trials."""
        store = self.store(run)
        check_scenario_name(scenario)
        tasks: dict[str, Data] = {}
        for item, instruction in self._of_scenario(store, scenario):
            task = tasks.setdefault(
                item.task,
                {"task": item.task, "instruction": instruction, "kind": item.kind, "level": item.level, "trials": []},
            )
            task["trials"].append(
                {
                    "number": item.trial, "complete": item.complete, "masked": item.masked, "failure": item.failure,
                    "error_class": item.failure_class, "calls": item.calls, "tokens": item.tokens, "stop": item.stop,
                }
            )  # fmt: skip
        for key in self._running(store):
            if key.scenario == scenario:
                task = tasks.setdefault(
                    key.task, {"task": key.task, "instruction": "", "kind": "", "level": None, "trials": []}
                )
                task["trials"].append({"number": key.number, "running": True})
        return {"scenario": scenario, "tasks": [tasks[name] for name in sorted(tasks)]}

    def trial(self, run: str, key: TrialKey) -> Data:
        """One trial: its trajectory, or the replies so far of one that goes on."""
        store = self.store(run)
        check_scenario_name(key.scenario)
        if key not in self._running(store):
            found = store.find(key) if key.task.isalnum() else None
            if found is None:
                raise UnknownName("trial", str(key)[:80], [])
            return {"trajectory": found.plain()}
        lines = (store.folder(key) / "replies.jsonl").read_bytes().splitlines()
        return {"replies": [json.loads(line) for line in lines[1:]], "running": True}

    def compare(self, one: str, other: str) -> Data:
        """Two runs, task by task."""
        sides = [Side(name, [item for item, _ in self._outcomes(self.store(name))]) for name in (one, other)]
        return compare(*sides).model_dump(mode="json")

    def _running(self, store: Store) -> list[TrialKey]:
        found = []
        for path in sorted(store.trials.glob("*/*/replies.jsonl")):
            task, _, number = path.parent.name.rpartition("-")
            if number.isdigit() and not (path.parent / "trajectory.json").exists():
                found.append(TrialKey(path.parent.parent.name, task, int(number)))
        return found

    def _outcomes(self, store: Store) -> list[tuple[Outcome, str]]:
        return [item for scenario in store.scenarios() for item in self._of_scenario(store, scenario)]

    def _of_scenario(self, store: Store, scenario: str) -> list[tuple[Outcome, str]]:
        """The outcomes and instructions of a scenario's trials; read again only if its files have changed."""
        home = store.trials / scenario
        files = [store.trials / f"{scenario}.jsonl", *sorted(home.glob("*/trajectory.json"))]
        stamps = tuple(path.stat().st_mtime for path in files if path.exists())
        known = self._known.get(home)
        if known is None or known[0] != stamps:
            known = (stamps, [(Outcome.of(trial), trial.instruction) for trial in store.read(scenario)])
            self._known[home] = known
        return known[1]
