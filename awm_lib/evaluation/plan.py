"""Which trials a run has: environments, tasks, numbers."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from awm_lib.contracts.base import read_json
from awm_lib.contracts.run import RunSettings
from awm_lib.contracts.scenario import Scenario
from awm_lib.contracts.tasks import Tasks
from awm_lib.contracts.trajectory import TaskFacts
from awm_lib.errors import AwmError, UnknownName
from awm_lib.evaluation.order import catalogue_order
from awm_lib.evaluation.trial import Digests, TaskPlan, TrialKey
from awm_lib.textfile import read_text

WORLD = ("tasks.json", "spec.json", "seed.sqlite")
JUDGE = ("oracle.json", "verifier.py")


@dataclass(frozen=True, slots=True)
class EnvironmentPlan:
    """The tasks of one environment that a run tries."""

    directory: Path
    tasks: list[TaskPlan]
    digests: Digests

    @property
    def name(self) -> str:
        """The scenario's name."""
        return self.directory.name

    def keys(self, trials: int) -> list[TrialKey]:
        """All trials, the first of each task before the second of any."""
        return [TrialKey(self.name, plan.task.id, number) for number in range(1, trials + 1) for plan in self.tasks]


def choose(settings: RunSettings, results: Path, catalogue: Path | None = None) -> list[Path]:
    """The directories of a run's environments, in the catalogue's order.

    They are chosen among those that are built, or of them only among the scenarios of a catalogue's file. Raises
    UnknownName for an environment that is not built, AwmError if none is left.
    """
    built = {path.parent.name: path.parent for path in results.glob("*/verifier.py")}
    if catalogue is not None:
        listed = {json.loads(line)["name"] for line in read_text(catalogue).splitlines()}
        built = {name: home for name, home in built.items() if name in listed}
    if not built:
        raise AwmError(f"nothing is built in {results}", hint="build something: snakemake results/all_envs.done")
    if isinstance(settings.environments, list):
        for name in settings.environments:
            if name not in built:
                raise UnknownName("built environment", name, built)
        found = [built[name] for name in dict.fromkeys(settings.environments)]
    else:
        found = [built[name] for name in sorted(built, key=catalogue_order)]
    if settings.categories or settings.split:
        found = [home for home in found if _is_chosen(home, settings)]
    if isinstance(settings.environments, int):
        found = found[: settings.environments]
    if not found:
        raise AwmError("no environment fits the choice of categories and split", hint="awm stats shows what is built")
    return found


def _is_chosen(home: Path, settings: RunSettings) -> bool:
    scenario = Scenario.read(home / "scenario.json")
    if settings.categories and scenario.category not in settings.categories:
        return False
    if settings.split:
        return scenario.split == settings.split
    return True


def plan_environment(home: Path, settings: RunSettings) -> EnvironmentPlan:
    """The tasks of an environment that a run tries, with what is known of each. Raises ContractError."""
    tasks = Tasks.read(home / "tasks.json")
    category = Scenario.read(home / "scenario.json").category
    proofs = _proofs(home / "certificate.json")
    found = []
    for task in tasks.tasks:
        passed, level = proofs.get(task.id, (True, None))
        if (settings.tasks and task.id not in settings.tasks) or (settings.levels and level not in settings.levels):
            continue
        if not passed:  # nothing is known to be right
            continue
        facts = TaskFacts(category=category, kind=task.kind, level=level, skills=list(task.skills))
        found.append(TaskPlan(task, facts))
    return EnvironmentPlan(home, found, Digests(_digest(home, WORLD), _digest(home, JUDGE)))


def _proofs(certificate: Path) -> dict[str, tuple[bool, str | None]]:
    """Task -> whether its certificate passed, and its level. Nothing for an environment that has no certificate.

    Of the file only these two facts are used, so it is not validated as a whole: that would take longer than the trials
    of an agent that needs no model.
    """
    if not certificate.is_file():
        return {}
    content = read_json(certificate)
    found = {}
    for proof in content.get("tasks", []) if isinstance(content, dict) else []:
        level = (proof.get("difficulty") or {}).get("level")
        found[str(proof.get("task"))] = (bool(proof.get("passed")), str(level) if level else None)
    return found


def _digest(home: Path, files: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for name in files:
        path = home / name
        digest.update(path.read_bytes() if path.is_file() else b"")
        digest.update(b"\0")
    return digest.hexdigest()[:16]
