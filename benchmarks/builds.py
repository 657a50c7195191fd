"""Builds: the whole catalogue from nothing, with nothing to do, and one environment."""

from __future__ import annotations

import shutil
import statistics
from functools import cache

from benchmarks.bench import Bench
from benchmarks.figure import Figure, at_most, count, exact
from benchmarks.processes import Run, python, run
from benchmarks.project import GATE
from benchmarks.trivial import JOBS_BESIDE, JOBS_EACH, run_trivial

ENVIRONMENTS = 100
"""What the requirements are about; a smaller build neither meets nor misses them."""
ALL_SECONDS = 60.0
NOTHING_SECONDS = 3.0
ONE_SECONDS = 3.0
TRIVIAL = "trivial"
"""The directory of the floor's workflow."""


def measure_build(bench: Bench) -> list[Figure]:
    """The whole catalogue from nothing in a fresh copy of the project, beside as many jobs that do nothing."""
    project, done = bench.built
    floor = floor_of(bench)
    number = len(project.names)
    return [
        Figure(
            name="build",
            group="build",
            title=f"{number} environments from nothing",
            required=f"{ALL_SECONDS:.0f} s",
            measured=f"{done.seconds:.1f} s",
            met=at_most(done.seconds, ALL_SECONDS) if number >= ENVIRONMENTS else None,
            beside=f"floor {floor.seconds:.1f} s: {exact(jobs(number))} jobs that only touch their files, same profile",
            how=f"`snakemake {GATE}` in a fresh copy of the project, no byte code, no worker",
            values={"seconds": done.seconds, "floor_seconds": floor.seconds, "cpu_seconds": done.cpu},
        ),
        Figure(
            name="build_memory",
            group="build",
            title="Memory of that build at its peak",
            measured=f"{done.peak / 1e6:.0f} MB",
            beside=f"floor {floor.peak / 1e6:.0f} MB: the same jobs as above",
            how="Snakemake, shells, clients, worker and its children; pages that several share counted once",
            values={"bytes": done.peak, "floor_bytes": floor.peak},
        ),
    ]


@cache
def floor_of(bench: Bench) -> Run:
    """The same number of jobs that do nothing, run once for all figures."""
    project, _ = bench.built
    return run_trivial(project, bench.home / TRIVIAL)


def jobs(environments: int) -> int:
    """How many jobs a build of so many environments has."""
    return environments * JOBS_EACH + JOBS_BESIDE


def measure_nothing(bench: Bench) -> list[Figure]:
    """The same command once more, beside Snakemake over files that nobody has to look into."""
    project, _ = bench.built
    number = len(project.names)
    floor_of(bench)
    found = [project.build(GATE).seconds for _ in range(bench.repeats)]
    floor = [_trivial_again(bench).seconds for _ in range(bench.repeats)]
    seconds, floor_seconds = statistics.median(found), statistics.median(floor)
    return [
        Figure(
            name="nothing",
            group="build",
            title=f"Nothing to do, {number} environments",
            required=f"{NOTHING_SECONDS:.0f} s",
            measured=f"{seconds:.1f} s",
            met=at_most(seconds, NOTHING_SECONDS) if number >= ENVIRONMENTS else None,
            beside=f"floor {floor_seconds:.1f} s: the workflow of trivial jobs, also with nothing to do",
            how="the command of the build once more",
            values={"seconds": seconds, "floor_seconds": floor_seconds},
        )
    ]


def _trivial_again(bench: Bench) -> Run:
    project, _ = bench.built
    return run(python("-m", "snakemake"), cwd=bench.home / TRIVIAL, environment=project.environment)


def measure_one(bench: Bench) -> list[Figure]:
    """One environment and its certificate: the first command in a fresh copy, and again after deleting its results."""
    first, again = [], []
    for _ in range(bench.repeats):
        project = bench.project()
        name = bench.example_of(project)
        target = f"results/{name}/certificate.json"
        first.append(project.build(target).seconds)
        shutil.rmtree(project.results)
        again.append(project.build(target).seconds)
    seconds, warm = statistics.median(first), statistics.median(again)
    return [
        Figure(
            name="one",
            group="build",
            title="One environment from nothing",
            required=f"{ONE_SECONDS:.0f} s",
            measured=f"{seconds:.1f} s",
            met=at_most(seconds, ONE_SECONDS),
            beside=f"{count(warm)} s with the code compiled and the worker warm",
            how=f"`snakemake {target}` as the first command in a fresh copy of the project",
            values={"seconds": seconds, "warm_seconds": warm},
        )
    ]
