"""The tables of results/stats.duckdb: every column with its type and meaning. The database and its documentation are
made from this.
"""

from __future__ import annotations

from typing import NamedTuple


class Column(NamedTuple):
    """One column."""

    name: str
    type: str
    doc: str


class Table(NamedTuple):
    """One table; its rows come in this order of columns."""

    name: str
    doc: str
    columns: tuple[Column, ...]

    @property
    def ddl(self) -> str:
        """The statements that create the table, its documentation included."""
        columns = ", ".join(f"{column.name} {column.type}" for column in self.columns)
        comments = [f"COMMENT ON TABLE {self.name} IS {_text(self.doc)}"]
        comments += [f"COMMENT ON COLUMN {self.name}.{column.name} IS {_text(column.doc)}" for column in self.columns]
        return ";\n".join([f"CREATE TABLE {self.name} ({columns})", *comments])


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _table(name: str, doc: str, *columns: tuple[str, str, str]) -> Table:
    return Table(name, doc, tuple(Column(*column) for column in columns))


_SCENARIO = ("scenario", "VARCHAR", "the environment's name, such as e_commerce_33")
_TASK = ("task", "VARCHAR", "the task's id, such as t03")

TABLES: tuple[Table, ...] = (
    _table(
        "environments",
        "One row for each environment that has a certificate.",
        _SCENARIO,
        ("category", "VARCHAR", "its category"),
        ("title", "VARCHAR", "the product's name"),
        ("description", "VARCHAR", "what it is, and for whom"),
        ("split", "VARCHAR", "train, validation or test"),
        ("pack", "VARCHAR", "the offline pack that it was sampled from; NULL for another provider"),
        ("niche", "VARCHAR", "its niche in the pack"),
        ("modules", "VARCHAR[]", "the pack's modules that it has"),
        ("seed", "BIGINT", "what started its generators"),
        ("tables", "INTEGER", "tables of its database"),
        ("columns", "INTEGER", "columns of all its tables"),
        ("rows", "INTEGER", "rows of the initial database"),
        ("tools", "INTEGER", "tools"),
        ("business_tools", "INTEGER", "tools with rules or several statements"),
        ("write_tools", "INTEGER", "tools that change rows"),
        ("tasks", "INTEGER", "tasks"),
        ("tasks_proven", "INTEGER", "tasks whose certificate passed"),
        ("code_lines", "INTEGER", "lines of server.py"),
        ("passed", "BOOLEAN", "whether its certificate passed"),
        ("reasons", "VARCHAR[]", "why not"),
        ("fuzz_calls", "INTEGER", "generated tool calls that the certificate made"),
        ("internal_errors", "INTEGER", "how many of them ended in an internal error"),
        ("variants", "INTEGER", "correct variants of solutions that were run"),
        ("variants_accepted", "INTEGER", "how many of them were judged complete"),
        ("mutants", "INTEGER", "near-miss runs"),
        ("mutants_killed", "INTEGER", "how many of them were judged not complete"),
        ("mutants_equivalent", "INTEGER", "how many left the same rows and answer as the solution"),
        ("content_digest", "VARCHAR", "digest of the rows, equal under every SQLite version"),
        ("sqlite_version", "VARCHAR", "the SQLite version of the certificate"),
    ),
    _table(
        "schema_tables",
        "One row for each table of each environment's database.",
        _SCENARIO,
        ("table_name", "VARCHAR", "the table"),
        ("position", "INTEGER", "its place in schema.sql, from 1"),
        ("rows", "INTEGER", "rows of the initial database"),
        ("columns", "INTEGER", "columns"),
        ("foreign_keys", "INTEGER", "columns that refer to a table"),
    ),
    _table(
        "schema_columns",
        "One row for each column of those tables.",
        _SCENARIO,
        ("table_name", "VARCHAR", "the table"),
        ("column_name", "VARCHAR", "the column"),
        ("position", "INTEGER", "its place in the table, from 1"),
        ("type", "VARCHAR", "string, integer, number, boolean, money, date, datetime or json"),
        ("nullable", "BOOLEAN", "whether it may be NULL"),
        ("in_key", "BOOLEAN", "whether it is part of the primary key"),
        ("refers_to", "VARCHAR", "'table.column' that it refers to, if it does"),
        ("choices", "VARCHAR[]", "the values that it may have, if they are enumerated"),
    ),
    _table(
        "tools",
        "One row for each tool, shorthand expanded.",
        _SCENARIO,
        ("tool", "VARCHAR", "the tool's name"),
        ("position", "INTEGER", "its place among the environment's tools, from 1"),
        ("summary", "VARCHAR", "what it does, in a line"),
        ("effect", "VARCHAR", "read or write"),
        ("shorthand", "BOOLEAN", "whether it was expanded from shorthand"),
        ("parameters", "INTEGER", "parameters, without the limit and offset of lists"),
        ("required", "INTEGER", "parameters that a call must give"),
        ("statements", "INTEGER", "SQL statements, checks included"),
        ("checks", "INTEGER", "statements that may refuse the call"),
        ("destructive", "BOOLEAN", "whether it deletes or cancels what cannot be brought back"),
        ("idempotent", "BOOLEAN", "whether calling it again changes nothing more; reads are"),
        ("returns", "VARCHAR", "one, all or rowcount"),
        ("tags", "VARCHAR[]", "its tags"),
        ("tables_read", "VARCHAR[]", "tables that its statements read"),
        ("tables_written", "VARCHAR[]", "tables that its statements write"),
        ("shape", "VARCHAR", "hash of its program with all names and literals erased"),
    ),
    _table(
        "tasks",
        "One row for each task; difficulty as the certificate computed it from the solution.",
        _SCENARIO,
        _TASK,
        ("kind", "VARCHAR", "action, question or both: what is judged"),
        ("instruction", "VARCHAR", "what the user asks"),
        ("words", "INTEGER", "words of the instruction"),
        ("skills", "VARCHAR[]", "what it takes, as the provider names it"),
        ("template", "VARCHAR", "the pack's template; NULL for another provider"),
        ("answer_type", "VARCHAR", "the answer's type; NULL for an action"),
        ("calls", "INTEGER", "calls of the solution"),
        ("distinct_tools", "INTEGER", "different tools among them"),
        ("tables", "INTEGER", "tables that these tools read or write"),
        ("branches", "INTEGER", "refused calls or stated conditions"),
        ("selections", "INTEGER", "choices that the task asks for, such as the cheapest"),
        ("alternatives", "INTEGER", "other declared ways to do it that leave another right state"),
        (
            "score",
            "DOUBLE",
            "difficulty in points: half a point a call and a distinct tool, a quarter a table, one a "
            "branch and a selection",
        ),
        ("level", "VARCHAR", "easy (below 5.5 points), middle or hard (from 8.5)"),
        (
            "shape",
            "VARCHAR",
            "hash of its tools' shapes in order, its goal with names erased, and the answer's kind",
        ),
        ("passed", "BOOLEAN", "whether its certificate passed"),
        ("survivors", "INTEGER", "near-miss runs that were judged complete though they are not equivalent"),
    ),
    _table(
        "oracle_calls",
        "One row for each call of each solution.",
        _SCENARIO,
        _TASK,
        ("position", "INTEGER", "the call's place in the solution, from 1"),
        ("tool", "VARCHAR", "the tool called"),
        ("refused", "VARCHAR", "the error that the call is meant to meet; NULL if it is meant to succeed"),
        ("conditional", "BOOLEAN", "whether it is made under a condition that an agent has to find out"),
        ("arguments", "JSON", "an object of its arguments"),
    ),
    _table(
        "certificates",
        "One row for each check of each certificate.",
        _SCENARIO,
        ("task", "VARCHAR", "the task; NULL for the checks of the environment as a whole"),
        ("check_name", "VARCHAR", "schema, tools, oracle, no_op, accepts, mutants, grounded, unique or load_bearing"),
        ("status", "VARCHAR", "passed, failed or not_shown"),
        ("findings", "VARCHAR[]", "what failed, or why nothing is shown"),
    ),
    _table(
        "families",
        "One row for each family of runs that a task's certificate made.",
        _SCENARIO,
        _TASK,
        ("kind", "VARCHAR", "variant (correct, to be accepted) or mutant (a near miss, to be rejected)"),
        ("family", "VARCHAR", "such as later_clock or dropped_call"),
        ("made", "INTEGER", "runs"),
        ("passed", "INTEGER", "variants accepted; mutants rejected"),
        ("equivalent", "INTEGER", "mutants that left the same rows and answer as the solution"),
    ),
    _table(
        "stage_timings",
        "One row for each stage of each environment: its last successful run on this machine.",
        _SCENARIO,
        ("stage", "VARCHAR", "the stage's command, such as certify"),
        ("seconds", "DOUBLE", "wall time, without the start of its process"),
        ("cpu_seconds", "DOUBLE", "processor time"),
    ),
    _table(
        "diversity",
        "How different environments are: one row for each measure of each subset.",
        ("measure", "VARCHAR", "the measure, as docs/statistics.md explains it"),
        ("subset", "INTEGER", "over the first so many environments, in an order that is a function of their names"),
        ("value", "DOUBLE", "the number"),
    ),
    _table(
        "nearest",
        "One row for each environment and kind of vector: the other environment that is nearest. Empty without "
        "the embedding packages.",
        _SCENARIO,
        ("kind", "VARCHAR", "text (title and description), schema, or tools"),
        ("other", "VARCHAR", "the nearest environment"),
        ("cosine", "DOUBLE", "the cosine of their embeddings"),
    ),
    _table(
        "vectors",
        "One row for each environment: its embeddings (all-MiniLM-L6-v2, length 1), and its place on the report's "
        "map. Empty without the embedding packages.",
        _SCENARIO,
        ("text", "FLOAT[]", "of title and description"),
        ("schema", "FLOAT[]", "of its tables' names"),
        ("tools", "FLOAT[]", "of its tools' names"),
        ("x", "DOUBLE", "across the map, 0 to 1"),
        ("y", "DOUBLE", "down the map, 0 to 1"),
    ),
    _table(
        "llm_requests",
        "One row for each request to a language model, in order. Empty for offline builds.",
        ("moment", "TIMESTAMP", "when it ended, UTC"),
        (
            "stage",
            "VARCHAR",
            "what it was for: scenarios, suitability, tasks, schema, rows, tools, solutions, replace, solve",
        ),
        ("scenario", "VARCHAR", "the environment; NULL where it is for none"),
        ("task", "VARCHAR", "the task, or the round of the search for scenarios"),
        ("attempt", "INTEGER", "1 for a stage's first request, then counted up with each correction"),
        ("model", "VARCHAR", "the model that was asked"),
        ("key", "VARCHAR", "the name of the kept reply"),
        ("outcome", "VARCHAR", "reply, cached (nothing was sent), or the name of the error"),
        ("finish", "VARCHAR", "why the model stopped"),
        ("input", "BIGINT", "tokens of the request"),
        ("output", "BIGINT", "tokens of the reply"),
        ("cached", "BIGINT", "tokens of the input that the endpoint had cached"),
        ("reasoning", "BIGINT", "tokens of the output that nobody sees"),
        ("estimated", "BOOLEAN", "whether tokens were counted from characters, because the endpoint did not say"),
        ("usd", "DOUBLE", "what it cost, by llm.prices; 0 if no price is known"),
        ("seconds", "DOUBLE", "from sending to the end of the reply"),
        ("tries", "INTEGER", "how often it was sent"),
    ),
    _table(
        "llm_attempts",
        "One row for each reply of a language model that was judged. Empty for offline builds.",
        ("moment", "TIMESTAMP", "when, UTC"),
        ("stage", "VARCHAR", "the stage"),
        ("scenario", "VARCHAR", "the environment; NULL where it is for none"),
        ("task", "VARCHAR", "the task, or the round of the search for scenarios"),
        ("attempt", "INTEGER", "1 for the first reply"),
        ("model", "VARCHAR", "the model"),
        ("accepted", "BOOLEAN", "whether nothing was wrong with it"),
        ("findings", "VARCHAR[]", "what was wrong with it"),
    ),
    _table(
        "left_out",
        "One row for each scenario of the catalogue that failed, within max_failed, and has no environment.",
        _SCENARIO,
        ("reason", "VARCHAR", "the stage that failed, and why"),
    ),
)


def reference() -> str:
    """The tables as Markdown, for docs/statistics.md and ``awm stats --tables``."""
    parts = []
    for table in TABLES:
        lines = [f"### {table.name}", "", table.doc, "", "| column | type | meaning |", "| --- | --- | --- |"]
        lines += [f"| `{column.name}` | {column.type} | {column.doc} |" for column in table.columns]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)
