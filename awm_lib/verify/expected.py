"""The changes that a task expects, as written in verifier.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from awm_lib.runtime.state import Key


@dataclass(frozen=True, slots=True)
class Expected:
    """One row that must be new, changed or gone."""

    kind: Literal["insert", "update", "delete"]
    table: str
    key: Key
    """The primary key of an existing row; empty for a new one."""
    cells: Mapping[str, Any]
    """Column -> value or relation: all columns of a new row, the changed ones of an existing row."""
    label: str = ""
    """The name of a new row's key in relations."""

    def plain(self) -> dict[str, Any]:
        """As JSON-able data, for evidence."""
        cells = {
            name: value if isinstance(value, str | int | float | None) else repr(value)
            for name, value in self.cells.items()
        }
        return {"table": self.table, "kind": self.kind, "key": list(self.key) or self.label, "cells": cells}


def insert(table: str, label: str, cells: Mapping[str, Any]) -> Expected:
    """A new row; ``label`` names its generated key."""
    return Expected("insert", table, (), cells, label)


def update(table: str, key: Any, cells: Mapping[str, Any]) -> Expected:
    """New values in an existing row."""
    return Expected("update", table, key if isinstance(key, tuple) else (key,), cells)


def delete(table: str, key: Any) -> Expected:
    """A row that is gone."""
    return Expected("delete", table, key if isinstance(key, tuple) else (key,), {})


@dataclass(frozen=True, slots=True)
class Rules:
    """What does not count: ignored columns, and extra rows in history tables."""

    ignored: frozenset[tuple[str, str]] = frozenset()
    history: frozenset[str] = field(default=frozenset())

    @classmethod
    def of(cls, ignored: Iterable[tuple[str, str]] = (), history: Iterable[str] = ()) -> Rules:
        """From plain collections."""
        return cls(frozenset(ignored), frozenset(history))
