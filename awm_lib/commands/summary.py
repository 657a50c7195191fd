"""``awm summary``: what is built, and what to try next."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--results", type=Path, default=Path("results"), help="where the build is (default results)")
    parser.add_argument(
        "--since", type=float, help="when the build began, in seconds since 1970, to show how long it took"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the summary."""
    import time

    from awm_lib.gate import Summary

    found = Summary.read(arguments.results / "all_envs.done")
    kills = found.mutants - found.mutants_equivalent
    share = found.mutants_killed / kills if kills else 0.0
    rows = [
        ("environments", f"{found.environments}, {found.certified} certified"),
        ("tools", f"{found.tools:,} over {found.tables:,} tables with {found.rows:,} rows"),
        ("tasks", f"{found.tasks:,}, {found.tasks_proven:,} proven solvable and safe from doing nothing"),
        ("correct variants", f"{found.variants_accepted:,} of {found.variants:,} accepted"),
        (
            "near-miss runs",
            f"{found.mutants_killed:,} of {kills:,} rejected ({share:.1%}; {found.mutants_equivalent:,} equivalent)",
        ),
        ("fuzzed calls", f"{found.fuzz_calls:,}, {found.internal_errors} internal errors"),
    ]
    if arguments.since is not None:
        rows.append(("time", f"{time.time() - arguments.since:.0f} s"))
    print()
    for name, text in rows:
        print(f"  {name:18} {text}")
    for line in found.left_out:
        print(f"  left out           {line}")
    built = sorted(path.parent.name for path in arguments.results.glob("*/certificate.json"))
    example = "e_commerce_33" if "e_commerce_33" in built or not built else built[0]
    print(
        "\nTry next (after: source .venv/bin/activate):\n"
        f"  python scripts/serve.py {example}                 # tools over MCP and REST, and a page to look around\n"
        f"  xdg-open {arguments.results}/report.html                  # the whole data set on one page\n"
        f"  less {arguments.results}/{example}/server.py              # the tools as readable Python and SQL\n"
        f"  python -m json.tool {arguments.results}/{example}/certificate.json | less   # the proof of its tasks"
    )
    return 0
