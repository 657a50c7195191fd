"""Ask what the built environments contain: a query over results/stats.duckdb, or without one an overview."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from awm_lib.statistics.query import Answer

SHOWN = 200
"""Rows that a table on the terminal shows; CSV and JSON have all."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "sql", nargs="?", help="one query in DuckDB's SQL; docs/statistics.md has the tables and examples"
    )
    parser.add_argument("--results", type=Path, default=Path("results"), help="where the build is (default results)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="print comma-separated values")
    form.add_argument("--json", action="store_true", help="print a JSON list of objects")
    form.add_argument("--tables", action="store_true", help="explain every table and column (Markdown)")


def run(arguments: argparse.Namespace) -> int:
    """Print the answer."""
    from awm_lib.statistics.tables import TABLES
    from awm_lib.tables import reference

    if arguments.tables:
        print(reference(TABLES), end="")
        return 0

    from awm_lib.statistics.overview import BY_CATEGORY, headline
    from awm_lib.statistics.query import ask, opened

    with opened(arguments.results / "stats.duckdb") as connection:
        title = None if arguments.sql else headline(connection)
        answer = ask(connection, arguments.sql or BY_CATEGORY)
    if arguments.csv:
        _print_csv(answer)
    elif arguments.json:
        _print_json(answer)
    else:
        _print_table(answer, title)
    return 0


def _print_csv(answer: Answer) -> None:
    import csv
    import json

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(answer.columns)
    for row in answer.rows:
        writer.writerow(
            [json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value for value in row]
        )


def _print_json(answer: Answer) -> None:
    import json

    print(json.dumps(answer.records(), ensure_ascii=False, indent=1, default=_plain))


def _plain(value: Any) -> Any:
    """What JSON has no type for: exact decimals as numbers, everything else as text."""
    from decimal import Decimal

    return float(value) if isinstance(value, Decimal) else str(value)


def _print_table(answer: Answer, title: str | None) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # Where nobody looks at a window, nothing is cut to its width.
    console = Console(width=None if sys.stdout.isatty() else 100_000, highlight=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for position, name in enumerate(answer.columns):
        numeric = any(_is_number(row[position]) for row in answer.rows)
        table.add_column(Text(name), justify="right" if numeric else "left", overflow="fold")
    for row in answer.rows[:SHOWN]:
        table.add_row(*(Text(_shown(value)) for value in row))
    if title:
        console.print(Text(title))
    with console.capture() as captured:
        console.print(table)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()).strip("\n"))
    if len(answer.rows) > SHOWN:
        print(f"... and {len(answer.rows) - SHOWN:,} more rows; LIMIT them, or take --csv or --json for all")


def _is_number(value: Any) -> bool:
    from decimal import Decimal

    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    """A value in a cell: nothing for NULL, at most two decimals, lists without quotes."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in value)
    return str(value)
