"""One run of an agent in a world of its own: an in-memory database, a clock, and the tools."""

from __future__ import annotations

import difflib
import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from awm_lib.errors import AwmError, UnknownName
from awm_lib.runtime.clock import Clock
from awm_lib.runtime.results import Refusal, ToolError, ToolResult
from awm_lib.runtime.state import Change, State, changes
from awm_lib.runtime.store import Store
from awm_lib.runtime.values import FROM_SQL

if TYPE_CHECKING:
    from awm_lib.runtime.environment import Environment
    from awm_lib.verify.verdict import Verdict


_CONSTRAINTS = {
    "SQLITE_CONSTRAINT_UNIQUE": ("conflict", "it exists already"),
    "SQLITE_CONSTRAINT_PRIMARYKEY": ("conflict", "it exists already"),
    "SQLITE_CONSTRAINT_FOREIGNKEY": (
        "not_found",
        "something that it refers to does not exist, or is still referred to",
    ),
    "SQLITE_CONSTRAINT_CHECK": ("invalid_arguments", "a value is outside what is allowed"),
    "SQLITE_CONSTRAINT_NOTNULL": ("invalid_arguments", "a value is missing"),
}
_LIMITS = ("SQLITE_INTERRUPT", "SQLITE_TOOBIG", "SQLITE_NOMEM", "SQLITE_FULL")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment of an episode, to come back to."""

    image: bytes
    ticks: int
    calls: int
    written: frozenset[str] = frozenset()
    """Tables that calls may have written to so far."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment of an episode that only this episode can come back to; much cheaper than a snapshot."""

    index: int
    ticks: int
    calls: int
    written: frozenset[str]


class Episode:
    """A world in memory that only its own calls change. Calls from several threads are serialized."""

    def __init__(self, environment: Environment, task: str | None, start: Snapshot) -> None:
        self.environment = environment
        self.task = task
        self.calls = start.calls
        """Tool calls made so far."""
        self._lock = threading.Lock()
        self._opened: Store | None = environment.open_store(start.image, start.ticks)
        self._written = set(start.written)
        self._user_id = environment.context.user.id

    @property
    def _store(self) -> Store:
        if self._opened is None:
            raise AwmError("the episode is closed", hint="start another one: env.start()")
        return self._opened

    @property
    def clock(self) -> Clock:
        """The logical clock."""
        return self._store.clock

    @property
    def now(self) -> str:
        """The clock: 'YYYY-MM-DD HH:MM:SS'."""
        return self.clock.now

    @property
    def row_changes(self) -> int:
        """Rows written so far, those of rolled back programs included; it stands still while only reads run."""
        return self._store.connection.total_changes

    def call(self, name: str, arguments: dict[str, Any] | None = None) -> ToolResult:
        """Call a tool. Never raises for what an agent does: a refused call is a result with an error.

        The clock advances by one second, and the database changes only if the whole program succeeds.
        """
        with self._lock:
            store = self._store
            store.clock.advance()
            self.calls += 1
            tool = self.environment.tools.get(name) if isinstance(name, str) else None
            if tool is None:
                return ToolResult(error=ToolError("unknown_tool", _unknown_tool(name, self.environment.tools)))
            store.budget.reset()
            if tool.writes:
                self._written |= tool.written
            try:
                binds = tool.bind({} if arguments is None else arguments)
                binds["_user_id"] = self._user_id
                binds["_now"] = store.clock.now
                return ToolResult(store.run(tool, binds))
            except Refusal as refusal:
                return ToolResult(error=refusal.error)
            except sqlite3.Error as error:
                return ToolResult(error=_from_sqlite(error))
            except (OverflowError, ValueError, RecursionError) as error:
                return ToolResult(error=ToolError("internal", f"{type(error).__name__}: {error}"))

    def reset(self) -> None:
        """Go back to the initial state, in microseconds."""
        self.restore(self.environment.beginning)

    def snapshot(self) -> Snapshot:
        """Remember this moment."""
        with self._lock:
            return Snapshot(self._store.serialize(), self.clock.ticks, self.calls, frozenset(self._written))

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a remembered moment."""
        with self._lock:
            if not self._store.rewind(snapshot.image, snapshot.ticks):
                self._store.close()
                self._opened = self.environment.open_store(snapshot.image, snapshot.ticks)
            self.calls = snapshot.calls
            self._written = set(snapshot.written)

    def mark(self) -> Mark | Snapshot:
        """Remember this moment, until the episode goes back to an earlier one, or is copied."""
        if self._store.deferred:
            return self.snapshot()
        with self._lock:
            return Mark(self._store.mark(), self.clock.ticks, self.calls, frozenset(self._written))

    def back(self, mark: Mark | Snapshot) -> None:
        """Go back to a mark, as often as wanted."""
        if isinstance(mark, Snapshot):
            self.restore(mark)
            return
        with self._lock:
            self._store.back(mark.index, mark.ticks)
            self.calls = mark.calls
            self._written = set(mark.written)

    def fork(self) -> Episode:
        """Another episode that starts where this one is; neither sees the other."""
        return Episode(self.environment, self.task, self.snapshot())

    def image(self) -> bytes:
        """The database as the bytes of a file."""
        with self._lock:
            return self._store.serialize()

    def state(self) -> State:
        """All rows as they are now."""
        with self._lock:
            self._store.budget.reset()
            initial = self.environment.initial.tables if self.environment.writes_are_known else {}
            unchanged = {name: rows for name, rows in initial.items() if name not in self._written}
            return State.read(self._store.connection, self.environment.schema, self.clock.now, unchanged)

    def changes(self) -> list[Change]:
        """The rows that differ from the initial state."""
        return changes(self.environment.initial, self.state())

    def rows(self, table: str, limit: int = 50, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
        """Some rows of a table as agents would see their values, and the number of all. Raises UnknownName."""
        found = self.environment.schema.get(table)
        if found is None:
            raise UnknownName("table", table, self.environment.schema)
        with self._lock:
            self._store.budget.reset()
            total = self._store.connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
            rows = self._store.connection.execute(
                f'SELECT * FROM "{table}" ORDER BY {", ".join(found.key)} LIMIT ? OFFSET ?',
                (limit, offset),
            ).fetchall()
        kinds = [(column.name, FROM_SQL.get(column.type)) for column in found.columns]
        shown = [
            {name: convert(value) if convert else value for (name, convert), value in zip(kinds, row, strict=True)}
            for row in rows
        ]
        return shown, total

    def verify(self, answer: str | None = None, *, task: str | None = None) -> Verdict:
        """Judge the state as it is now, and the submitted answer, for the episode's task (or another one).

        Raises AwmError if there is no task to judge.
        """
        chosen = task or self.task
        if chosen is None:
            raise AwmError("the episode has no task to verify", hint="start it with env.start(task='t01')")
        return self.environment.verifier(chosen)(self.environment.initial, self.state(), answer)

    def close(self) -> None:
        """Free the memory; the episode cannot be used afterwards."""
        with self._lock:
            if self._opened is not None:
                self.environment.close_store(self._opened)
                self._opened = None


def _unknown_tool(name: str, tools: Iterable[str]) -> str:
    shown = str(name)[:80]
    close = difflib.get_close_matches(shown, tools, n=1, cutoff=0.5)
    return f"there is no tool {shown!r}" + (f"; did you mean {close[0]}?" if close else "; see the list of tools")


def _from_sqlite(error: sqlite3.Error) -> ToolError:
    name = getattr(error, "sqlite_errorname", "")
    detail = str(error).removesuffix(" constraint failed")
    if name in _CONSTRAINTS:
        kind, meaning = _CONSTRAINTS[name]
        where = str(error).split(": ", 1)[1] if ": " in str(error) else ""
        return ToolError(kind, f"{meaning} ({where})" if where else meaning)  # type: ignore[arg-type]
    if detail.startswith("cannot store"):  # a STRICT table; Python 3.11 has no name for this error
        return ToolError("invalid_arguments", f"a value is of the wrong type ({detail})")
    if name in _LIMITS or any(words in detail for words in ("interrupted", "too big", "too complex")):
        return ToolError("limit_exceeded", f"the call asks for too much ({detail}); ask for less")
    return ToolError("internal", f"{name or type(error).__name__}: {detail}")
