"""Stage schema: the tables that the tasks need. Order, generated keys and indexes on foreign keys are computed."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass

from awm_lib import sqltext
from awm_lib.compile.database import create_tables
from awm_lib.contracts.names import check_identifier
from awm_lib.contracts.scenario import Scenario
from awm_lib.contracts.tasks import Tasks
from awm_lib.errors import SqlError, nearest
from awm_lib.llm.chat import ChatRequest
from awm_lib.llm.strict import output_schema, parse_reply
from awm_lib.runtime import clock as clocks
from awm_lib.runtime.clock import Clock
from awm_lib.runtime.schema import Table, read_schema
from awm_lib.synthesis.llm.listing import tasks_text
from awm_lib.synthesis.llm.prompts import messages
from awm_lib.synthesis.llm.replies import SchemaReply

FEWEST_TABLES = 5
USER_COLUMNS = ("id", "name", "email")
_GENERATED = re.compile(r"\bINTEGER\s+PRIMARY\s+KEY\b(?!\s+AUTOINCREMENT)", re.I)


@dataclass(frozen=True, slots=True)
class Created:
    """A table as its statement makes it."""

    statement: str
    table: Table
    foreign: tuple[tuple[str, str, str | None], ...]
    """(column, table, column referred to or None for its key)."""


class SchemaStage:
    """Asks for tables; ``result`` is the text of schema.sql once a reply is right."""

    again = "Give only the tables that change or are new, each whole."

    def __init__(self, scenario: Scenario, draft: Tasks) -> None:
        self.scenario, self.draft = scenario, draft
        self.result: str | None = None
        self._statements: dict[str, str] = {}

    def request(self) -> ChatRequest:
        """The first request."""
        return ChatRequest(
            messages("schema", scenario=self.scenario, tasks=tasks_text(self.draft)), output_schema(SchemaReply)
        )

    def correction(self, findings: list[str]) -> ChatRequest:
        """A correction gives the tables that change."""
        return self.request()

    def judge(self, text: str) -> list[str]:
        """What is wrong with a reply; its tables replace earlier ones of the same name."""
        reply = parse_reply(SchemaReply, text)
        findings: list[str] = []
        for number, statement in enumerate(reply.tables, 1):
            words = sqltext.words(statement)
            if words[:2] != ["create", "table"] or not sqltext.is_single(sqltext.stripped(statement)):
                findings.append(f"entry {number} is not one CREATE TABLE statement: {' '.join(statement.split())[:80]}")
                continue
            name = _name_of(statement)
            self._statements[name] = laid_out(sqltext.stripped(statement))
        created = {}
        for name, statement in self._statements.items():
            try:
                created[name] = create(statement)
            except SqlError as error:
                findings.append(error.message.removeprefix("schema.sql: "))
        if not findings:
            findings = schema_problems(created)
        if not findings:
            self.result = schema_sql(created)
        return findings


def _name_of(statement: str) -> str:
    found = [text.strip('"`[]') for kind, text in sqltext.tokens(statement) if kind in ("word", "quoted")]
    rest = found[2:]
    return rest[3] if [word.lower() for word in rest[:3]] == ["if", "not", "exists"] else rest[0] if rest else ""


def create(statement: str) -> Created:
    """Run one CREATE TABLE statement by itself. Raises SqlError."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        clocks.install(connection, Clock("2025-01-01 00:00:00"))
        text = _GENERATED.sub("INTEGER PRIMARY KEY AUTOINCREMENT", statement)
        create_tables(connection, text)
        (table,) = read_schema(connection).values()
        foreign = tuple(
            (row[3], row[2], row[4]) for row in connection.execute(f'PRAGMA foreign_key_list("{table.name}")')
        )
        return Created(text, table, foreign)
    finally:
        connection.close()


def schema_problems(created: dict[str, Created]) -> list[str]:
    """What is wrong with tables that each load: names, keys, references, the table of users."""
    found = []
    if len(created) < FEWEST_TABLES:
        found.append(f"{len(created)} tables are too few for an application; at least {FEWEST_TABLES}")
    for name, item in created.items():
        for word in (name, *(column.name for column in item.table.columns)):
            try:
                check_identifier(word)
            except ValueError as error:
                found.append(f"table {name}: {error}")
        if item.table.key == ("rowid",):
            found.append(
                f"table {name} has no primary key; give it id INTEGER PRIMARY KEY, or a key of several columns"
            )
        found += [f"table {name}: {problem}" for problem in _reference_problems(item, created)]
    users = created.get("users")
    if users is None:
        found.append("there is no table users(id, name, email, ...), the people who log in")
    else:
        missing = [column for column in USER_COLUMNS if users.table.column(column) is None]
        found += [f"table users needs the column {column}" for column in missing]
    return found


def _reference_problems(item: Created, created: dict[str, Created]) -> list[str]:
    found = []
    for column, target, key in item.foreign:
        other = created.get(target)
        if other is None:
            found.append(f"{column} refers to {target}, which is no table; {nearest(target, created)}")
        elif key is not None and key not in other.table.unique:
            found.append(f"{column} refers to {target}.{key}, which is not unique")
        elif key is None and len(other.table.key) != 1:
            found.append(f"{column} refers to {target}, whose key has several columns; name one that is unique")
    return found


def schema_sql(created: dict[str, Created]) -> str:
    """schema.sql: tables after those that they refer to, then an index on each foreign key that has none."""
    order: list[str] = []
    waiting = dict(created)
    while waiting:
        ready = [
            name for name, item in waiting.items() if not {t for _, t, _ in item.foreign} & (set(waiting) - {name})
        ]
        for name in ready or list(waiting)[:1]:  # tables that refer to each other stay as they came
            order.append(name)
            del waiting[name]
    parts = [f"{created[name].statement};" for name in order]
    indexes = [
        f"CREATE INDEX {name}_by_{column} ON {name}({column});"
        for name in order
        for column, _, _ in created[name].foreign
        if created[name].table.key[0] != column and column not in created[name].table.unique
    ]
    return "\n\n".join(parts) + "\n" + ("\n" + "\n".join(dict.fromkeys(indexes)) + "\n" if indexes else "")


def laid_out(statement: str) -> str:
    """A CREATE TABLE statement with each column and constraint on a line of its own; comments stay at theirs."""
    lines, current, depth = [], "", 0
    for kind, text in sqltext.tokens(statement):
        depth += {"(": 1, ")": -1}.get(text, 0) if kind == "symbol" else 0
        if kind == "space":
            text = " "
        if kind == "symbol" and text == "(" and depth == 1:
            lines.append(current.strip() + " (")
            current = ""
        elif kind == "symbol" and text == "," and depth == 1:
            lines.append("  " + current.strip() + ",")
            current = ""
        elif kind == "comment" and text.startswith("--"):
            if lines and not current.strip():
                lines[-1 if lines[-1].endswith(",") else len(lines) :] = (
                    [lines[-1] + " " + text.strip()] if lines[-1].endswith(",") else ["  " + text.strip()]
                )
            else:
                current += " /* " + text.removeprefix("--").strip().replace("*/", "") + " */"
        elif kind == "symbol" and text == ")" and depth == 0:
            lines.append("  " + current.strip())
            current = ")"
        else:
            current += text
    lines.append(current.strip())
    return "\n".join(line for line in lines if line.strip())
