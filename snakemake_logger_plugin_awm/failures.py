"""What failed, why, and how to go on."""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path
from typing import Any, Protocol

TAIL = 15  # lines of a failed job's log that are shown
SHOWN = 8  # failures that are shown in full as they happen; the rest only in the list at the end
LISTED = 20  # failures that the list at the end names
_STATUS = re.compile(r"returned non-zero exit status (?P<code>\d+)|died with <Signals\.(?P<signal>\w+)")


class Counts(Protocol):
    """What the summary needs to know of the progress."""

    done: int
    total: int

    def elapsed(self) -> str: ...


class Failures:
    """The failed jobs of a run."""

    def __init__(self) -> None:
        self._failed: list[tuple[str, str, str]] = []
        self._status = ""  # how the last shell command that failed ended
        self.log = ""  # where Snakemake wrote the full log of this run

    def __bool__(self) -> bool:
        return bool(self._failed)

    def add(self, rule: str, place: str, fields: dict[str, Any], with_log: bool) -> str:
        """Note a failed job; returns the lines to show now."""
        logs = [str(log) for log in fields.get("log") or ()]
        tail = _tail(logs)
        status, self._status = self._status, ""
        cause = _cause(tail) or status
        self._failed.append((rule, place, cause))
        if len(self._failed) > SHOWN:
            return ""
        lines = [f"failed: {rule} {place}".rstrip() + (f" ({status})" if status else "")]
        if with_log and tail:
            lines += [f"    {line}" for line in tail]
        elif not logs and fields.get("shellcmd"):
            lines.append(f"    {str(fields['shellcmd']).strip().splitlines()[0][:200]}")
        if logs:
            lines.append(f"    log: {', '.join(logs)}")
        return "\n".join(lines)

    def explains(self, text: str) -> bool:
        """Whether an error of Snakemake's only says once more that a job failed."""
        ended = _STATUS.search(text)
        if ended:
            self._status = f"exit code {ended['code']}" if ended["code"] else f"killed by {ended['signal']}"
            return True
        return "At least one job did not complete successfully" in text or text.startswith("Exiting because a job")

    def summary(self, progress: Counts, interrupted: bool) -> str:
        """The end of a run that did not get everything done."""
        failed = len(self._failed)
        waiting = max(0, progress.total - progress.done - failed)
        head = f"{progress.done} of {progress.total} jobs done in {progress.elapsed()}"
        if failed:
            head += f", {failed} failed"
        if waiting:
            head += f", {waiting} not run" + (" because of these" if failed and not interrupted else "")
        lines = [f"Interrupted: {head}" if interrupted else head]
        if failed:
            width = max(len(f"{rule} {place}") for rule, place, _ in self._failed[:LISTED])
            for rule, place, cause in self._failed[:LISTED]:
                lines.append(f"  {f'{rule} {place}':<{width}}  {cause}".rstrip())
            if failed > LISTED:
                lines.append(f"  ... and {failed - LISTED} more")
        lines.append("To go on: run the same command again; what is done is kept.")
        if self.log and failed:
            lines.append(f"Full log: {_relative(self.log)}")
        return "\n".join(lines)


def _tail(logs: list[str]) -> list[str]:
    """The last lines of the first log that has any."""
    for log in logs:
        try:
            with open(log, encoding="utf-8", errors="replace") as lines:
                last = [line.rstrip() for line in deque(lines, maxlen=TAIL)]
        except OSError:
            continue  # the job failed before it wrote its log: its absence is no second error
        if any(last):
            return last
    return []


def _cause(tail: list[str]) -> str:
    """The line of a log that says why: its first error, else its last line."""
    for line in tail:
        if line.lower().startswith("error:"):
            return line.partition(":")[2].strip()
    return next((line.strip() for line in reversed(tail) if line.strip()), "")


def _relative(path: str) -> str:
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return path
