"""The in-memory database that an episode acts in, and the way back to where it began.

A store runs inside one transaction: going back is a rollback, which costs as much as was changed, and the connection
with its prepared statements stays. Opening a fresh one costs SQLite a reading of the schema and of every
statement again. Only where a schema defers constraints to the end of a transaction, each program needs one of its own.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from awm_lib.runtime import database
from awm_lib.runtime.clock import Clock
from awm_lib.runtime.database import Budget
from awm_lib.runtime.tools import Tool

MAX_LOG = 256
"""Writes after which a store settles: they become its data, and going back means opening it anew."""


class Store:
    """A database in memory, its clock, and the moment to which it can go back."""

    __slots__ = ("_log", "_marks", "base", "budget", "clock", "connection", "deferred")

    def __init__(self, epoch: str, image: bytes, ticks: int, *, deferred: bool = False) -> None:
        """``image`` are the bytes of a database file, ``ticks`` the seconds since ``epoch``; ``deferred`` says that
        constraints are checked when a transaction ends.
        """
        self.deferred = deferred
        self.clock = Clock(epoch, ticks)
        self.budget = Budget()
        self.connection = database.connect(self.clock, self.budget)
        database.load(self.connection, image)
        self._begin(image)

    def _begin(self, image: bytes | None) -> None:
        self.base = image
        """What it can go back to."""
        self._log: list[tuple[Tool, dict[str, Any], int]] = []
        self._marks: list[int] = []
        """For each mark, how many writes had been made."""
        if not self.deferred:
            self.connection.execute("BEGIN")

    def run(self, tool: Tool, binds: dict[str, Any]) -> Any:
        """Run a tool's program. Raises what ``Tool.run`` raises; then nothing has changed."""
        if not tool.writes:
            return tool.run(self.connection, binds)
        if self.deferred:
            self.base = None
            return tool.run(self.connection, binds)
        given = dict(binds)
        try:
            data = tool.run(self.connection, binds)
        except BaseException:
            if not self.connection.in_transaction:
                self._recover()
            raise
        if not self.connection.in_transaction:  # a statement of a program ended the transaction: OR ROLLBACK
            self._recover()
            raise sqlite3.OperationalError("the program ended its transaction")
        self._log.append((tool, given, self.clock.ticks))
        if len(self._log) >= MAX_LOG and not self._marks:
            self.connection.execute("COMMIT")
            self._begin(None)
        return data

    def _recover(self) -> None:
        """Make the writes of this transaction again: SQLite rolls all of them back for one that fails.

        It does so for an interrupted or too large write, for instance. Programs are functions of their binds, the
        clock and the rows, so the same rows come out.
        """
        ticks = self.clock.ticks
        self.connection.execute("BEGIN")
        for number, (tool, binds, moment) in enumerate([*self._log, (None, {}, ticks)]):
            for index, position in enumerate(self._marks):
                if position == number:
                    self.connection.execute(f"SAVEPOINT mark_{index}")
            self.clock.set(moment)
            self.budget.reset()
            if tool is not None:
                tool.run(self.connection, dict(binds))

    def mark(self) -> int:
        """Remember this moment, to go back to it as often as wanted; not of a deferred store."""
        index = len(self._marks)
        self.connection.execute(f"SAVEPOINT mark_{index}")
        self._marks.append(len(self._log))
        return index

    def back(self, mark: int, ticks: int) -> None:
        """Go back to a mark; later ones are forgotten."""
        self.connection.execute(f"ROLLBACK TO mark_{mark}")
        del self._marks[mark + 1 :]
        del self._log[self._marks[mark] :]
        self.clock.set(ticks)

    def rewind(self, image: bytes, ticks: int) -> bool:
        """Go back to ``image`` if that is where the transaction began; say whether it was."""
        if image is not self.base:
            return False
        if self._log or self._marks:
            self.connection.execute("ROLLBACK")
            self._begin(image)
        self.clock.set(ticks)
        return True

    def serialize(self) -> bytes:
        """The database as the bytes of a file; the store can go back to these from now on, and forgets its marks."""
        if not self._log and self.base is not None:
            return self.base
        if not self.deferred:
            self.connection.execute("COMMIT")
        image = database.serialize(self.connection)
        self._begin(image)
        return image

    def close(self) -> None:
        """Free the memory."""
        self.connection.close()
