"""Where the time of a build goes, from measurements of its parts."""

from __future__ import annotations

from benchmarks import stages
from benchmarks.bench import Bench
from benchmarks.builds import floor_of
from benchmarks.figure import Figure, percent


def measure_profile(bench: Bench) -> list[Figure]:
    """Split the CPU of the build that was measured into Snakemake, clients, worker, and the stages' own work.

    The parts are measured apart from the build, so their sum is not exactly what the build took; the last row says so.
    """
    project, done = bench.built
    number = len(project.names)
    starts, work = stages.starts(bench), stages.sampled_work(bench)
    fork = work.pop("fork")
    commands = (
        number * len(work) + 2
    )  # the catalogue and the gate are commands too; scenario.json is written by a shell
    milliseconds = {
        ("snakemake", "Snakemake: planning, scheduling, shells"): floor_of(bench).cpu * 1_000,
        ("clients", f"Clients: {commands:,} of {starts.client:.1f} ms"): starts.client * commands,
        ("worker", f"Worker: {commands:,} times accepting and forking, {starts.worker:.1f} ms"): starts.worker
        * commands,
    }
    for stage, each in work.items():
        key = (f"work_{stage}", f"Work of `awm {stage}`: {number:,} of {max(0.0, each - fork):.1f} ms")
        milliseconds[key] = max(0.0, each - fork) * number
    parts = [_part(name, title, value / 1_000, done.cpu) for (name, title), value in milliseconds.items()]
    total = sum(milliseconds.values()) / 1_000
    explained = f"{done.cpu:.1f} s of CPU in {done.seconds:.1f} s; the parts are {percent(total / done.cpu)} of it"
    whole = Figure(
        name="cpu",
        group="profile",
        title=f"The whole build of {number:,} environments",
        measured=f"{done.cpu:.1f} s",
        beside=explained,
        how="Snakemake and all it started, and the worker",
        values={"cpu_seconds": done.cpu, "wall_seconds": done.seconds, "parts_seconds": total},
    )
    return [*parts, whole]


def _part(name: str, title: str, seconds: float, of: float) -> Figure:
    how = "CPU of the floor: as many jobs that only touch their files" if name == "snakemake" else ""
    return Figure(
        name=f"cpu_{name}",
        group="profile",
        title=title,
        measured=f"{seconds:.1f} s",
        beside=percent(seconds / of),
        how=how or "mean of single commands, times their number",
        values={"cpu_seconds": seconds},
    )
