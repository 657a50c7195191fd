"""Tools, compiled from their contract: arguments in, one transaction of SQL, a typed result out.

This module is the only place that says what a tool does.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from typing import Any

from awm_lib import sqltext
from awm_lib.contracts import spec
from awm_lib.errors import SqlError
from awm_lib.memo import Memo
from awm_lib.runtime import arguments
from awm_lib.runtime.results import Refusal
from awm_lib.runtime.schema import Schema
from awm_lib.runtime.statements import ResultColumn, Statement, prepare, result_columns, returning_columns
from awm_lib.runtime.values import FROM_SQL, JSON_SCHEMA, money_from_sql

CONTEXT_BINDS = ("_user_id", "_now")
DEFAULT_LIMIT = 20
MAX_LIMIT = 100

PAGING = (
    spec.Parameter(
        name="limit",
        type="integer",
        description="Most items to return",
        default=DEFAULT_LIMIT,
        minimum=1,
        maximum=MAX_LIMIT,
    ),
    spec.Parameter(name="offset", type="integer", description="Items to skip", default=0, minimum=0, maximum=1_000_000),
)
"""What every tool that returns all rows takes in addition."""

_PLACE = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_Step = Callable[[sqlite3.Connection, dict[str, Any]], Any]


class Tool:
    """A tool that can run. Made by ``compile_tool``."""

    def __init__(self, contract: spec.Tool, schema: Schema, connection: sqlite3.Connection) -> None:
        self.contract = contract
        self.name = contract.name
        self.summary = contract.summary
        self.description = contract.description
        self.effect = contract.effect
        self.tags = contract.tags
        self.destructive = contract.destructive
        self.idempotent = contract.idempotent or contract.effect == "read"
        self.returns: str = contract.program[-1].returns  # type: ignore[union-attr]
        self.parameters = [*contract.parameters, *(PAGING if self.returns == "all" else ())]
        self.bind = arguments.binder(self.name, self.parameters)
        self.writes = contract.effect == "write"
        compiler = _ProgramCompiler(contract, self.parameters, schema, connection)
        self._steps, self._result = compiler.compile()
        self.columns: list[ResultColumn] = compiler.columns
        self.reads: frozenset[str] = frozenset().union(*(s.reads for s in compiler.statements))
        self.written: frozenset[str] = frozenset().union(*(s.writes for s in compiler.statements))

    @property
    def input_schema(self) -> dict[str, Any]:
        """JSON Schema of the arguments."""
        return arguments.json_schema(self.parameters)

    @property
    def output_schema(self) -> dict[str, Any]:
        """JSON Schema of the data of a successful call."""
        if self.returns == "rowcount":
            return _object({"changed": {"type": "integer"}})
        record = _object({column.name: _column_schema(column) for column in self.columns})
        if self.returns == "one":
            return record
        return _object({"items": {"type": "array", "items": record}, "total": {"type": "integer"}})

    def run(self, connection: sqlite3.Connection, binds: dict[str, Any]) -> Any:
        """Run the program on an episode's database, in one transaction.

        Raises Refusal for the errors of the vocabulary, sqlite3.Error for what the program did not foresee.
        """
        if not self.writes:
            for step in self._steps:
                step(connection, binds)
            return self._result(connection, binds)
        connection.execute("SAVEPOINT program")
        try:
            for step in self._steps:
                step(connection, binds)
            data = self._result(connection, binds)
            connection.execute("RELEASE program")
            return data
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK TO program")
                connection.execute("RELEASE program")
            raise


_TOOLS: Memo[Tool] = Memo(600)


def compile_tool(contract: spec.Tool, schema: Schema, connection: sqlite3.Connection) -> Tool:
    """Check a tool against the schema and make it runnable.

    ``connection`` holds a database of that schema and is only used to prepare statements. Raises SqlError that names
    the tool
    and the statement.
    """
    key = (contract.model_dump_json(), schema.ddl)
    return _TOOLS.get(key, lambda: Tool(contract, schema, connection))


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _column_schema(column: ResultColumn) -> dict[str, Any]:
    schema = dict(JSON_SCHEMA[column.type]) if column.type else {}
    if column.nullable and "type" in schema:
        schema["type"] = [schema["type"], "null"]
    return schema


class _ProgramCompiler:
    """Turns a program's steps into functions, checking each statement on the way."""

    def __init__(
        self, contract: spec.Tool, parameters: list[spec.Parameter], schema: Schema, connection: sqlite3.Connection
    ) -> None:
        self.contract, self.schema, self.connection = contract, schema, connection
        self.known: dict[str, str | None] = dict.fromkeys(CONTEXT_BINDS)
        for parameter in parameters:
            self.known[parameter.name] = parameter.type
        self.statements: list[Statement] = []
        self.columns: list[ResultColumn] = []
        self.place = ""

    def compile(self) -> tuple[list[_Step], _Step]:
        steps: list[_Step] = []
        for number, step in enumerate(self.contract.program, 1):
            self.place = f"tool {self.contract.name}, step {number}"
            if isinstance(step, spec.CheckStep):
                steps.append(self._check(step))
            elif isinstance(step, spec.LetStep):
                steps.append(self._let(step))
            elif isinstance(step, spec.RunStep):
                steps.append(self._run(step))
            else:
                result = self._return(step)
        if self.contract.effect == "write" and not any(statement.writes for statement in self.statements):
            raise SqlError(f"tool {self.contract.name}: effect is 'write', but no statement writes")
        return steps, result

    def _fail(self, message: str, hint: str | None = None) -> SqlError:
        return SqlError(f"{self.place}: {message}", hint=hint)

    def _prepare(self, sql: str, extra: tuple[str, ...] = ()) -> Statement:
        try:
            statement = prepare(
                self.connection, sql, {*self.known, *extra}, self.schema, write=self.contract.effect == "write"
            )
        except SqlError as error:
            raise self._fail(error.message, error.hint) from None
        self.statements.append(statement)
        return statement

    def _query(self, sql: str, what: str) -> Statement:
        statement = self._prepare(sql)
        if statement.writes or not sqltext.is_query(sql):
            raise self._fail(f"{what} takes a SELECT")
        return statement

    def _check(self, step: spec.CheckStep) -> _Step:
        sql = self._query(step.check, "check").sql
        message, kind = self._message(step.message), step.error

        def check(connection: sqlite3.Connection, binds: dict[str, Any]) -> None:
            row = connection.execute(sql, binds).fetchone()
            if row is None or not row[0]:
                raise Refusal(kind, message(binds))

        return check

    def _message(self, template: str) -> Callable[[dict[str, Any]], str]:
        for name in _PLACE.findall(template):
            if name not in self.known:
                raise self._fail(f"its message uses {{{name}}}, which is no bind")
        kinds = dict(self.known)

        def fill(match: re.Match[str], binds: dict[str, Any]) -> str:
            value = binds[match.group(1)]
            if kinds[match.group(1)] == "money" and value is not None:
                return f"{money_from_sql(value):.2f}"
            text = str(value)
            return text if len(text) <= 80 else text[:77] + "..."

        return lambda binds: _PLACE.sub(lambda match: fill(match, binds), template)

    def _let(self, step: spec.LetStep) -> _Step:
        statement = self._prepare(step.sql)
        if sqltext.is_query(step.sql):
            columns = [(column.name, column.type) for column in self._columns(statement.sql)]
        else:
            columns = [(name, None) for name in returning_columns(step.sql)]
            if not columns:
                raise self._fail(f"let {step.let} takes a SELECT or a statement with RETURNING")
        names = [f"{step.let}_{column}" for column, _ in columns]
        for name, (_, kind) in zip(names, columns, strict=True):
            if name in self.known:
                raise self._fail(f"let {step.let}: the bind :{name} is taken; choose another name")
            self.known[name] = kind
        sql, optional, let = statement.sql, step.optional, step.let

        def bind(connection: sqlite3.Connection, binds: dict[str, Any]) -> None:
            rows = connection.execute(sql, binds).fetchmany(2)
            if len(rows) == 1:
                binds.update(zip(names, rows[0], strict=True))
            elif not rows and optional:
                binds.update(dict.fromkeys(names))
            elif not rows:
                raise Refusal("not_found", f"there is no {let.replace('_', ' ')} for this call")
            else:
                raise Refusal("internal", f"let {let} gave more than one row")

        return bind

    def _run(self, step: spec.RunStep) -> _Step:
        statement = self._prepare(step.run)
        if not statement.writes:
            raise self._fail("run takes a statement that writes")
        sql = statement.sql
        return lambda connection, binds: connection.execute(sql, binds).fetchall()

    def _return(self, step: spec.ReturnStep) -> _Step:
        if step.returns == "rowcount":
            sql = self._prepare(step.sql).sql
            return lambda connection, binds: {"changed": max(connection.execute(sql, binds).rowcount, 0)}
        sql = self._query(step.sql, f"return {step.returns}").sql
        self.columns = self._columns(sql)
        self._apply_types(step)
        shape = _shaper(self.columns)
        if step.returns == "one":
            missing = f"nothing found by {self.contract.name}"

            def one(connection: sqlite3.Connection, binds: dict[str, Any]) -> Any:
                row = connection.execute(sql, binds).fetchone()
                if row is None:
                    raise Refusal("not_found", missing)
                return shape(row)

            return one
        return self._return_all(sql, shape)

    def _return_all(self, sql: str, shape: Callable[[tuple[Any, ...]], dict[str, Any]]) -> _Step:
        if sqltext.has_limit(sql):
            raise self._fail("return all adds LIMIT and OFFSET itself; leave them out")
        term = sqltext.last_order_term(sql)
        if term is None:
            raise self._fail("return all needs an ORDER BY whose last term is unique")
        unique = {name for table in self.schema.values() for name in (*table.unique, *table.key)}
        outputs = {column.name for column in self.columns}
        if term not in unique and not (term in outputs and {"group", "union", "distinct"} & set(sqltext.words(sql))):
            raise self._fail(f"the last term of ORDER BY, {term}, is not unique: end in a key, such as id")
        page, counted = f"{sql} LIMIT :limit OFFSET :offset", f"SELECT count(*) FROM ({sql})"

        def all_rows(connection: sqlite3.Connection, binds: dict[str, Any]) -> Any:
            rows = connection.execute(page, binds).fetchall()
            limit, offset = binds["limit"], binds["offset"]
            if len(rows) < limit and (rows or not offset):
                total = offset + len(rows)
            else:
                total = connection.execute(counted, binds).fetchone()[0]
            return {"items": [shape(row) for row in rows], "total": total}

        return all_rows

    def _columns(self, sql: str) -> list[ResultColumn]:
        try:
            columns = result_columns(self.connection, sql, self.schema)
        except sqlite3.Error as error:
            raise self._fail(str(error)) from None
        # SQLite tells the second column of a name as name:1.
        names = [re.sub(r":\d+\Z", "", column.name) for column in columns]
        for name in names:
            if not re.fullmatch(r"[a-z_][a-z0-9_]*", name):
                raise self._fail(f"the result column {name[:60]!r} needs a name: write AS ...")
            if names.count(name) > 1:
                raise self._fail(f"the result column {name!r} comes twice: name one of them by AS")
        return columns

    def _apply_types(self, step: spec.ReturnStep) -> None:
        given: dict[str, spec.ColumnType] = {item.column: item.type for item in step.types}
        for name in given:
            if name not in {column.name for column in self.columns}:
                raise self._fail(f"types names {name!r}, which is no column of the result")
        self.columns = [ResultColumn(c.name, given[c.name], c.nullable) if c.name in given else c for c in self.columns]


def _shaper(columns: list[ResultColumn]) -> Callable[[tuple[Any, ...]], dict[str, Any]]:
    names = [column.name for column in columns]
    converted = [(c.name, FROM_SQL[c.type]) for c in columns if c.type in FROM_SQL]
    if not converted:
        return lambda row: dict(zip(names, row, strict=True))

    def shape(row: tuple[Any, ...]) -> dict[str, Any]:
        record = dict(zip(names, row, strict=True))
        for name, convert in converted:
            record[name] = convert(record[name])
        return record

    return shape
