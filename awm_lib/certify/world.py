"""The checks of an environment as a whole: its database, and its tools under fuzzing."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import dataclass
from typing import Any

from awm_lib import sqltext
from awm_lib.certify.samples import invalid_arguments, valid_arguments
from awm_lib.contracts.spec import LetStep, RunStep
from awm_lib.runtime.environment import Environment
from awm_lib.runtime.episode import Episode, Mark, Snapshot
from awm_lib.runtime.tools import Tool
from awm_lib.runtime.values import fits

FUZZ_CALLS = 200
CALLS_PER_EPISODE = 50


@dataclass(frozen=True, slots=True)
class Fuzzing:
    """What fuzzing gave."""

    findings: list[str]
    calls: int
    internal: int


def schema_findings(environment: Environment) -> list[str]:
    """What is wrong with the database, if anything: it must be sound, its keys fit for runs that create rows."""
    findings = []
    connection = environment.connection
    try:
        for (problem,) in connection.execute("PRAGMA integrity_check").fetchall():
            if problem != "ok":
                findings.append(f"integrity_check: {problem}")
        for table, key, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchall():
            findings.append(f"foreign_key_check: {table} row {key} refers to no row of {parent}")
    except sqlite3.Error as error:
        findings.append(str(error))
    for name in sorted(_inserted_tables(environment)):
        table = environment.schema.get(name)
        if table is not None and table.integer_key and not table.autoincrement:
            findings.append(
                f"table {name}: tools insert rows, so its key must be INTEGER PRIMARY KEY AUTOINCREMENT, "
                "or keys of deleted rows would come back"
            )
    return findings


def _inserted_tables(environment: Environment) -> set[str]:
    found = set()
    for tool in environment.tools.values():
        for step in tool.contract.program:
            sql = step.run if isinstance(step, RunStep) else step.sql if isinstance(step, LetStep) else ""
            words = sqltext.words(sql)
            if "into" in words[:4]:
                found.add(words[words.index("into") + 1])
    return found


def check_tools(environment: Environment, seed: str) -> Fuzzing:
    """Call every tool with valid and invalid arguments.

    No call may end in an internal error, give data outside its published schema, or, if it reads or is refused,
    change a row.
    """
    chance = random.Random(f"{seed}/fuzz")
    findings: list[str] = []
    internal = calls = 0
    names = list(environment.tools)
    episode = environment.start()
    for number in range(max(FUZZ_CALLS, len(names))):
        if number % CALLS_PER_EPISODE == 0:
            episode.reset()
        tool = environment.tools[names[number % len(names)]]
        make = valid_arguments if (number // len(names)) % 5 < 3 else invalid_arguments
        arguments = make(tool, environment, chance)
        finding, was_internal = _call(episode, tool, arguments)
        internal += was_internal
        calls += 1
        if finding:
            findings.append(finding)
    episode.close()
    return Fuzzing(findings, calls, internal)


def _call(episode: Episode, tool: Tool, arguments: dict[str, Any]) -> tuple[str | None, int]:
    shown = f"{tool.name}({', '.join(f'{k}={str(v)[:40]!r}' for k, v in arguments.items())})"
    before = episode.mark() if tool.writes else None
    count = episode.row_changes
    result = episode.call(tool.name, arguments)
    if result.error is not None and result.error.kind == "internal":
        return f"{shown}: internal error: {result.error.message}", 1
    if not tool.writes and episode.row_changes != count:
        return f"{shown}: a read tool changed rows", 0
    if result.error is not None and before is not None and _differs(episode, before, count):
        return f"{shown}: was refused ({result.error.kind}), but changed rows", 0
    if result.ok:
        problem = outside_schema(tool, result.data)
        if problem:
            return f"{shown}: {problem}", 0
    return None, 0


def _differs(episode: Episode, before: Mark | Snapshot, row_changes: int) -> bool:
    """Whether an episode's rows are other than at a mark; most refused calls wrote nothing at all."""
    if episode.row_changes == row_changes:
        return False
    rows = episode.state().tables
    episode.back(before)
    return episode.state().tables != rows


def outside_schema(tool: Tool, data: Any) -> str | None:
    """What of a result is not as the tool's published schema says; None if all is."""
    if tool.returns == "rowcount":
        return None if type(data.get("changed")) is int else "gives no number of changed rows"
    records = data["items"] if tool.returns == "all" else [data]
    for record in records:
        for column in tool.columns:
            value = record[column.name]
            if value is None:
                if not column.nullable:
                    return f"the result's {column.name} is null, which its schema does not allow"
            elif column.type is not None and not fits(column.type, value):
                return f"the result's {column.name} is {value!r}, which is no {column.type}"
    return None
