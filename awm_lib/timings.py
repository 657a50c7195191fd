"""How long stages took: a line for each run of a stage, appended beside the build."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Set
from pathlib import Path

FILE = ".timings.jsonl"


class Timer:
    """Measures one run of a stage."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def record(self, directory: Path, stage: str) -> None:
        """Append a line about the environment in ``directory`` to ``.timings.jsonl`` beside it; a line that cannot be
        written is left out, since nothing depends on it.
        """
        line = {
            "scenario": directory.name,
            "stage": stage,
            "seconds": round(time.perf_counter() - self._wall, 4),
            "cpu_seconds": round(time.process_time() - self._cpu, 4),
        }
        try:
            target = os.open(directory.parent / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(target, json.dumps(line).encode() + b"\n")  # in one piece, whoever else appends
            finally:
                os.close(target)
        except OSError:
            return


def read_timings(results: Path, names: Set[str]) -> Iterator[tuple[str, str, float, float]]:
    """Scenario, stage, seconds and processor seconds of each stage's last run, for the named environments."""
    found: dict[tuple[str, str], tuple[float, float]] = {}
    try:
        lines = (results / FILE).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    for text in lines:
        try:
            line = json.loads(text)
            key = (str(line["scenario"]), str(line["stage"]))
            found[key] = (float(line["seconds"]), float(line["cpu_seconds"]))
        except (ValueError, KeyError, TypeError):  # a line that a crash cut off
            continue
    for (scenario, stage), (seconds, cpu) in sorted(found.items()):
        if scenario in names:
            yield scenario, stage, seconds, cpu
