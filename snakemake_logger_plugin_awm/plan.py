"""What a dry run would do: a line per rule with the number of its jobs and their reasons."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

# The beginnings of Snakemake's reasons, and what the table says.
_REASONS = (
    ("Missing output files", "missing"),
    ("Incomplete output files", "incomplete"),
    ("Updated input files", "input edited"),
    ("Set of input files has changed", "other inputs"),
    ("Code has changed", "rule changed"),
    ("Params have changed", "recipe changed"),
    ("Software environment", "software changed"),
    ("Forced execution", "forced"),
    ("Rules with neither input nor output", "always runs"),
    ("Rules with a run or shell declaration but no output", "always runs"),
    ("Input files updated by another job", "follows"),
)
_FOLLOWS = "follows"
_EXAMPLES = 3
_PARTS = re.compile(r"; (?=[A-Z])")


class Plan:
    """The jobs of a dry run, in the order in which Snakemake tells them."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._jobs: list[tuple[str, str, str]] = []

    def add(self, rule: str, place: str, reason: str) -> None:
        """Note a job: its rule, its wildcards, and Snakemake's reason for running it."""
        self._jobs.append((rule, place, short_reason(reason)))

    def table(self) -> str:
        """The table; empty if there is nothing to do."""
        if not self.counts:
            return ""
        places: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for rule, place, reason in self._jobs:
            places[rule][reason].append(place)
        order = Counter(self.counts)
        rows = [("rule", "jobs", "why")]
        for rule in sorted(order, key=lambda name: self._first(name)):
            causes = sorted(places[rule].items(), key=lambda item: (item[0] == _FOLLOWS, -len(item[1]), item[0]))
            reasons = [_describe(reason, sorted(found, key=_natural)) for reason, found in causes]
            rows.append((rule, str(order[rule]), "; ".join(reasons)))
        rows.append(("total", str(sum(order.values())), ""))
        first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
        lines = [f"{rule:<{first}}  {jobs:>{second}}  {why}".rstrip() for rule, jobs, why in rows]
        return "\n".join([*lines, "This was a dry run: nothing was changed."])

    def listing(self) -> str:
        """Every job in a line: rule, wildcards and reason, separated by tabs, in the order of rule and wildcards."""
        jobs = sorted(self._jobs, key=lambda job: (job[0], _natural(job[1])))
        return "\n".join("\t".join(job) for job in jobs)

    def _first(self, rule: str) -> int:
        for position, job in enumerate(self._jobs):
            if job[0] == rule:
                return position
        return len(self._jobs)


def short_reason(reason: str) -> str:
    """Snakemake's reason in a few words; what only follows from other jobs is named only where it is all."""
    found = []
    for part in _PARTS.split(reason):
        for start, short in _REASONS:
            if part.startswith(start):
                found.append(short)
                break
        else:
            found.append(part.partition(":")[0].strip() or "?")
    own = [each for each in dict.fromkeys(found) if each != _FOLLOWS]
    return ", ".join(own) or _FOLLOWS


def _natural(text: str) -> list[tuple[int, str]]:
    """A key that sorts shop_2 before shop_10."""
    return [(int(part or 0), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", text)]


def _describe(reason: str, places: list[str]) -> str:
    if reason == _FOLLOWS:
        return f"{len(places)} follow from these" if len(places) > 1 else "follows from these"
    examples = ", ".join(place for place in places[:_EXAMPLES] if place)
    more = ", ..." if len(places) > _EXAMPLES else ""
    return f"{reason} ({examples}{more})" if examples else reason
