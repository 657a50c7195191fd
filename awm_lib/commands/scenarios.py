"""``awm scenarios``: write the catalogue, a line of JSON for each scenario."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("target", type=Path, help="the file to write, such as results/scenarios.jsonl")
    parser.add_argument("--count", type=int, default=1000, help="scenarios (default 1000)")
    parser.add_argument("--seed", type=int, default=1, help="starts every choice (default 1)")
    parser.add_argument("--tasks", type=int, default=10, help="tasks per environment (default 10)")
    parser.add_argument("--packs", nargs="*", default=[], help="packs to draw on (default all)")


def run(arguments: argparse.Namespace) -> int:
    """Write the catalogue."""
    import json

    from awm_lib import jsonfile
    from awm_lib.contracts.config import read_config
    from awm_lib.synthesis.offline.catalogue import catalogue

    settings = {name: getattr(arguments, name) for name in ("count", "seed", "tasks", "packs")}
    config = read_config(settings, "the command line")
    rows = catalogue(config.packs, config.count, config.seed, config.tasks)
    lines = [json.dumps(row.plain(), ensure_ascii=False) for row in rows]
    jsonfile.write_bytes(arguments.target, ("\n".join(lines) + "\n").encode())
    return 0
