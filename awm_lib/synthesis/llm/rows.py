"""Stage rows: the data of every table, such that each task has exactly one right outcome."""

from __future__ import annotations

import json
import re
import sqlite3

from awm_lib.compile.database import BUILD_TIME, create_tables
from awm_lib.contracts.scenario import Scenario
from awm_lib.contracts.seed import Seed, TableRows
from awm_lib.contracts.tasks import Tasks
from awm_lib.errors import nearest
from awm_lib.llm.chat import ChatRequest
from awm_lib.llm.strict import output_schema, parse_reply
from awm_lib.runtime import clock as clocks
from awm_lib.runtime.clock import Clock
from awm_lib.runtime.schema import Column, Schema, Table, read_schema
from awm_lib.runtime.values import Unfit, day, moment
from awm_lib.synthesis.llm.listing import schema_text, tasks_text
from awm_lib.synthesis.llm.prompts import messages
from awm_lib.synthesis.llm.replies import RowsReply, TableReply

_PER_TABLE = 4
"""Findings of one table that are told at most."""
_WHOLE = re.compile(r"-?\d+\Z")


class RowsStage:
    """Asks for rows; ``result`` is seed.json once a reply is right."""

    again = "Give only the tables whose rows change, each whole."

    def __init__(self, scenario: Scenario, draft: Tasks, schema: str) -> None:
        self.scenario, self.draft, self.schema = scenario, draft, schema
        self.result: Seed | None = None
        self._tables: dict[str, TableReply] = {}
        connection = sqlite3.connect(":memory:")
        clocks.install(connection, Clock(BUILD_TIME))
        create_tables(connection, schema)
        self._schema: Schema = read_schema(connection)
        connection.close()

    def request(self) -> ChatRequest:
        """The first request."""
        shown = messages(
            "rows", scenario=self.scenario, tasks=tasks_text(self.draft), schema=schema_text(self.schema),
            user=self.draft.context.user, now=self.draft.context.now,
        )  # fmt: skip
        return ChatRequest(shown, output_schema(RowsReply))

    def correction(self, findings: list[str]) -> ChatRequest:
        """A correction gives the tables that change, whole."""
        return self.request()

    def judge(self, text: str) -> list[str]:
        """What is wrong with a reply; its tables replace earlier ones of the same name."""
        reply = parse_reply(RowsReply, text)
        findings = []
        for item in reply.tables:
            if item.table not in self._schema:
                findings.append(f"there is no table {item.table!r}; {nearest(item.table, self._schema)}")
                continue
            table = self._schema[item.table]
            problems = _column_problems(item, table)
            findings += problems
            if not problems:
                self._tables[item.table] = item
        findings += [f"table {name} has no rows; give it some" for name in self._schema if not self._has_rows(name)]
        loaded = {name: self._converted(name, findings) for name in self._schema if name in self._tables}
        findings += row_problems(self.schema, self._schema, loaded)
        findings += self._user_problems()
        if not findings:
            self.result = Seed(scenario=self.scenario.name, tables=list(loaded.values()))
        return findings

    def _has_rows(self, name: str) -> bool:
        return name in self._tables and bool(self._tables[name].rows)

    def _converted(self, name: str, findings: list[str]) -> TableRows:
        """A table's rows as SQLite is to hold them, with what does not fit its column's type told."""
        reply, table = self._tables[name], self._schema[name]
        columns = [table.column(column) for column in reply.columns]
        told, rows = 0, []
        for number, row in enumerate(reply.rows, 1):
            values = []
            for column, value in zip(columns, row, strict=True):
                assert column is not None
                try:
                    values.append(_value(column, value))
                except Unfit as error:
                    values.append(value)
                    told += 1
                    if told <= _PER_TABLE:
                        findings.append(f"table {name}, row {number}, {column.name} = {json.dumps(value)}: it {error}")
            rows.append(values)
        return TableRows(table=name, columns=list(reply.columns), rows=rows)

    def _user_problems(self) -> list[str]:
        """The logged-in user must be there."""
        user, reply = self.draft.context.user, self._tables.get("users")
        if reply is None or "id" not in reply.columns or "name" not in reply.columns:
            return []
        where, name = reply.columns.index("id"), reply.columns.index("name")
        row = next((row for row in reply.rows if row[where] == user.id), None)
        if row is None or row[name] != user.name:
            return [f"table users: the row with id {user.id} is the logged-in user, {user.name}"]
        return []


def _column_problems(item: TableReply, table: Table) -> list[str]:
    found = []
    known = [column.name for column in table.columns if not column.generated]
    for name in item.columns:
        if name not in known:
            found.append(f"table {table.name} has no column {name!r}; {nearest(name, known)}")
    if len(set(item.columns)) != len(item.columns):
        found.append(f"table {table.name}: a column comes twice")
    wrong = [number for number, row in enumerate(item.rows, 1) if len(row) != len(item.columns)]
    for number in wrong[:_PER_TABLE]:
        count = len(item.rows[number - 1])
        found.append(f"table {table.name}, row {number}: {count} values for {len(item.columns)} columns")
    return found


def _value(column: Column, value: object) -> str | int | float | bool | None:
    """A value as its column stores it. Raises Unfit."""
    if value is None:
        return None
    if column.type in ("integer", "money", "boolean"):
        if type(value) is bool and column.type == "boolean":
            return int(value)
        if type(value) is float and value.is_integer():
            return int(value)
        if type(value) is str and _WHOLE.match(value):
            return int(value)
        if type(value) is not int:
            kind = "a whole number of cents" if column.type == "money" else f"of type {column.type}"
            raise Unfit(f"must be {kind}")
        return value
    if column.type == "number":
        if type(value) not in (int, float):
            raise Unfit("must be a number")
        return value  # type: ignore[return-value]
    text = value if type(value) is str else json.dumps(value)
    return day(text) if column.type == "date" else moment(text) if column.type == "datetime" else text


def row_problems(schema_sql: str, schema: Schema, tables: dict[str, TableRows]) -> list[str]:
    """What the database refuses, row by row, and every reference that leads nowhere."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    found = []
    try:
        clocks.install(connection, Clock(BUILD_TIME))
        create_tables(connection, schema_sql)
        for table in tables.values():
            told = 0
            marks, names = ", ".join("?" * len(table.columns)), ", ".join(f'"{name}"' for name in table.columns)
            for number, row in enumerate(table.rows, 1):
                try:
                    connection.execute(f'INSERT INTO "{table.table}" ({names}) VALUES ({marks})', row)
                except (sqlite3.Error, OverflowError) as error:
                    told += 1
                    if told <= _PER_TABLE:
                        shown = json.dumps(row, ensure_ascii=False)[:160]
                        found.append(f"table {table.table}, row {number}: {_meaning(error)}: {shown}")
        for name, rowid, parent, number in connection.execute("PRAGMA foreign_key_check").fetchall():
            keys = [row for row in connection.execute(f'PRAGMA foreign_key_list("{name}")') if row[0] == number]
            column = keys[0][3]
            if rowid is None:
                found.append(f"table {name}: a row's {column} is no row of {parent}")
                continue
            value = connection.execute(f'SELECT "{column}" FROM "{name}" WHERE rowid = ?', (rowid,)).fetchone()[0]
            place = ", ".join(schema[name].key)
            found.append(f"table {name}, the row whose {place} is {rowid}: {column} = {value!r} is no row of {parent}")
    finally:
        connection.close()
    return found


def _meaning(error: Exception) -> str:
    return str(error).replace("constraint failed", "is violated")
