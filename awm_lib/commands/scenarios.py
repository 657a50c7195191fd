"""``awm scenarios``: write the catalogue, a line of JSON for each scenario; a language model finds those that lack."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from awm_lib.contracts.config import Config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("target", type=Path, help="the file to write, such as results/scenarios.jsonl")
    parser.add_argument("--count", type=int, default=1000, help="scenarios (default 1000)")
    parser.add_argument("--seed", type=int, default=1, help="starts every choice (default 1)")
    parser.add_argument("--tasks", type=int, default=10, help="tasks per environment (default 10)")
    parser.add_argument("--packs", nargs="*", default=[], help="packs to draw on (default all)")
    parser.add_argument(
        "--provider", choices=["offline", "openai", "azure"], default="offline",
        help="where scenarios come from: packs (offline, the default), or seeds and a language model",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Write the catalogue."""
    import json

    from awm_lib import jsonfile
    from awm_lib.contracts.config import read_config

    settings = {name: getattr(arguments, name) for name in ("provider", "count", "seed", "tasks", "packs")}
    if arguments.provider == "offline":
        from awm_lib.synthesis.offline.catalogue import catalogue

        config = read_config(settings, "the command line")
        rows = catalogue(config.packs, config.count, config.seed, config.tasks)
    else:
        from awm_lib.llm.settings import effective
        from awm_lib.synthesis.llm.accepted import accepted_rows

        config = read_config({**settings, "llm": effective()[1].plain()}, "the command line")
        if len(accepted_rows(config)) < config.count:
            _find(config)
        rows = accepted_rows(config)
    lines = [json.dumps(row.plain(), ensure_ascii=False) for row in rows]
    jsonfile.write_bytes(arguments.target, ("\n".join(lines) + "\n").encode())
    return 0


def _find(config: Config) -> None:
    """Have scenarios found, with a bar on a terminal and lines elsewhere."""
    import asyncio

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from awm_lib.llm.client import open_client
    from awm_lib.llm.embedding import embedder
    from awm_lib.llm.endpoint import resolve_endpoint
    from awm_lib.synthesis.llm.propose import Search

    endpoint = resolve_endpoint(config.llm, provider=config.provider)
    console = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else 200)
    columns = (TextColumn("scenarios"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as bar:
        line = bar.add_task("scenarios", total=config.count)

        async def search() -> None:
            async with open_client(endpoint, config.llm) as client, embedder(config.llm) as embed:
                found = Search(config, client, embed, lambda text: console.print(text, markup=False))
                await found.run(lambda done: bar.update(line, completed=done))

        asyncio.run(search())
