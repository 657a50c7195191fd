"""Values of SQLite in JSON, both ways. JSON has no bytes and no infinite numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from awm_lib.contracts.trajectory import RowChange
from awm_lib.runtime.schema import Schema
from awm_lib.runtime.state import Change, Row, State


def to_json(value: Any) -> Any:
    """A cell as JSON."""
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, float) and not math.isfinite(value):
        return {"number": str(value)}
    return value


def from_json(value: Any) -> Any:
    """A cell as SQLite has it. Raises ValueError for what is no cell."""
    if isinstance(value, dict):
        if set(value) == {"bytes"}:
            return bytes.fromhex(value["bytes"])
        if set(value) == {"number"}:
            return float(value["number"])
        raise ValueError(f"{value!r} is no value of a cell")
    return value


def encode_changes(found: Iterable[Change]) -> list[RowChange]:
    """Changes in SQLite's values."""
    return [
        RowChange(
            table=change.table,
            kind=change.kind,
            key=[to_json(part) for part in change.key],
            before=None if change.before is None else {name: to_json(cell) for name, cell in change.before.items()},
            after=None if change.after is None else {name: to_json(cell) for name, cell in change.after.items()},
        )
        for change in found
    ]


def apply_changes(initial: State, found: Iterable[RowChange], now: str) -> State:
    """The final state: the initial state with some changes made. Raises ValueError if they do not fit it."""
    by_table: dict[str, list[RowChange]] = {}
    for change in found:
        if change.table not in initial.schema:
            raise ValueError(f"there is no table {change.table!r}")
        by_table.setdefault(change.table, []).append(change)
    tables = dict(initial.tables)
    for name, changes in by_table.items():
        rows = dict(initial.keyed(name))
        for change in changes:
            key = tuple(from_json(part) for part in change.key)
            if (key in rows) is (change.kind == "insert"):
                raise ValueError(f"table {name}: the row {change.key} does not fit the initial state")
            if change.after is None:
                del rows[key]
            else:
                rows[key] = _row(initial.schema, name, change.after, key)
        tables[name] = list(rows.values())
    return State(initial.schema, tables, now)


def _row(schema: Schema, table: str, record: dict[str, Any], key: tuple[Any, ...]) -> Row:
    found = schema[table]
    names = [column.name for column in found.columns]
    if set(record) != set(names):
        raise ValueError(f"table {table}: a row has other columns")
    row = tuple(from_json(record[name]) for name in names)
    return (*row, *key) if found.key == ("rowid",) else row
