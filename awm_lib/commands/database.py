"""``awm database``: schema.sql and seed.json -> seed.sqlite."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("directory", type=Path, help="the environment's directory, such as results/e_commerce_33")


def run(arguments: argparse.Namespace) -> int:
    """Compile the database."""
    from awm_lib.compile.database import build_database
    from awm_lib.contracts.seed import Seed
    from awm_lib.outputs import write_output
    from awm_lib.textfile import read_text

    home = arguments.directory
    schema, seed = read_text(home / "schema.sql"), Seed.read(home / "seed.json")
    write_output(home / "seed.sqlite", build_database(schema, seed))
    return 0
