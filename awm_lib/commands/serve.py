"""Serve one environment: its tools over MCP and REST, and a page to look at it. It is built first if needed."""

from __future__ import annotations

import argparse
from pathlib import Path

from awm_lib.errors import StaleView
from awm_lib.serve.build import ready, rebuild
from awm_lib.serve.server import add_options, serve_directory


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to serve, and where."""
    parser.add_argument("scenario", help="name of the environment, such as e_commerce_33")
    parser.add_argument(
        "--results", type=Path, default=Path("results"), help="where it is built (default: %(default)s)"
    )
    add_options(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until the process is told to stop."""
    directory = ready(args.scenario, args.results)
    try:
        return serve_directory(directory, args)
    except StaleView as error:
        # A newer version of this project compiles other text; a file that a person changed stays refused.
        if not rebuild(directory, args.results):
            raise error from None
    return serve_directory(directory, args)
