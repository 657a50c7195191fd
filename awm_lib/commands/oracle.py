"""``awm oracle``: plan, tasks, tools and rows -> oracle.json."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("directory", type=Path, help="the environment's directory, such as results/e_commerce_33")
    parser.add_argument("--overrides", type=Path, default=Path("overrides"), help="where pinned files are")


def run(arguments: argparse.Namespace) -> int:
    """Execute and resolve the solutions."""
    from awm_lib.contracts.oracle import Oracle
    from awm_lib.contracts.plan import Plan
    from awm_lib.oracles.resolve import resolve_oracle
    from awm_lib.outputs import pinned, write_output
    from awm_lib.runtime.environment import Environment

    home = arguments.directory
    target = home / "oracle.json"
    kept = pinned(target, arguments.overrides)
    if kept is not None:
        Oracle.read(kept)
        write_output(target, kept.read_bytes())
        return 0
    write_output(target, resolve_oracle(Environment.load(home, lazy=True), Plan.read(home / "plan.json")).encode())
    return 0
