"""Queries over the state before and the state after, side by side."""

from __future__ import annotations

import sqlite3
import threading
from typing import Any

from awm_lib import sqltext
from awm_lib.errors import AwmError, SqlError
from awm_lib.runtime import database
from awm_lib.runtime.clock import Clock
from awm_lib.runtime.database import Budget
from awm_lib.runtime.schema import Table
from awm_lib.runtime.state import State, changes
from awm_lib.runtime.statements import guarded

MAX_ROWS = 2_000


class Court:
    """A connection with the initial state attached as ``initial``, and as main the initial state plus a run's changes.

    The changes of a run are made in a transaction that is rolled back before the next one: no schema is read again.
    """

    def __init__(self, initial: State) -> None:
        if initial.image is None:
            raise AwmError("only an environment's initial state can be compared with")
        self._initial = initial
        self._lock = threading.Lock()
        self._budget = Budget()
        self._connection = database.connect(Clock(initial.now), self._budget)
        self._connection.execute("ATTACH ':memory:' AS initial")
        database.load(self._connection, initial.image)
        database.load(self._connection, initial.image, "initial")
        database.declare_functions(self._connection)
        # A final state is taken as it is: its constraints held in the episode that it comes from.
        self._connection.execute("PRAGMA foreign_keys = OFF")
        self._shown: State = initial
        self._vetted: set[str] = set()

    def query(self, final: State, sql: str) -> list[tuple[Any, ...]]:
        """Run one read-only query over the final state and ``initial.`` tables. Raises SqlError."""
        with self._lock:
            if self._shown is not final:
                self._show(final)
            self._budget.reset()
            if sql in self._vetted:
                return self._run(sql, [])
            if not sqltext.is_single(sqltext.stripped(sql)) or not sqltext.is_query(sql):
                raise SqlError(f"one SELECT is expected: {sql[:120]}")
            with guarded(self._connection) as (_, writes, refused):
                rows = self._run(sql, refused)
            if writes:
                raise SqlError(f"a query may not write: {sql[:120]}")
            self._vetted.add(sql)
            return rows

    def _run(self, sql: str, refused: list[str]) -> list[tuple[Any, ...]]:
        try:
            rows: list[tuple[Any, ...]] = self._connection.execute(sqltext.stripped(sql)).fetchmany(MAX_ROWS)
        except sqlite3.Error as error:
            raise SqlError(f"{refused[0] if refused else error}: {sql[:300]}") from None
        return rows

    def _show(self, final: State) -> None:
        """Make main the final state."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._connection.execute("BEGIN")
        self._shown = self._initial
        found = changes(self._initial, final)
        # All changed rows go before any comes back, so that unique values may have been swapped.
        for change in found:
            if change.kind != "insert":
                table = self._initial.schema[change.table]
                where = " AND ".join(f'"{column}" = ?' for column in table.key)
                self._connection.execute(f'DELETE FROM main."{table.name}" WHERE {where}', change.key)
        for change in found:
            if change.after is not None:
                self._insert(self._initial.schema[change.table], dict(change.after))
        self._shown = final

    def _insert(self, table: Table, row: dict[str, Any]) -> None:
        names = [column.name for column in table.columns if not column.generated]
        listed = ", ".join(f'"{name}"' for name in names)
        marks = ", ".join("?" * len(names))
        self._connection.execute(
            f'INSERT INTO main."{table.name}" ({listed}) VALUES ({marks})', [row[name] for name in names]
        )


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
