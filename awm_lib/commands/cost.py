"""What requests to language models have cost, by stage, and what the configured build will still take."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from awm_lib.contracts.config import Config
    from awm_lib.llm.ledger import Ledger


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--results", type=Path, default=Path("results"), help="where the build is (default results)")
    parser.add_argument("--config", type=Path, default=Path("config.yaml"), help="the settings (default config.yaml)")
    parser.add_argument("--count", type=int, help="scenarios of the build, in place of the configured count")
    parser.add_argument("--model", help="the model whose prices and averages count, in place of the configured one")
    parser.add_argument("--by", choices=["stage", "scenario", "model"], default="stage", help="what to sum up by")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the sums and the estimate."""
    from dataclasses import asdict

    from awm_lib.contracts.config import read_config_file
    from awm_lib.llm.costs import estimate, spent_by
    from awm_lib.llm.endpoint import environment, model_name
    from awm_lib.llm.ledger import Ledger

    config = read_config_file(arguments.config)
    if arguments.count is not None:
        config = config.model_copy(update={"count": arguments.count})
    ledger = Ledger(Path(config.llm.directory))
    model = arguments.model or model_name(config.llm, environment())
    spent = spent_by(ledger.lines(), arguments.by)
    expected = estimate(arguments.results, _names(config), ledger, model, config.llm.prices)
    if arguments.json:
        import json

        print(json.dumps({"spent": {name: asdict(total) for name, total in spent.items()},
                          "expected": [asdict(item) for item in expected]}, indent=1))  # fmt: skip
        return 0
    _print_spent(spent, arguments.by, ledger)
    _print_expected(expected, config, model, sum(total.usd for total in spent.values()))
    return 0


def _names(config: Config) -> list[str]:
    """The scenarios of the build; those still to be found have names that nothing is called by yet."""
    from awm_lib.synthesis.llm.accepted import accepted_rows

    names = [row.name for row in accepted_rows(config)]
    return [*names, *(f"not found yet {number}" for number in range(len(names), config.count))]


def _print_spent(spent: dict[str, Any], by: str, ledger: Ledger) -> None:
    if not spent:
        print(f"{ledger.path}: nothing was asked yet")
        return
    print(f"So far ({ledger.path}):")
    head = (by, "requests", "from cache", "failed", "input", "output", "USD", "replies", "rejected")
    rows: list[tuple[str, ...]] = [
        (name or "-", *(f"{value:,}" for value in (t.requests, t.free, t.failed, t.input, t.output)),
         f"{t.usd:,.2f}", f"{t.attempts:,}", f"{t.rejected:,}")
        for name, t in spent.items()
    ]  # fmt: skip
    totals = [
        sum(getattr(t, name) for t in spent.values()) for name in ("requests", "free", "failed", "input", "output")
    ]
    usd, replies, rejected = (sum(getattr(t, n) for t in spent.values()) for n in ("usd", "attempts", "rejected"))
    rows.append(("all", *(f"{value:,}" for value in totals), f"{usd:,.2f}", f"{replies:,}", f"{rejected:,}"))
    _print_rows(head, rows)


def _print_expected(expected: list[Any], config: Config, model: str, spent: float) -> None:
    print(f"\nStill to come for {config.count} environments with {model or 'a model that is not named yet'}:")
    rows: list[tuple[str, ...]] = [
        (item.stage, f"{item.environments:,}", f"{item.requests:,.0f}", f"{item.input:,.0f}", f"{item.output:,.0f}",
         "?" if item.usd is None else f"{item.usd:,.2f}",
         f"mean of {item.measured}" if item.measured else "a guess")
        for item in expected
    ]  # fmt: skip
    sums = [sum(getattr(item, name) for item in expected) for name in ("requests", "input", "output")]
    usd = None if any(item.usd is None for item in expected) else sum(item.usd for item in expected)
    rows.append(("all", "", *(f"{value:,.0f}" for value in sums), "?" if usd is None else f"{usd:,.2f}", ""))
    _print_rows(("stage", "environments", "requests", "input", "output", "USD", "from"), rows)
    if usd is None:
        print(f"\nPrices are not known; set llm.prices: [{{model: {model or '...'}, input: ..., output: ...}}]")
    limit = config.llm.max_cost_usd
    if limit is not None and usd is not None:
        verdict = "within" if spent + usd <= limit else "above"
        print(f"\nWith the ${spent:,.2f} spent this is {verdict} llm.max_cost_usd, ${limit:,.2f}")


def _print_rows(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    for row in [head, *rows]:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  " + "  ".join(cells).rstrip())
