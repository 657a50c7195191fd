"""Episodes: how fast one is reset, and what a thousand open ones take."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from awm_lib.errors import AwmError
from awm_lib.runtime.environment import Environment
from benchmarks.bench import Bench
from benchmarks.figure import Figure, at_least, at_most, count
from benchmarks.processes import python, run
from benchmarks.project import ROOT
from benchmarks.timing import rates

RESETS = 2_000
OPEN = 1_024
OPEN_SECONDS = 1.0
OPEN_MEGABYTES = 300.0


def measure_reset(bench: Bench) -> list[Figure]:
    """Resets a second in one thread, each after a write, beside SQLite alone on the same bytes."""
    episode = bench.example.start()
    image = bench.example.image
    tool, arguments = _first_write(bench.example)

    def reset(times: int) -> None:
        for _ in range(times):
            episode.call(tool, arguments)
            episode.reset()

    def deserialize(times: int) -> None:
        for _ in range(times):
            connection = sqlite3.connect(":memory:")
            connection.deserialize(image)
            connection.close()

    def with_schema(times: int) -> None:
        for _ in range(times):
            connection = sqlite3.connect(":memory:")
            connection.deserialize(image)
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            connection.close()

    actions = {"reset": reset, "floor": deserialize, "schema": with_schema}
    found = rates(actions, seconds=bench.seconds, rounds=bench.rounds)
    return [
        Figure(
            name="reset",
            group="runtime",
            title="A write and a reset of the episode, one thread",
            required=f"{RESETS:,}/s",
            measured=f"{count(found['reset'])}/s",
            met=at_least(found["reset"], RESETS),
            beside=f"floor {count(found['floor'])}/s: bare `sqlite3` connect, deserialize, close; "
            f"{count(found['schema'])}/s with a first statement, for which SQLite reads the schema",
            how=f"`episode.call({tool!r}, ...)`, which changes rows, and `episode.reset()` in a loop; the image has "
            f"{len(image) / 1024:.0f} kB",
            values={
                "per_second": found["reset"],
                "floor_per_second": found["floor"],
                "floor_with_schema_per_second": found["schema"],
                "image_bytes": len(image),
            },
        )
    ]


def _first_write(environment: Environment) -> tuple[str, dict[str, Any]]:
    """A call that changes rows of the initial state, from the solutions."""
    episode = environment.start()
    for solution in environment.oracle.solutions:
        for call in solution.calls:
            arguments = {argument.name: argument.value for argument in call.arguments}
            if environment.tools[call.tool].writes and episode.call(call.tool, arguments).ok and episode.changes():
                return call.tool, arguments
            episode.reset()
    raise AwmError(f"{environment.name} has no solution whose write works by itself")


def measure_open(bench: Bench) -> list[Figure]:
    """Seconds and memory of 1,024 episodes open at the same time, in a process of their own."""
    number = 64 if bench.quick else OPEN
    probe = str(ROOT / "benchmarks" / "probes" / "open_episodes.py")
    done = run(python("-P", probe, str(bench.directory.resolve()), str(number)), cwd=ROOT)
    found = json.loads(done.output.splitlines()[-1])
    megabytes, floor = found["bytes"] / 1e6, found["image_bytes"] * number / 1e6
    return [
        Figure(
            name="open",
            group="runtime",
            title=f"{number:,} open episodes",
            required=f"{OPEN_SECONDS:.0f} s and {OPEN_MEGABYTES:.0f} MB in all",
            measured=f"{count(found['seconds'])} s and {count(megabytes)} MB",
            met=at_most(found["seconds"], OPEN_SECONDS) and at_most(megabytes, OPEN_MEGABYTES),
            beside=f"floor {count(floor)} MB: the bytes of the images",
            how=f"`env.start()` {number:,} times in one process; growth of its resident set. "
            f"After one call in each: {count(found['called_bytes'] / 1e6)} MB",
            values={"seconds": found["seconds"], "megabytes": megabytes, "floor_megabytes": floor},
        )
    ]
