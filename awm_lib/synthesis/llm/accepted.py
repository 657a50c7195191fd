"""The scenarios of a build by a language model: the seeds, then those that were accepted, in the order they came.

Accepted scenarios stand in an append-only file that no rule deletes. Number n of a category is n for good: what was
accepted stays accepted, and growing the count rebuilds nothing that stands.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from awm_lib.contracts.base import Contract
from awm_lib.contracts.config import Config
from awm_lib.contracts.names import Identifier, Line, Text
from awm_lib.contracts.scenario import Scenario
from awm_lib.errors import ContractError
from awm_lib.llm.appendfile import append
from awm_lib.splits import split_of
from awm_lib.textfile import read_text

FILE = "scenarios.jsonl"


class Idea(Contract):
    """One scenario as it is found: a line of the seeds, or of the accepted ones."""

    category: Identifier
    title: Line
    description: Text
    score: int | None = None
    """How well it can be simulated, 1 to 10; absent for a seed."""
    level: str | None = None
    reasons: str | None = None
    simulated: str | None = None
    """What of it can be simulated with a database and tools."""
    left_out: str | None = None
    """What cannot."""
    round: int | None = None
    """The round of the search that found it."""
    similarity: float | None = None
    """The bounds that held then."""
    per_category: int | None = None


def read_ideas(path: Path, *, cut: bool = False) -> list[Idea]:
    """The ideas of a file, one on a line. Raises ContractError with file and line.

    ``cut`` leaves out lines that are no JSON: a full disk may have cut one off.
    """
    found = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError:
            if cut:
                continue
            raise ContractError(f"{path}, line {number}: not JSON", hint="one object on each line") from None
        found.append(Idea.parse(value, f"{path}, line {number}"))
    return found


def seeds_of(config: Config) -> list[Idea]:
    """The seeds. Raises ContractError."""
    return read_ideas(Path(config.llm.seeds))


def accepted_ideas(directory: Path) -> list[Idea]:
    """What was accepted so far."""
    path = directory / FILE
    return read_ideas(path, cut=True) if path.exists() else []


def accept(directory: Path, ideas: Iterable[Idea]) -> None:
    """Append accepted ideas, in one write."""
    lines = [json.dumps(idea.plain(), ensure_ascii=False) + "\n" for idea in ideas]
    if lines:
        append(directory / FILE, "".join(lines).encode(), durable=True)


def numbered(ideas: Iterable[Idea], tasks: int, seed: int) -> list[Scenario]:
    """Ideas as scenarios, named by category and number."""
    counts: dict[str, int] = {}
    rows = []
    for idea in ideas:
        counts[idea.category] = counts.get(idea.category, 0) + 1
        name = f"{idea.category}_{counts[idea.category]}"
        chance = int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:4], "big") >> 1
        rows.append(
            Scenario(
                name=name,
                category=idea.category,
                title=idea.title,
                description=idea.description,
                split=split_of(name, idea.category),
                tasks=tasks,
                seed=chance,
            )
        )
    return rows


def accepted_rows(config: Config) -> list[Scenario]:
    """The first ``count`` scenarios that there are: seeds, then accepted ones."""
    ideas = [*seeds_of(config), *accepted_ideas(Path(config.llm.directory))]
    return numbered(ideas[: config.count], config.tasks, config.seed)
