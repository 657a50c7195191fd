"""What a stage command costs to start, and what the stages of a build work."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from awm_lib.errors import AwmError
from benchmarks.bench import Bench
from benchmarks.figure import Figure, at_most, count
from benchmarks.processes import cpu_milliseconds, find, python, run, total_cpu
from benchmarks.project import ROOT, Project

START_MILLISECONDS = 60.0
SAMPLE = 12
"""Environments whose stages are timed, spread over the catalogue."""


@dataclass(frozen=True)
class Starts:
    """Milliseconds of CPU of starting a stage command."""

    client: float
    """The process that the workflow starts."""
    worker: float
    """What the warm worker and its forked child do for it."""
    own: float
    """The same command in an interpreter of its own, its work included."""
    own_work: float
    """That work."""
    interpreter: float
    """``python -c pass``"""
    bare: float
    """``python -I -S -c pass``, which is what the client is started as."""


def measure_start(bench: Bench) -> list[Figure]:
    """CPU of starting a stage command, by the worker and without it, beside an interpreter that does nothing."""
    found = starts(bench)
    total = found.client + found.worker
    own = found.own - found.own_work
    return [
        Figure(
            name="start",
            group="build",
            title="Start of a stage command, by the warm worker",
            required=f"{START_MILLISECONDS:.0f} ms of CPU",
            measured=f"{count(total)} ms ({count(found.client)} client, {count(found.worker)} worker)",
            met=at_most(total, START_MILLISECONDS),
            beside=f"floor {count(found.interpreter)} ms: `python -c pass` "
            f"({count(found.bare)} ms with -I -S, as the client is started)",
            how="CPU of client, worker and forked child for a command without work, as the rules run it",
            values={
                "client_ms": found.client,
                "worker_ms": found.worker,
                "python_ms": found.interpreter,
                "bare_python_ms": found.bare,
            },
        ),
        Figure(
            name="own_start",
            group="build",
            title="The same in an interpreter of its own (`AWM_WORKER=0`)",
            measured=f"{count(own)} ms of CPU",
            beside="the worker, above",
            how=f"`awm database`: {count(found.own)} ms in all, less {count(found.own_work)} ms that the stage works",
            values={"own_ms": own, "own_with_work_ms": found.own, "work_ms": found.own_work},
        ),
    ]


@cache
def starts(bench: Bench) -> Starts:
    """Measure all ways to start. Raises AwmError if the worker cannot be found."""
    project = bench.served
    stage = str(project.home / "awm_lib" / "stage.py")
    idle = python("-I", "-S", stage, "database", "--help")
    repeats = 5 if bench.quick else 100
    run(idle, cwd=project.home, environment=project.environment)  # starts the worker, if it is not there
    workers = _main_workers(project)
    if not workers:
        raise AwmError("no worker was started: this system has none, or AWM_WORKER=0 is set")
    before = sum(map(total_cpu, workers))
    client = cpu_milliseconds(idle, cwd=project.home, repeats=repeats, environment=project.environment)
    worker = (sum(map(total_cpu, workers)) - before) / repeats * 1_000
    directory = _copies(bench, [project.results / bench.example_of(project)])[0]
    own = python("-I", "-S", stage, "database", str(directory))
    few = max(2, repeats // 10)
    alone = cpu_milliseconds(own, cwd=project.home, repeats=few, environment={**project.environment, "AWM_WORKER": "0"})
    return Starts(
        client=client,
        worker=worker,
        own=alone,
        own_work=work(bench, [directory])["database"],
        interpreter=cpu_milliseconds(python("-c", "pass"), cwd=ROOT, repeats=repeats),
        bare=cpu_milliseconds(python("-I", "-S", "-c", "pass"), cwd=ROOT, repeats=repeats),
    )


def _main_workers(project: Project) -> list[psutil.Process]:
    found = find(project.worker)
    pids = {process.pid for process in found}
    return [process for process in found if process.ppid() not in pids]


def work(bench: Bench, directories: list[Path]) -> dict[str, float]:
    """Milliseconds of CPU that each stage takes in a forked child of a warm process, as in a build; their means.

    ``fork`` is what such a child takes that does nothing. The stages write into the directories.
    """
    project = bench.served
    probe = str(ROOT / "benchmarks" / "probes" / "stage_work.py")
    done = run(python("-P", probe, *map(str, directories)), cwd=project.home, environment=project.environment)
    found: dict[str, float] = json.loads(done.output.splitlines()[-1])
    return found


def sampled_work(bench: Bench) -> dict[str, float]:
    """The same for some environments of the whole catalogue."""
    built = sorted(path.parent for path in bench.catalogue.glob("*/certificate.json"))
    number = 2 if bench.quick else SAMPLE
    step = max(1, len(built) // number)
    return work(bench, _copies(bench, built[::step][:number]))


def _copies(bench: Bench, directories: list[Path]) -> list[Path]:
    home = bench.home / "stages"
    shutil.rmtree(home, ignore_errors=True)
    return [Path(shutil.copytree(directory, home / directory.name)) for directory in directories]
