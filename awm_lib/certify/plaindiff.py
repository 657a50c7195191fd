"""A plain comparison of final states, by other code than the verifier's: it decides which mutants are equivalent."""

from __future__ import annotations

import re
from typing import Any

from awm_lib.runtime.state import State

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\Z")


def fingerprint(initial: State, final: State, history: frozenset[str]) -> dict[str, list[Any]]:
    """The rows of a final state that are not in the initial one, and those that are gone, with the values that no
    run can
    repeat made plain: new keys by their order, moments of the episode by a mark."""
    renamed = _new_keys(initial, final)
    found = {}
    for name, table in final.schema.items():
        if name in history:
            continue
        before, after = set(initial.tables[name]), set(final.tables[name])
        if before == after:
            continue
        targets = [column.references[0] if column.references else None for column in table.columns]
        own = [column.name == table.integer_key for column in table.columns]
        new = [
            tuple(
                renamed.get((name if own[at] else targets[at], value), _plain(value, initial.now))
                for at, value in enumerate(row[: len(targets)])
            )
            for row in after - before
        ]
        gone = before - after
        found[name] = [sorted(map(str, new)), sorted(map(str, gone))]
    return found


def _new_keys(initial: State, final: State) -> dict[tuple[str | None, Any], str]:
    renamed: dict[tuple[str | None, Any], str] = {}
    for name, table in final.schema.items():
        if table.integer_key is None:
            continue
        fresh = sorted(key[0] for key in final.keyed(name) if key not in initial.keyed(name))
        for order, key in enumerate(fresh, 1):
            renamed[name, key] = f"new {name} {order}"
    return renamed


def _plain(value: Any, start: str) -> Any:
    if isinstance(value, str) and _MOMENT.match(value) and value[:13] >= start[:13] and value[:10] == start[:10]:
        return "a moment of the episode"
    return value
