"""``awm server``: spec.json and schema.sql -> server.py."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("directory", type=Path, help="the environment's directory, such as results/e_commerce_33")


def run(arguments: argparse.Namespace) -> int:
    """Compile the tools."""
    from awm_lib.compile.server import compile_server
    from awm_lib.contracts.scenario import Scenario
    from awm_lib.contracts.spec import Spec
    from awm_lib.outputs import write_output
    from awm_lib.textfile import read_text

    home = arguments.directory
    text = compile_server(
        Scenario.read(home / "scenario.json"), Spec.read(home / "spec.json"), read_text(home / "schema.sql")
    )
    write_output(home / "server.py", text.encode())
    return 0
