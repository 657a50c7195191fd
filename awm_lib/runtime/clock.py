"""The logical clock of an episode, and SQLite's clock functions on it.

Nothing in an episode reads the wall clock: ``datetime('now')``, ``CURRENT_TIMESTAMP`` and their kin see the logical
clock. They are registered as deterministic, or generated columns and indexes that use them would be refused.
"""

from __future__ import annotations

import sqlite3
import threading
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from awm_lib.runtime import bounded

_FUNCTIONS = ("datetime", "date", "time", "julianday", "unixepoch")
_NOW = frozenset({"now", "subsec", "subsecond"})
"""What SQLite takes as the present when it stands for a moment."""

_builtin = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
_builtin_lock = threading.Lock()


class Clock:
    """Starts at the scenario's epoch and advances one second per call."""

    __slots__ = ("_epoch", "_text", "ticks")

    def __init__(self, epoch: str, ticks: int = 0) -> None:
        """``epoch`` is 'YYYY-MM-DD HH:MM:SS'; ``ticks`` are seconds since."""
        self._epoch = datetime.fromisoformat(epoch)
        self.ticks = ticks
        self._text = str(self._epoch + timedelta(seconds=ticks))

    def advance(self, seconds: int = 1) -> None:
        """Let time pass."""
        self.set(self.ticks + seconds)

    def set(self, ticks: int) -> None:
        """Set the seconds since the epoch."""
        self.ticks = ticks
        self._text = str(self._epoch + timedelta(seconds=ticks))

    @property
    def now(self) -> str:
        """'YYYY-MM-DD HH:MM:SS'."""
        return self._text


def _is_zone(modifier: Any) -> bool:
    """Whether a modifier asks for the machine's time zone; logical time has none."""
    text = modifier.decode(errors="replace") if isinstance(modifier, bytes) else modifier
    return isinstance(text, str) and text.lower() in ("localtime", "utc")


@lru_cache(maxsize=8_192)
def _evaluate(function: str, arguments: tuple[Any, ...]) -> Any:
    marks = ", ".join("?" * len(arguments))
    with _builtin_lock:
        return _builtin.execute(f"SELECT {function}({marks})", arguments).fetchone()[0]


def install(connection: sqlite3.Connection, clock: Clock) -> None:
    """Override the clock functions of a connection (and those that need bounds), before a database is loaded."""
    bounded.install(connection)

    def moment(value: Any) -> Any:
        text = value.decode(errors="replace") if isinstance(value, bytes) else value
        return clock.now if isinstance(text, str) and text.strip().lower() in _NOW else text

    def at_clock(function: str, moment_at: int) -> Any:
        def call(*arguments: Any) -> Any:
            # Most calls are of a stored moment alone, often over all rows of a table.
            if moment_at == 0 and len(arguments) == 1 and type(arguments[0]) is str and arguments[0][:1].isdigit():
                return _evaluate(function, arguments)
            if len(arguments) < moment_at:
                return None
            given = arguments[moment_at] if len(arguments) > moment_at else "now"
            modifiers = [word for word in arguments[moment_at + 1 :] if not _is_zone(word)]
            return _evaluate(function, (*arguments[:moment_at], moment(given), *modifiers))

        return call

    for function in _FUNCTIONS:
        connection.create_function(function, -1, at_clock(function, 0), deterministic=True)
    connection.create_function("strftime", -1, at_clock("strftime", 1), deterministic=True)
    if sqlite3.sqlite_version_info >= (3, 43):
        connection.create_function(
            "timediff", 2, lambda one, two: _evaluate("timediff", (moment(one), moment(two))), deterministic=True
        )
    connection.create_function("current_timestamp", 0, lambda: clock.now, deterministic=True)
    connection.create_function("current_date", 0, lambda: clock.now[:10], deterministic=True)
    connection.create_function("current_time", 0, lambda: clock.now[11:], deterministic=True)
