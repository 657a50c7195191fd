"""``awm statistics``: the files of all environments -> stats.duckdb, or with --report stats.duckdb -> report.html."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("database", type=Path, help="the database, such as results/stats.duckdb")
    parser.add_argument("--report", type=Path, help="write this page from the database instead of the database")
    parser.add_argument("--llm", type=Path, default=Path(".llm"), help="where the ledger of language models is")
    parser.add_argument("--jobs", "-j", type=int, default=0, help="processor cores to use (default: all)")
    parser.add_argument("--left-out", nargs="*", default=[], help="scenarios that failed before, and are not built")


def run(arguments: argparse.Namespace) -> int:
    """Write the database, or the page."""
    import json

    from awm_lib import failures, jsonfile
    from awm_lib.textfile import read_text

    if arguments.report is not None:
        from awm_lib.statistics.report import render

        jsonfile.write_bytes(arguments.report, render(arguments.database))
        return 0

    from awm_lib.statistics.database import build

    results = arguments.database.parent
    names = [json.loads(line)["name"] for line in read_text(results / "scenarios.jsonl").splitlines()]
    known = {failure.scenario: f"{failure.stage}: {failure.message}" for failure in failures.read_failures(results)}
    left_out = {name: known.get(name, "left out") for name in arguments.left_out}
    build(results, names, left_out, arguments.database, arguments.llm, arguments.jobs)
    return 0
