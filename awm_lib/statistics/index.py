"""The environments for the page's index: short rows that are searched and listed, and packed details.

Details are what an environment shows when it is opened. They are packed in blocks, each compressed by itself and
unpacked by the browser only when one of its environments is opened, so that a page over 1,000 environments stays a few
megabytes and starts at once.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from awm_lib.statistics.query import ask

if TYPE_CHECKING:
    import duckdb

BLOCK = 8
"""Environments in a block. Similar ones stand together, which compresses better; a block unpacks in milliseconds."""


class Index(NamedTuple):
    """What the page's script reads."""

    rows: dict[str, Any]
    blocks: list[str]
    """Base64 of zlib of a JSON list of details."""


def make_index(connection: duckdb.DuckDBPyConnection) -> Index:
    """The index of all environments, by category and number."""
    found = ask(
        connection,
        "SELECT scenario, title, category, coalesce(niche, '') AS niche, description, tools, tables, rows, tasks, "
        "passed, modules, reasons FROM environments",
    ).records()
    found.sort(key=lambda row: (row["category"], _number(row["scenario"]), row["scenario"]))
    parts = _Parts(connection)
    names = sorted({tool for tools in parts.tools.values() for (tool, *_) in tools})
    places = {name: place for place, name in enumerate(names)}
    rows, details = [], []
    for row in found:
        scenario = row["scenario"]
        tasks = parts.tasks[scenario]
        calls = [len(task["calls"]) for task in tasks]
        rows.append(
            [
                scenario, row["title"], row["category"], row["niche"], row["description"], row["tools"], row["tables"],
                row["rows"], row["tasks"], round(sum(calls) / len(calls), 1) if calls else 0,
                sum(task["level"] == "hard" for task in tasks), int(row["passed"]),
                [places[tool] for tool, *_ in parts.tools[scenario]],
            ]
        )  # fmt: skip
        details.append(
            {
                "modules": row["modules"], "reasons": row["reasons"], "schema": parts.schema(scenario),
                "tools": parts.tools[scenario], "tasks": tasks,
            }
        )  # fmt: skip
    blocks = [_packed(details[start : start + BLOCK]) for start in range(0, len(details), BLOCK)]
    return Index({"block": BLOCK, "tools": names, "environments": rows}, blocks)


def _number(scenario: str) -> int:
    match = re.search(r"(\d+)$", scenario)
    return int(match.group()) if match else 0


def _packed(details: list[dict[str, Any]]) -> str:
    text = json.dumps(details, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


class _Parts:
    """The rows of the other tables, by environment."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.tools: dict[str, list[list[Any]]] = defaultdict(list)
        for scenario, *tool in ask(
            connection,
            "SELECT scenario, tool, effect, destructive::INTEGER, parameters, checks, summary FROM tools "
            "ORDER BY scenario, position",
        ).rows:
            self.tools[scenario].append(tool)
        calls: dict[tuple[str, str], list[list[Any]]] = defaultdict(list)
        for scenario, task, tool, refused, conditional in ask(
            connection,
            "SELECT scenario, task, tool, coalesce(refused, ''), conditional::INTEGER FROM oracle_calls "
            "ORDER BY scenario, task, position",
        ).rows:
            calls[scenario, task].append([tool, refused, conditional])
        self.tasks: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in ask(
            connection,
            "SELECT scenario, task, kind, level, instruction, coalesce(answer_type, '') AS answer, passed::INTEGER "
            "AS passed FROM tasks ORDER BY scenario, task",
        ).records():
            scenario = row.pop("scenario")
            self.tasks[scenario].append({**row, "calls": calls[scenario, row["task"]]})
        self._columns: dict[tuple[str, str], list[list[Any]]] = defaultdict(list)
        for scenario, table, *column in ask(
            connection,
            "SELECT scenario, table_name, column_name, type, in_key::INTEGER, coalesce(refers_to, '') "
            "FROM schema_columns ORDER BY scenario, table_name, position",
        ).rows:
            self._columns[scenario, table].append(column)
        self._tables: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for scenario, table, count in ask(
            connection, "SELECT scenario, table_name, rows FROM schema_tables ORDER BY scenario, position"
        ).rows:
            self._tables[scenario].append((table, count))

    def schema(self, scenario: str) -> list[list[Any]]:
        """The tables of an environment: name, rows, columns."""
        return [[table, count, self._columns[scenario, table]] for table, count in self._tables[scenario]]
