"""SQL functions that could run for seconds within one step of SQLite's machine, with bounds of their own.

``printf('%.*c', 900000000, 'x')`` is one step, so a budget of steps never stops it.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from functools import lru_cache
from typing import Any

MAX_WIDTH = 10_000
"""The widest field of a format, in characters."""

_FIELD = re.compile(r"%[-+ #!0,]*(\*|[1-9]\d*)?(?:\.(\*|\d*))?l{0,2}(.?)", re.S)
_NUMBER = re.compile(r"\s*([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d{1,3})?)")
_builtin = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
_builtin_lock = threading.Lock()


def install(connection: sqlite3.Connection) -> None:
    """Put bounded functions in place of SQLite's own; beyond the bounds they fail as too long a text does."""
    for function in ("printf", "format"):
        connection.create_function(function, -1, _format, deterministic=True)


def _format(*arguments: Any) -> Any:
    if arguments:
        layout = _text(arguments[0])
        at = 1
        for size in _sizes(layout):
            if size is None:
                at += 1
            elif size == "*":
                _demand_narrow(_text(arguments[at]) if at < len(arguments) else "0")
                at += 1
            else:
                _demand_narrow(size)
    return _evaluate(arguments)


@lru_cache(maxsize=1_024)
def _sizes(layout: str) -> tuple[str | None, ...]:
    """The widths and precisions of a format's fields, as written; None where a field takes its value."""
    found: list[str | None] = []
    for width, precision, kind in _FIELD.findall(layout):
        found += [size for size in (width, precision) if size]
        if kind != "%":
            found.append(None)
    return tuple(found)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _demand_narrow(size: str) -> None:
    number = _NUMBER.match(size)
    if number and abs(float(number.group(1))) > MAX_WIDTH:
        raise OverflowError("a field is too wide")  # which SQLite takes as: string or blob too big


@lru_cache(maxsize=2_048, typed=True)
def _evaluate(arguments: tuple[Any, ...]) -> Any:
    marks = ", ".join("?" * len(arguments))
    with _builtin_lock:
        return _builtin.execute(f"SELECT printf({marks})", arguments).fetchone()[0]
