"""Where a run is kept: results/evals/<run>/.

    run.json                                    the settings
    trials/<scenario>.jsonl                     finished trials of agents that ask no model, one on a line
    trials/<scenario>/<task>-<n>/trajectory.json    a finished trial of a model
    trials/<scenario>/<task>-<n>/replies.jsonl      the replies so far of a trial that goes on
    summary.json, eval.duckdb                   made from these

A calibration of ten thousand trials takes a minute and would leave ten thousand files; a line for each trial in a file
for each environment is enough, and an environment that was cut off is done again. A model's trial is a file of its own,
written in one step, and its replies are kept as they come: only what is in flight can be lost. ``Store`` hides the
difference: every trial reads as a Trajectory.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from awm_lib import jsonfile
from awm_lib.contracts.base import explain
from awm_lib.contracts.run import RunSettings
from awm_lib.contracts.trajectory import Trajectory
from awm_lib.errors import AwmError, ContractError, UnknownName
from awm_lib.evaluation.trial import TrialKey

EVALS = "evals"


class Store:
    """The files of one run."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.trials = home / "trials"

    @classmethod
    def existing(cls, home: Path) -> Store:
        """The files of a run that there is. Raises UnknownName with the nearest run otherwise."""
        if not (home / "run.json").is_file():
            known = [found.name for found in runs(home.parent)] if home.parent.is_dir() else []
            raise UnknownName(f"run in {home.parent}", home.name, known)
        return cls(home)

    @property
    def settings(self) -> RunSettings:
        """The run's settings. Raises ContractError."""
        return RunSettings.read(self.home / "run.json")

    def prepare(self, settings: RunSettings, *, fresh: bool = False) -> None:
        """Take up a run, or begin it. Raises AwmError if there is another run of this name."""
        if fresh and self.home.is_dir():
            shutil.rmtree(self.home)
        path = self.home / "run.json"
        if path.is_file():
            before, now = self.settings.identity(), settings.identity()
            if before != now:
                names = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
                raise AwmError(
                    f"{self.home} is a run with other settings: {_differences(names, before, now)}",
                    hint="give this one another name with --run, or begin anew with --fresh, which deletes its trials",
                )
        settings.write(path)

    def scenarios(self) -> list[str]:
        """The scenarios that have trials."""
        if not self.trials.is_dir():
            return []
        return sorted({path.name.removesuffix(".jsonl") for path in self.trials.iterdir() if path.name[0] != "."})

    def read(self, scenario: str) -> Iterator[Trajectory]:
        """The finished trials of a scenario, by task and number.

        A last line that was cut off is left out. Raises ContractError for a record that cannot be read.
        """
        segment = self.trials / f"{scenario}.jsonl"
        if segment.is_file():
            yield from self._segment(segment)
        folder = self.trials / scenario
        if folder.is_dir():
            for path in sorted(folder.glob("*/trajectory.json")):
                yield self._parse(path.read_bytes(), str(path))

    def read_all(self) -> Iterator[Trajectory]:
        """All finished trials."""
        for scenario in self.scenarios():
            yield from self.read(scenario)

    def find(self, key: TrialKey) -> Trajectory | None:
        """One finished trial, if there is one."""
        path = self.folder(key) / "trajectory.json"
        if path.is_file():
            return self._parse(path.read_bytes(), str(path))
        segment = self.trials / f"{key.scenario}.jsonl"
        found = self._segment(segment) if segment.is_file() else iter(())
        return next((item for item in found if (item.task, item.trial) == (key.task, key.number)), None)

    def _segment(self, path: Path) -> Iterator[Trajectory]:
        for number, line in enumerate(path.read_bytes().splitlines(keepends=True), 1):
            if line.endswith(b"\n"):
                yield self._parse(line, f"{path}, line {number}")

    @staticmethod
    def _parse(text: bytes, source: str) -> Trajectory:
        try:
            return Trajectory.model_validate_json(text)
        except ValidationError as error:
            raise ContractError(
                f"{source} does not keep its contract:\n{explain(error)}",
                hint="delete it, and run the same evaluation again",
            ) from None

    def is_segmented(self, scenario: str) -> bool:
        """Whether a scenario's trials are lines of one file."""
        return (self.trials / f"{scenario}.jsonl").is_file()

    def write_segment(self, scenario: str, trials: list[Trajectory]) -> None:
        """Write all trials of a scenario, in one step."""
        lines = [item.model_dump_json(exclude_defaults=True) for item in trials]
        jsonfile.write_bytes(self.trials / f"{scenario}.jsonl", ("\n".join(lines) + "\n").encode())

    def write_trial(self, key: TrialKey, trial: Trajectory) -> None:
        """Write one trial, in one step.

        Its replies are in it and need not be kept apart any longer, unless the endpoint failed: then the next run goes
        on with them.
        """
        jsonfile.write_bytes(self.folder(key) / "trajectory.json", _encoded(trial))
        if not trial.met("infrastructure"):
            (self.folder(key) / "replies.jsonl").unlink(missing_ok=True)

    def folder(self, key: TrialKey) -> Path:
        """Where a model's trial is kept."""
        return self.trials / key.scenario / f"{key.task}-{key.number}"


class ReplyLog:
    """The replies of a trial that goes on, a line for each, so that a trial that was cut off goes on where it was."""

    def __init__(self, path: Path, world: str) -> None:
        """``world`` is the digest of the environment: replies of another one are of no use."""
        self._path = path
        self._head = {"world": world}

    def clear(self) -> None:
        """Forget the replies: what is there cannot be read."""
        self._path.unlink(missing_ok=True)

    def read(self) -> list[dict[str, Any]]:
        """The replies so far; none if they were made in another world."""
        try:
            lines = self._path.read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            return []
        try:
            found = [json.loads(line) for line in lines if line.endswith(b"\n")]
        except ValueError:
            found = []
        if not found or found[0] != self._head:
            self._path.unlink()
            return []
        if lines and not lines[-1].endswith(b"\n"):  # cut off while it was written
            self._path.write_bytes(b"".join(lines[:-1]))
        return found[1:]

    def append(self, reply: dict[str, Any]) -> None:
        """Keep a reply."""
        if not self._path.exists():
            self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            if file.tell() == 0:
                file.write(json.dumps(self._head).encode() + b"\n")
            file.write(json.dumps(reply, ensure_ascii=False).encode() + b"\n")


def _encoded(trial: Trajectory) -> bytes:
    """A trajectory.json. Laid out by pydantic: jsonfile's layout would take as long as the trial's calls."""
    return trial.model_dump_json(exclude_defaults=True, indent=1).encode() + b"\n"


def key_of(trial: Trajectory) -> TrialKey:
    """Which trial of its run it is."""
    return TrialKey(str(trial.scenario), str(trial.task), trial.trial)


def runs(evals: Path) -> list[Path]:
    """The directories of all runs, by name."""
    return sorted(path.parent for path in evals.glob("*/run.json"))


def _differences(names: list[str], before: dict[str, Any], now: dict[str, Any]) -> str:
    return ", ".join(f"{name} {before.get(name, 'unset')!r}, not {now.get(name, 'unset')!r}" for name in names)
