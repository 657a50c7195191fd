"""How far a run is, on the screen: live on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from awm_lib.evaluation.outcome import Outcome

EVERY = 15.0
"""Seconds between two lines where nobody looks at a terminal."""


@dataclass
class Progress:
    """What a run has come to so far."""

    total: int
    """Environments of agents that ask no model, trials of models."""
    unit: str
    running: Callable[[], int] = lambda: 0
    spent: Callable[[], tuple[int, float]] = lambda: (0, 0.0)
    """Tokens and dollars so far."""
    done: int = 0
    outcomes: int = 0
    complete: int = 0
    masked: int = 0
    began: float = field(default_factory=time.monotonic)

    def report(self, outcomes: Sequence[Outcome]) -> None:
        """Take note of trials that are finished: those of one environment, or one."""
        self.done += 1
        self.outcomes += len(outcomes)
        self.complete += sum(item.complete for item in outcomes)
        self.masked += sum(item.masked for item in outcomes)

    def line(self) -> str:
        """All of it in a line."""
        counted = self.outcomes - self.masked
        share = f"{self.complete / counted:.1%}" if counted else "-"
        parts = [
            f"{self.done:,} of {self.total:,} {self.unit}",
            f"success {share} of {counted:,} trials",
            f"errors {self.masked:,}",
        ]
        running, (tokens, cost) = self.running(), self.spent()
        if running:
            parts.append(f"running {running:,}")
        if tokens:
            parts.append(f"{tokens:,} tokens")
        if cost:
            parts.append(f"${cost:,.2f}")
        parts.append(f"{time.monotonic() - self.began:.0f} s")
        return "  ".join(parts)


@contextmanager
def shown(progress: Progress) -> Iterator[Callable[[Sequence[Outcome]], None]]:
    """Show progress on stderr until the block ends; gives the function that is told of finished trials."""
    if sys.stderr.isatty():
        with _live(progress):
            yield progress.report
        return
    last = time.monotonic()

    def report(outcomes: Sequence[Outcome]) -> None:
        nonlocal last
        progress.report(outcomes)
        if time.monotonic() - last >= EVERY:
            last = time.monotonic()
            print(progress.line(), file=sys.stderr, flush=True)  # noqa: T201

    yield report


@contextmanager
def _live(progress: Progress) -> Iterator[None]:
    from rich.console import Console, Group
    from rich.live import Live
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    def view() -> Group:
        bar = ProgressBar(total=max(progress.total, 1), completed=progress.done, width=60)
        return Group(bar, Text(progress.line()))

    with Live(get_renderable=view, console=Console(stderr=True), refresh_per_second=4, transient=True):
        yield


@contextmanager
def counting(total: int, unit: str) -> Iterator[Callable[[], None]]:
    """Show how many of some things are done, on a terminal; gives the function that is told of each."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    bar = Bar(
        unit, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=Console(stderr=True),
        disable=not sys.stderr.isatty(), transient=True,
    )  # fmt: skip
    with bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)
