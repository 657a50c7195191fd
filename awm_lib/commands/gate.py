"""``awm gate``: judge all certificates of a catalogue; write all_envs.done if enough of them passed."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("target", type=Path, help="the file to write, such as results/all_envs.done")
    parser.add_argument("--max-failed", type=int, default=0, help="environments that may fail (default 0)")
    parser.add_argument("--left-out", nargs="*", default=[], help="scenarios that failed before, and are not built")


def run(arguments: argparse.Namespace) -> int:
    """Judge the build."""
    import json

    from awm_lib import failures
    from awm_lib.gate import judge_build
    from awm_lib.textfile import read_text

    results = arguments.target.parent
    names = [json.loads(line)["name"] for line in read_text(results / "scenarios.jsonl").splitlines()]
    known = {failure.scenario: f"{failure.stage}: {failure.message}" for failure in failures.read_failures(results)}
    left_out = {name: known.get(name, "left out") for name in arguments.left_out}
    judge_build(results, names, left_out, arguments.max_failed).write(arguments.target)
    return 0
