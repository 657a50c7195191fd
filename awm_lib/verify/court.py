"""Queries over the state before and the state after, side by side."""

from __future__ import annotations

import sqlite3
import threading
from typing import Any

from awm_lib import sqltext
from awm_lib.errors import SqlError
from awm_lib.runtime import database
from awm_lib.runtime.clock import Clock
from awm_lib.runtime.database import Budget
from awm_lib.runtime.state import State
from awm_lib.runtime.statements import guarded


class Court:
    """A connection with the initial state attached as ``initial``; the final state is loaded into it."""

    def __init__(self, initial: State) -> None:
        self._lock = threading.Lock()
        self._budget = Budget()
        self._connection = database.connect(Clock(initial.now), self._budget)
        self._connection.execute("ATTACH ':memory:' AS initial")
        database.load(self._connection, initial.image)
        database.load(self._connection, initial.image, "initial")
        self._loaded = initial.image

    def query(self, final: State, sql: str) -> list[tuple[Any, ...]]:
        """Run one read-only query over the final state and ``initial.`` tables. Raises SqlError."""
        text = sqltext.stripped(sql)
        if not sqltext.is_single(text) or not sqltext.is_query(text):
            raise SqlError(f"one SELECT is expected: {text[:120]}")
        with self._lock:
            if self._loaded is not final.image:
                database.replace(self._connection, final.image)
                self._loaded = final.image
            self._budget.reset()
            with guarded(self._connection) as (_, writes, refused):
                try:
                    rows: list[tuple[Any, ...]] = self._connection.execute(text).fetchmany(2_000)
                except sqlite3.Error as error:
                    raise SqlError(f"{refused[0] if refused else error}: {text[:300]}") from None
            if writes:
                raise SqlError(f"a query may not write: {text[:120]}")
            return rows


def query(initial: State, final: State, sql: str) -> list[tuple[Any, ...]]:
    """Run one read-only query with the state after as main and the state before as ``initial``. Raises SqlError."""
    if initial.court is None:
        initial.court = Court(initial)
    court: Court = initial.court
    return court.query(final, sql)


def holds(initial: State, final: State, sql: str) -> bool:
    """Whether the first column of the query's first row is true. Raises SqlError."""
    rows = query(initial, final, sql)
    return bool(rows) and bool(rows[0][0])
