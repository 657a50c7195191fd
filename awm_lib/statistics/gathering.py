"""The facts of many environments, in their order, shared among processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from awm_lib import crew
from awm_lib.statistics.facts import Facts, gather


def gather_all(homes: Sequence[Path], jobs: int, add: Callable[[Facts], None]) -> None:
    """Call ``add`` with the facts of each environment, in their order. ``jobs`` is the most processes, 0 one a core.

    Raises AwmError for a file of an environment that cannot be read.
    """
    count = crew.members(jobs, len(homes))
    if count == 1:
        for home in homes:
            add(gather(home))
        return
    early: dict[int, Facts] = {}
    following = 0

    def report(place: int, facts: Facts) -> None:
        nonlocal following
        early[place] = facts
        while following in early:
            add(early.pop(following))
            following += 1

    crew.share(__name__, None, [str(home) for home in homes], count, report)


if __name__ == "__main__":
    crew.serve(lambda _: lambda home: gather(Path(home)))
