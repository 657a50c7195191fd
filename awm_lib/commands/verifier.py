"""``awm verifier``: tasks, oracle, tools and rows -> verifier.py."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("directory", type=Path, help="the environment's directory, such as results/e_commerce_33")


def run(arguments: argparse.Namespace) -> int:
    """Compile the verifiers."""
    from awm_lib.compile.verifier import compile_verifier
    from awm_lib.outputs import write_output
    from awm_lib.runtime.environment import Environment

    home = arguments.directory
    write_output(home / "verifier.py", compile_verifier(Environment.load(home, lazy=True)).encode())
    return 0
