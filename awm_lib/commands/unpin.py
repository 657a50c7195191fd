"""``awm unpin``: give a pinned file back to its stage."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("scenario", help="the environment, such as e_commerce_33")
    parser.add_argument("file", help="the pinned file, such as tasks.json")
    parser.add_argument("--overrides", type=Path, default=Path("overrides"), help="where pinned files are")


def run(arguments: argparse.Namespace) -> int:
    """Remove the pinned file."""
    from awm_lib.contracts.names import check_scenario_name
    from awm_lib.errors import UnknownName

    home = arguments.overrides / check_scenario_name(arguments.scenario)
    found = sorted(path.name for path in home.glob("*") if path.is_file())
    if arguments.file not in found:
        raise UnknownName(f"pinned file of {arguments.scenario}", arguments.file, found)
    (home / arguments.file).unlink()
    print(f"{home / arguments.file} is removed; the next build makes the file anew")
    return 0
