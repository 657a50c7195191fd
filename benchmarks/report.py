"""docs/benchmarks.md, and the same as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from awm_lib import jsonfile
from awm_lib.contracts.base import read_json
from benchmarks.figure import Figure

GROUPS = {
    "proof": ("What is proven", "Read from the certificates of the build, which executed all of it."),
    "environments": (
        "What the environments are like",
        "Counted in the files of the build: the mean of all environments, or of all tasks.",
    ),
    "build": (
        "Building",
        "In fresh copies of the project in a temporary directory: nothing built, no byte code, no worker running.",
    ),
    "runtime": (
        "Episodes and calls in process",
        "Medians of rounds in which ours and the floor take turns. One thread.",
    ),
    "evaluation": ("Evaluation", "Whole commands, from the start of the process to its end."),
    "serving": ("Serving", "A server process of its own, over TCP on the loopback interface."),
}
"""Name -> heading and a sentence below it, in the page's order."""

_INTRODUCTION = """\
# Benchmarks

<!-- Written by `make bench`. -->

What `make bench` measured last, each figure beside its floor or its peer: what the same thing costs without this
project, measured in the same run. A floor says how much there is left to win; where it is close to the requirement, the
machine is too slow or too busy for the figure to mean much.

    make bench                                     # all, in a few minutes; writes this page
    make bench ARGS="--only read mcp"              # measures some again, and keeps the other figures of the page
    make bench ARGS="--quick"                      # seconds: shows that everything works; leaves this page alone
    make bench ARGS="--only certificates --results results"     # reads an existing build instead of making one

`benchmarks/out/bench.json` has the raw numbers. Nothing else should run meanwhile: the load average before the run is
given below, and rounds or repeats are taken only where they are cheap (the whole build is run once).
"""
_PROFILE = """\
## Where the time of a build goes

CPU, not wall time. Each part is measured apart: Snakemake by a workflow of the same shape whose jobs only touch their
files, clients and worker by commands without work, each stage's work in forked children of a warm process, for some
environments of the catalogue.
"""


def merge(
    before: dict[str, Any], figures: Sequence[Figure], machine: dict[str, str], failed: Sequence[str]
) -> dict[str, Any]:
    """The record of a run: its figures in place of earlier ones of the same names, and what could not be measured."""
    replaced = {figure.name: figure.plain() for figure in figures}
    kept = {str(item["name"]): item for item in before.get("figures", [])}
    return {"machine": machine, "figures": list({**kept, **replaced}.values()), "failed": list(failed)}


def read_record(path: Path) -> dict[str, Any]:
    """An earlier record, empty if there is none. Raises ContractError if it is not JSON."""
    return dict(read_json(path)) if path.is_file() else {}


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Write a record as JSON."""
    jsonfile.write_bytes(path, jsonfile.encode(record))


def write_page(path: Path, record: dict[str, Any]) -> None:
    """Write the page of a record."""
    jsonfile.write_bytes(path, page(record).encode())


def page(record: dict[str, Any]) -> str:
    """The page as Markdown."""
    figures = [Figure(**item) for item in record["figures"]]
    parts = [_INTRODUCTION, _verdict(figures, record.get("failed", [])), _machine(record["machine"])]
    for group, (heading, sentence) in GROUPS.items():
        rows = [figure for figure in figures if figure.group == group]
        if rows:
            parts.append(f"## {heading}\n\n{sentence}\n\n{_table(rows)}")
    profile = [figure for figure in figures if figure.group == "profile"]
    if profile:
        lines = ["| Part | CPU | Share of the build | How measured |", "| --- | ---: | ---: | --- |"]
        lines += [_row(figure.title, figure.measured, figure.beside, figure.how) for figure in profile]
        parts.append(_PROFILE + "\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def _verdict(figures: Sequence[Figure], failed: Sequence[str]) -> str:
    asked = [figure for figure in figures if figure.met is not None]
    missed = [figure.title for figure in asked if not figure.met]
    text = f"{len(asked) - len(missed)} of {len(asked)} requirements are met."
    if missed:
        text += f" Missed: {'; '.join(missed)}."
    if failed:
        text += f" Not measured, because something failed: {', '.join(failed)}."
    return text + "\n"


def _machine(machine: dict[str, str]) -> str:
    return "## Machine\n\n" + ", ".join(f"{name} {value}" for name, value in machine.items()) + ".\n"


def _table(figures: Sequence[Figure]) -> str:
    lines = [
        "| Figure | Required | Measured | Met | Floor or peer | How measured |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for figure in figures:
        met = {True: "yes", False: "**no**", None: ""}[figure.met]
        lines.append(_row(figure.title, figure.required, figure.measured, met, figure.beside, figure.how))
    return "\n".join(lines) + "\n"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
