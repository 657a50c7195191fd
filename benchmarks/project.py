"""Copies of the project in a temporary directory, in which builds are measured."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.processes import Run, python, run

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("Snakefile", "config.yaml", "rules", "profiles", "awm_lib", "snakemake_logger_plugin_awm", "scripts")
GATE = "results/all_envs.done"


@dataclass(frozen=True)
class Project:
    """A copy of the project, with code, worker and results of its own."""

    home: Path
    count: int
    packs: tuple[str, ...]
    """The packs that the catalogue draws on; empty for all."""
    names: tuple[str, ...]
    """The scenarios of the catalogue."""

    @classmethod
    def make(cls, source: Path, home: Path, count: int, packs: tuple[str, ...]) -> Project:
        """Copy a project's parts: as they are right after installation, nothing compiled, nothing built."""
        copy_parts(source, home)
        return cls(home, count, packs, names_of(source, count, packs))

    @property
    def results(self) -> Path:
        """Where it builds."""
        return self.home / "results"

    @property
    def worker(self) -> str:
        """What the command lines of its worker have, and of no other process."""
        return str(self.home / "awm_lib" / "worker.py")

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which commands use this copy's code, and its worker does not stay for long."""
        return {"NO_COLOR": "1", "AWM_WORKER_IDLE": "15", "PYTHONPATH": str(self.home)}

    @property
    def settings(self) -> list[str]:
        """The words of the command line that configure a build."""
        packs = ",".join(f'"{name}"' for name in self.packs)
        return ["--config", f"count={self.count}", *([f"packs=[{packs}]"] if packs else [])]

    def command(self, *arguments: str) -> list[str]:
        """The command line of Snakemake in this copy."""
        return python("-m", "snakemake", *arguments, *self.settings)

    def build(self, *arguments: str, check: bool = True) -> Run:
        """Run Snakemake here. Raises AwmError with the end of its output if it fails and ``check`` is set."""
        command = self.command(*arguments)
        return run(command, cwd=self.home, environment=self.environment, marker=self.worker, check=check)


def copy_parts(source: Path, home: Path) -> None:
    """Copy everything that a build needs, without byte code."""
    home.mkdir(parents=True)
    for name in PARTS:
        if (source / name).is_dir():
            shutil.copytree(source / name, home / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source / name, home / name)


@cache
def names_of(source: Path, count: int, packs: tuple[str, ...]) -> tuple[str, ...]:
    """The scenarios of a catalogue, as the code of that copy writes it. Raises AwmError if it cannot."""
    listing = source / "scenarios.jsonl"
    words = ["scenarios", str(listing), "--count", str(count), "--seed", "1", "--tasks", "10"]
    words += ["--packs", *packs] if packs else []
    run(python("-m", "awm_lib", *words), cwd=source, environment={"PYTHONPATH": str(source)})
    return tuple(json.loads(line)["name"] for line in listing.read_text(encoding="utf-8").splitlines())
