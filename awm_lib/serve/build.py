"""Building what a server needs, when it is not there or older than what it is made of."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from awm_lib.contracts.names import check_scenario_name
from awm_lib.errors import AwmError, UnknownName

NEEDED = ("scenario.json", "tasks.json", "schema.sql", "spec.json", "seed.sqlite", "server.py")
_MADE_FROM = {"seed.sqlite": ("schema.sql", "seed.json"), "server.py": ("spec.json", "schema.sql")}


def ready(name: str, results: Path) -> Path:
    """The directory of a scenario, built first if needed.

    Raises ContractError for what is no name, UnknownName (with the nearest) for a scenario that is neither built nor in
    the catalogue, and AwmError if it cannot be built.
    """
    directory = results / check_scenario_name(name)
    missing = [file for file in NEEDED if not (directory / file).is_file()]
    if _is_own(results):
        reason = f"it has no {missing[0]} yet" if missing else outdated(directory)
        if reason is not None:
            build(directory, reason)
    elif missing:
        if not directory.is_dir():
            raise UnknownName("built environment", name, built(results))
        raise AwmError(f"{directory} has no {missing[0]}", hint="build it in the project's directory, into results/")
    return directory


def rebuild(directory: Path, results: Path) -> bool:
    """Run the workflow for a server that is out of date; false where the workflow does not make these results."""
    if not _is_own(results):
        return False
    build(directory, "server.py is not what its sources compile to")
    return True


def _is_own(results: Path) -> bool:
    """Whether the workflow of the current directory makes these results; others are served as they are."""
    return Path("Snakefile").is_file() and results.resolve() == Path("results").resolve()


def outdated(directory: Path) -> str | None:
    """Which compiled file is older than what it is made of, if one is; the workflow judges whether that matters."""
    for name, sources in _MADE_FROM.items():
        made = (directory / name).stat().st_mtime_ns
        for source in sources:
            file = directory / source
            if file.is_file() and file.stat().st_mtime_ns > made:
                return f"{source} is newer than {name}"
    return None


def build(directory: Path, reason: str) -> None:
    """Run the workflow for one environment's server, with its output on the screen."""
    known = catalogue(directory.parent)
    if known and directory.name not in known:
        raise UnknownName("scenario", directory.name, known)
    print(f"building {directory}: {reason}", file=sys.stderr, flush=True)  # noqa: T201
    targets = [f"results/{directory.name}/{file}" for file in NEEDED]
    done = subprocess.run([sys.executable, "-m", "snakemake", *targets], stdout=sys.stderr, check=False)
    if done.returncode != 0:
        raise AwmError(f"building {directory} failed", hint="the lines above say why; then run the same command again")


def built(results: Path) -> list[str]:
    """The names of the environments that have a server."""
    return sorted(server.parent.name for server in results.glob("*/server.py"))


def catalogue(results: Path) -> list[str]:
    """The names of all scenarios: those of the catalogue, if it has been written, and those that are built."""
    names = set(built(results))
    listing = results / "scenarios.jsonl"
    if not listing.is_file():
        return []
    for number, line in enumerate(listing.read_text().splitlines(), 1):
        try:
            names.add(json.loads(line)["name"])
        except (ValueError, KeyError, TypeError):
            raise AwmError(
                f"{listing}, line {number} is not a scenario", hint=f"delete {listing} and build it anew"
            ) from None
    return sorted(names)
