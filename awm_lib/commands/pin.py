"""``awm pin``: keep a hand edit of a built file for good."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("scenario", help="the environment, such as e_commerce_33")
    parser.add_argument("file", help="one of its files, such as tasks.json")
    parser.add_argument("--results", type=Path, default=Path("results"), help="where the build is (default results)")
    parser.add_argument("--overrides", type=Path, default=Path("overrides"), help="where pinned files go")


def run(arguments: argparse.Namespace) -> int:
    """Copy the file to the overrides, once it is valid."""
    from awm_lib import jsonfile
    from awm_lib.outputs import digest, stamp_of
    from awm_lib.pins import check_pin

    source, target = check_pin(arguments.scenario, arguments.file, arguments.results, arguments.overrides)
    data = source.read_bytes()
    jsonfile.write_bytes(target, data)
    jsonfile.write_bytes(stamp_of(source), digest(data).encode())
    print(f"{source} is pinned as {target}; its stage now uses that")
    print(f"undo: awm unpin {arguments.scenario} {arguments.file}")
    return 0
