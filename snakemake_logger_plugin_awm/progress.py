"""How far a run is: a bar on a terminal; elsewhere a line per job of a small run, and a few lines of a large one."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import TaskID

SMALL = 24  # jobs up to which each finished job has a line
STEPS = 10  # lines of a larger run, at least
PATIENCE = 15.0  # seconds after which a larger run says something in any case


def make_progress(total: int, stream: TextIO, nocolor: bool) -> Progress:
    """The progress that suits the stream."""
    if stream.isatty() and os.environ.get("TERM") != "dumb":
        return BarProgress(total, stream, nocolor)
    return Progress(total, stream)


class Progress:
    """Counts, and lines of text. Times are of the monotonic clock, for people only."""

    def __init__(self, total: int, stream: TextIO) -> None:
        self.total = total
        self.done = 0
        self.stream = stream
        self._began = time.monotonic()
        self._said_at = self._began
        self._said_done = 0
        self._starts: dict[int, float] = {}

    def started(self, job: int, rule: str, place: str) -> None:
        """A job was started."""
        self._starts[job] = time.monotonic()

    def failed(self, job: int) -> None:
        """A job failed."""
        self._starts.pop(job, None)

    def finished(self, job: int, rule: str, place: str) -> None:
        """A job is done; ``count`` follows."""
        took = time.monotonic() - self._starts.pop(job, time.monotonic())
        if self.total <= SMALL and not (rule == "all" and not place):
            width = len(str(self.total))
            name = f"{rule} {place}".rstrip()
            self.write(f"[{self.done + 1:>{width}}/{self.total}] {name}  {took:.1f} s")

    def count(self, done: int, total: int) -> None:
        """The number of jobs done, and of all jobs as it is known now (a checkpoint adds to it)."""
        self.done, self.total = done, total
        if total <= SMALL or done >= total:
            return
        now = time.monotonic()
        if done - self._said_done >= total / STEPS or now - self._said_at >= PATIENCE:
            self._said_done, self._said_at = done, now
            self.write(f"[{done:>{len(str(total))}}/{total}] {100 * done // total} %  {self.elapsed()}")

    def write(self, text: str) -> None:
        """Print lines for good."""
        self.stream.write(text + "\n")
        self.stream.flush()

    def elapsed(self) -> str:
        """The time since the first job could start, for people."""
        seconds = time.monotonic() - self._began
        if seconds < 60:
            return f"{seconds:.1f} s"
        minutes, seconds = divmod(round(seconds), 60)
        return f"{minutes} min {seconds:02d} s"

    def summary(self) -> str:
        """The end of a run in which everything was done."""
        return f"{self.done} job{'s' * (self.done != 1)} done in {self.elapsed()}"

    def stop(self) -> None:
        """Nothing more is shown live."""


class BarProgress(Progress):
    """One live line at the bottom of a terminal; what is written goes above it."""

    def __init__(self, total: int, stream: TextIO, nocolor: bool) -> None:
        super().__init__(total, stream)
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        self._console = Console(file=stream, no_color=nocolor or None, highlight=False)
        self._bar = Bar(
            BarColumn(bar_width=40),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            console=self._console,
            transient=True,
            refresh_per_second=8,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task: TaskID = self._bar.add_task("", total=total)
        self._running: dict[int, str] = {}
        self._bar.start()

    def started(self, job: int, rule: str, place: str) -> None:
        super().started(job, rule, place)
        self._running[job] = f"{rule} {place}".rstrip()
        self._describe()

    def failed(self, job: int) -> None:
        super().failed(job)
        self._running.pop(job, None)
        self._describe()

    def finished(self, job: int, rule: str, place: str) -> None:
        super().finished(job, rule, place)
        self._running.pop(job, None)
        self._describe()

    def count(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        self._bar.update(self._task, completed=done, total=total)

    def _describe(self) -> None:
        oldest = next(iter(self._running.values()), "")
        more = f" +{len(self._running) - 1}" if len(self._running) > 1 else ""
        self._bar.update(self._task, description=oldest + more)

    def write(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)

    def stop(self) -> None:
        self._bar.stop()
