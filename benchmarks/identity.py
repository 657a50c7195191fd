"""The same inputs give the same bytes: with one job at a time, with 32, and after being killed midway."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from hashlib import sha256
from pathlib import Path

from awm_lib.errors import AwmError
from benchmarks.bench import Bench
from benchmarks.figure import Figure, exact
from benchmarks.project import GATE, Project

ENVIRONMENTS = 20
PATIENCE = 300.0


def measure_identity(bench: Bench) -> list[Figure]:
    """Build a part of the catalogue in three ways and compare every file."""
    number = min(bench.count, 2 if bench.quick else ENVIRONMENTS)
    one, many, killed = (bench.project(number) for _ in range(3))
    one.build("-j", "1", GATE)
    many.build("-j", "32", GATE)
    finished = kill_midway(killed)
    killed.build("-j", "32", GATE)
    expected = digests(one.results)
    differing = [name for other in (many, killed) for name in _differences(expected, digests(other.results))]
    return [
        Figure(
            name="identity",
            group="build",
            title="-j 1, -j 32, and -j 32 again after kill -9 midway",
            required="identical bytes",
            measured="identical" if not differing else f"{len(differing)} files differ: {', '.join(differing[:3])}",
            met=not differing,
            beside=f"{exact(len(expected))} files compared",
            how=f"{len(one.names)} environments in three fresh copies; every file of every environment. "
            f"Killed when {finished} of their files were there",
            values={"files": len(expected), "differing": len(differing), "killed_at_files": finished},
        )
    ]


def kill_midway(project: Project) -> int:
    """Start a build, kill it and its jobs when about half of it is there, and return how many files were there.

    Raises AwmError if it ends before.
    """
    expected = 10 * len(project.names)
    process = subprocess.Popen(
        project.command("-j", "32", GATE),
        cwd=project.home,
        env={**os.environ, **project.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        began = time.monotonic()
        while (there := len(_files(project.results))) < expected / 2:
            if process.poll() is not None or time.monotonic() - began > PATIENCE:
                raise AwmError("the build that was to be killed midway ended, or did not get there")
            time.sleep(0.02)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return there


def digests(results: Path) -> dict[str, str]:
    """The sha256 of every file of every environment."""
    return {str(path.relative_to(results)): sha256(path.read_bytes()).hexdigest() for path in _files(results)}


def _files(results: Path) -> list[Path]:
    return [path for path in sorted(results.glob("[a-z]*/*")) if path.is_file() and not path.name.startswith(".")]


def _differences(expected: dict[str, str], found: dict[str, str]) -> list[str]:
    return [name for name in sorted(expected.keys() | found.keys()) if expected.get(name) != found.get(name)]
