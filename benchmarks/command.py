"""Measure figures, each beside its floor or its peer; write docs/benchmarks.md and benchmarks/out/bench.json."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from awm_lib.errors import AwmError
from benchmarks.bench import Bench
from benchmarks.machine import describe
from benchmarks.project import ROOT
from benchmarks.report import merge, read_record, write_page, write_record
from benchmarks.suite import MEASUREMENTS, chosen, measure

COUNT = 100
QUICK_COUNT = 6


def main(words: list[str]) -> int:
    """Run the command line: 0 if all was measured and every requirement is met, 1 if not, 2 for a mistake in it."""
    parser = argparse.ArgumentParser(prog="python scripts/bench.py", description=__doc__)
    add_arguments(parser)
    try:
        return run(parser.parse_args(words))
    except AwmError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to measure, how thoroughly, and where to write it."""
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="NAME",
        help=f"measure only these, and keep what the page has of the others: {', '.join(MEASUREMENTS)}",
    )
    parser.add_argument(
        "--quick", action="store_true", help="short runs that show that all works; docs/benchmarks.md is left alone"
    )
    parser.add_argument(
        "--count", type=_positive, help=f"environments to build (default: {COUNT}, with --quick {QUICK_COUNT})"
    )
    parser.add_argument("--packs", nargs="+", default=[], help="packs to build from (default: all)")
    parser.add_argument("--results", type=Path, help="read this build where possible, instead of making one")
    parser.add_argument("--json", type=Path, help="where to write the raw numbers (default: benchmarks/out/)")
    parser.add_argument("--page", type=Path, help="where to write the page (default: docs/benchmarks.md)")


def run(options: argparse.Namespace) -> int:
    """Measure and write; 0 if everything was measured and every requirement is met, else 1."""
    names = chosen(options.only)
    if options.results is not None and not options.results.is_dir():
        raise AwmError(f"there is no directory {options.results}", hint="build it: make run")
    out = ROOT / "benchmarks" / "out"
    json_file = options.json or out / ("quick.json" if options.quick else "bench.json")
    page_file = options.page or (out / "quick.md" if options.quick else ROOT / "docs" / "benchmarks.md")
    machine = describe()  # before we are the load
    with tempfile.TemporaryDirectory(prefix="awm-bench-") as home:
        bench = Bench(
            home=Path(home),
            count=options.count or (QUICK_COUNT if options.quick else COUNT),
            packs=tuple(options.packs),
            quick=options.quick,
            results=options.results.resolve() if options.results else None,
        )
        figures, failed = measure(bench, names, lambda line: print(line, flush=True))
    if figures:
        record = merge(read_record(json_file) if options.only else {}, figures, machine, list(failed))
        write_record(json_file, record)
        write_page(page_file, record)
    missed = [figure.title for figure in figures if figure.met is False]
    asked = sum(figure.met is not None for figure in figures)
    where = f"; see {_short(page_file)}" if figures else ""
    print(f"\n{len(figures)} figures, {asked - len(missed)} of {asked} requirements met{where}")
    for name, reason in failed.items():
        print(f"  not measured: {name}: {reason.splitlines()[0]}")
    return 1 if failed or missed else 0


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of environments")
    return int(text)
