"""List the tools of a running server, or check built environments by really starting a server for each."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from awm_lib.contracts.names import check_scenario_name
from awm_lib.errors import AwmError, UnknownName
from awm_lib.serve.build import built

if TYPE_CHECKING:
    import mcp_types

    from awm_lib.serve.probe import Finding


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Exactly one of a running server, all environments, or one."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("scenario", nargs="?", help="check this built environment, such as e_commerce_33")
    what.add_argument("--all", action="store_true", help="check every built environment")
    what.add_argument("--url", help="list the tools of a running server, such as http://127.0.0.1:8001/mcp")
    parser.add_argument(
        "--results", type=Path, default=Path("results"), help="where they are built (default: %(default)s)"
    )
    parser.add_argument("--jobs", "-j", type=int, default=0, help="servers at once (default: as many as processors)")


def run(args: argparse.Namespace) -> int:
    """0 if everything that was asked for works, 1 if an environment does not."""
    if args.url:
        from awm_lib.serve.probe import list_tools

        print_tools(asyncio.run(list_tools(args.url)))
        return 0
    findings = _check(_directories(args), args.jobs)
    failed = [finding for finding in findings if finding.problem]
    if not args.all and not failed:
        (done,) = findings
        print(f"{done.name}: ok, {done.tools} tools, ready in {done.seconds:.2f} s, called {done.called}, reset")
        return 0
    if args.all:
        slowest = max(finding.seconds for finding in findings)
        counts = f"{len(findings)} checked, {len(findings) - len(failed)} ok, {len(failed)} failed"
        print(f"{counts}; slowest start {slowest:.2f} s")
    return 1 if failed else 0


def _directories(args: argparse.Namespace) -> list[Path]:
    names = built(args.results)
    if args.all:
        if not names:
            raise AwmError(f"nothing is built in {args.results}", hint="snakemake results/all_envs.done")
        return [args.results / name for name in names]
    name = check_scenario_name(args.scenario)
    if name not in names:
        raise UnknownName("built environment", name, names)
    return [args.results / name]


def _check(directories: Sequence[Path], jobs: int) -> list[Finding]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    from awm_lib.serve.probe import check_all

    # Alone, a check is over before a bar would be read.
    bar = Progress(
        "checking", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=Console(stderr=True),
        disable=len(directories) == 1 or not sys.stderr.isatty(), transient=True,
    )  # fmt: skip
    with bar:
        task = bar.add_task("", total=len(directories))

        def report(finding: Finding) -> None:
            bar.advance(task)
            if finding.problem:
                bar.console.print(f"{finding.name}: {finding.problem}", markup=False, highlight=False, soft_wrap=True)

        return asyncio.run(check_all(directories, report, jobs))


def print_tools(tools: Sequence[mcp_types.Tool]) -> None:
    """A table of tools: name, effect, parameters (those that may be left out with a question mark), summary."""
    rows = [(tool.name, _effect(tool), _parameters(tool), (tool.description or "").split(". ")[0]) for tool in tools]
    header = ("TOOL", "EFFECT", "PARAMETERS", "SUMMARY")
    widths = [min(max(len(row[at]) for row in [header, *rows]), 60) for at in range(3)]
    for row in [header, *rows]:
        print("  ".join([*(text.ljust(width) for text, width in zip(row[:3], widths, strict=True)), row[3]]).rstrip())
    print(f"{len(tools)} tools")


def _effect(tool: mcp_types.Tool) -> str:
    hints = tool.annotations
    if hints is None:
        return "?"
    return "read" if hints.read_only_hint else "destroy" if hints.destructive_hint else "write"


def _parameters(tool: mcp_types.Tool) -> str:
    required = set(tool.input_schema.get("required", []))
    names = tool.input_schema.get("properties", {})
    return ", ".join(name if name in required else f"{name}?" for name in names) or "-"
