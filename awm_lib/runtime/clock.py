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

LAYOUT = "%Y-%m-%d %H:%M:%S"
_FUNCTIONS = ("datetime", "date", "time", "julianday", "unixepoch")

_builtin = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
_builtin_lock = threading.Lock()


class Clock:
    """Starts at the scenario's epoch and advances one second per call."""

    __slots__ = ("_epoch", "_text", "ticks")

    def __init__(self, epoch: str, ticks: int = 0) -> None:
        """``epoch`` is 'YYYY-MM-DD HH:MM:SS'; ``ticks`` are seconds since."""
        self._epoch = datetime.strptime(epoch, LAYOUT)
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


@lru_cache(maxsize=8_192)
def _evaluate(function: str, arguments: tuple[Any, ...]) -> Any:
    marks = ", ".join("?" * len(arguments))
    with _builtin_lock:
        return _builtin.execute(f"SELECT {function}({marks})", arguments).fetchone()[0]


def install(connection: sqlite3.Connection, clock: Clock) -> None:
    """Override the clock functions of a connection, before a database is loaded into it."""

    def at_clock(function: str, moment_at: int) -> Any:
        def call(*arguments: Any) -> Any:
            if len(arguments) <= moment_at:
                arguments = (*arguments, clock.now)
            else:
                moment = arguments[moment_at]
                if isinstance(moment, str) and moment.strip().lower() == "now":
                    arguments = (*arguments[:moment_at], clock.now, *arguments[moment_at + 1 :])
            return _evaluate(function, arguments)

        return call

    for function in _FUNCTIONS:
        connection.create_function(function, -1, at_clock(function, 0), deterministic=True)
    connection.create_function("strftime", -1, at_clock("strftime", 1), deterministic=True)
    connection.create_function("current_timestamp", 0, lambda: clock.now, deterministic=True)
    connection.create_function("current_date", 0, lambda: clock.now[:10], deterministic=True)
    connection.create_function("current_time", 0, lambda: clock.now[11:], deterministic=True)
