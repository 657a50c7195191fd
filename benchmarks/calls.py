"""Tool calls in process, beside the same SQL without us, and beside a function that pydantic validates."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field, validate_call

from benchmarks.bench import Bench
from benchmarks.figure import Figure, at_least, count
from benchmarks.timing import Action, rates
from benchmarks.tools import KeyedCall, own_read, plain_read

READS = 30_000


def measure_read(bench: Bench) -> list[Figure]:
    """Validated reads by key a second: the plain tool that is asked for, and one of the environment's own."""
    return [
        _figure(bench, plain_read(bench.example), "read", "Validated read by key, in process", READS),
        _figure(bench, own_read(bench.example), "own_read", "The same by a tool with rules and joins", None),
    ]


def _figure(bench: Bench, call: KeyedCall, name: str, title: str, required: int | None) -> Figure:
    actions: dict[str, Action] = {"call": _ours(call), "floor": _bare(call), "peer": _pydantic(call)}
    found = rates(actions, seconds=bench.seconds, rounds=bench.rounds)
    statements = len(call.statements)
    return Figure(
        name=name,
        group="runtime",
        title=title,
        required=f"{required:,}/s" if required else "",
        measured=f"{count(found['call'])}/s",
        met=at_least(found["call"], required) if required else None,
        beside=f"floor {count(found['floor'])}/s: bare execute and fetchone of the same SQL; "
        f"peer {count(found['peer'])}/s: a function under pydantic's `validate_call`",
        how=f"`episode.call`, {statements} statement{'s' * (statements > 1)}, {len(call.tool.columns)} columns",
        values={f"{key}_per_second": value for key, value in found.items()},
    )


def _ours(call: KeyedCall) -> Action:
    episode = call.environment.start()
    name, arguments = call.tool.name, call.arguments

    def run(times: int) -> None:
        for _ in range(times):
            episode.call(name, arguments)

    return run


def _bare(call: KeyedCall) -> Action:
    cursor = _connect(call).cursor()
    statements, binds = call.statements, call.binds()

    def run(times: int) -> None:
        for _ in range(times):
            for sql in statements:
                cursor.execute(sql, binds).fetchone()

    return run


def _pydantic(call: KeyedCall) -> Action:
    """The function that one would write by hand: validated argument, the same SQL, a dictionary."""
    connection, base = _connect(call), call.binds()
    ((key, value),) = call.arguments.items()
    kind = type(value)
    *checks, last = call.statements
    names = [column.name for column in call.tool.columns]

    def read(value: Any) -> dict[str, Any]:
        binds = {**base, key: value}
        for sql in checks:
            if connection.execute(sql, binds).fetchone() is None:
                raise LookupError(value)
        return dict(zip(names, connection.execute(last, binds).fetchone(), strict=True))

    read.__annotations__["value"] = Annotated[kind, Field(strict=True)]
    validated: Callable[..., Any] = validate_call(read)

    def run(times: int) -> None:
        for _ in range(times):
            validated(value=value)

    return run


def _connect(call: KeyedCall) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.deserialize(call.environment.image)
    return connection
