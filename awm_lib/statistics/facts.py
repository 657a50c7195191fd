"""The facts of one environment, from its files, as rows of the statistics' tables.

Tools are expanded and their statements prepared on an empty database of the environment's schema, which tells what
tables they read and write; nothing is executed and no verifier is loaded, so an environment takes some milliseconds.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from awm_lib import sqltext
from awm_lib.compile.crud import expand
from awm_lib.contracts.certificate import Certificate, Check, TaskCertificate
from awm_lib.contracts.oracle import Oracle, Solution
from awm_lib.contracts.scenario import Scenario
from awm_lib.contracts.spec import CheckStep, ReturnStep, Spec, Tool, statement_of
from awm_lib.contracts.tasks import Task, Tasks
from awm_lib.errors import ContractError
from awm_lib.runtime import database
from awm_lib.runtime.clock import Clock
from awm_lib.runtime.schema import Schema, read_schema, reference_of
from awm_lib.runtime.statements import guarded
from awm_lib.statistics.parts import PlanParts, SeedParts
from awm_lib.statistics.shapes import program_shape, task_shape
from awm_lib.tables import Row
from awm_lib.textfile import read_text

Facts = dict[str, list[Row]]


def gather(directory: Path) -> Facts:
    """The rows that an environment adds to each table. Raises AwmError for a file that cannot be read.

    An environment whose certificate says that its files cannot be used has a row and checks, and nothing else.
    """
    scenario = Scenario.read(directory / "scenario.json")
    certificate = Certificate.read(directory / "certificate.json")
    facts: Facts = {"certificates": list(_checks(certificate)), "families": list(_families(certificate))}
    if certificate.counts.tools == 0:
        facts["environments"] = [_environment(scenario, certificate, columns=0, writing=0, lines=0)]
        return facts
    tasks = Tasks.read(directory / "tasks.json")
    seed = SeedParts.read(directory / "seed.json")
    oracle = Oracle.read(directory / "oracle.json")
    connection = database.connect(Clock(tasks.context.now))
    try:
        connection.executescript(read_text(directory / "schema.sql"))
        database.declare_functions(connection)
        schema = read_schema(connection)
        facts["schema_tables"] = list(_tables(scenario.name, schema, seed))
        facts["schema_columns"] = list(_columns(scenario.name, schema))
        tools = _expanded(Spec.read(directory / "spec.json"), schema)
        facts["tools"] = list(_tools(scenario.name, tools, connection))
    except sqlite3.Error as error:
        raise ContractError(
            f"{directory}: schema.sql and spec.json do not fit each other: {error}",
            hint=f"build them again: snakemake {directory}/certificate.json",
        ) from None
    finally:
        connection.close()
    programs = {row[1]: row[-1] for row in facts["tools"]}
    facts["tasks"] = list(
        _tasks(scenario.name, tasks, oracle, certificate, _templates(directory / "plan.json"), programs)
    )
    facts["oracle_calls"] = [row for solution in oracle.solutions for row in _calls(scenario.name, solution)]
    facts["environments"] = [
        _environment(
            scenario,
            certificate,
            columns=len(facts["schema_columns"]),
            writing=sum(row[4] == "write" for row in facts["tools"]),
            lines=read_text(directory / "server.py").count("\n"),
        )
    ]
    return facts


def _environment(scenario: Scenario, certificate: Certificate, *, columns: int, writing: int, lines: int) -> Row:
    counts = certificate.counts
    return (
        scenario.name, scenario.category, scenario.title, scenario.description, scenario.split, scenario.pack,
        scenario.niche,
        scenario.modules, scenario.seed, counts.tables, columns, counts.rows, counts.tools, counts.business_tools,
        writing, counts.tasks, sum(task.passed for task in certificate.tasks), lines, certificate.passed,
        certificate.reasons, counts.fuzz_calls, counts.internal_errors, counts.variants, counts.variants_accepted,
        counts.mutants, counts.mutants_killed, counts.mutants_equivalent, certificate.content_digest,
        certificate.sqlite_version,
    )  # fmt: skip


def _tables(name: str, schema: Schema, seed: SeedParts) -> Iterator[Row]:
    rows: dict[str, int] = {}
    for part in seed.tables:
        rows[part.table] = rows.get(part.table, 0) + len(part.rows)
    for position, table in enumerate(schema.values(), 1):
        keys = sum(column.references is not None for column in table.columns)
        yield name, table.name, position, rows.get(table.name, 0), len(table.columns), keys


def _columns(name: str, schema: Schema) -> Iterator[Row]:
    for table in schema.values():
        for position, column in enumerate(table.columns, 1):
            choices = list(column.enum) if column.enum else None
            yield (
                name, table.name, column.name, position, column.type, not column.not_null, column.name in table.key,
                reference_of(column), choices,
            )  # fmt: skip


def _expanded(spec: Spec, schema: Schema) -> list[tuple[Tool, bool]]:
    """All tools, each with whether it comes from shorthand."""
    plain = [tool for crud in spec.crud for tool in expand(crud, schema)]
    return [*((tool, False) for tool in spec.tools), *((tool, True) for tool in plain)]


def _tools(name: str, tools: list[tuple[Tool, bool]], connection: sqlite3.Connection) -> Iterator[Row]:
    touched = _touched([tool for tool, _ in tools], connection)
    for position, ((tool, shorthand), (reads, writes)) in enumerate(zip(tools, touched, strict=True), 1):
        last = tool.program[-1]
        assert isinstance(last, ReturnStep)
        yield (
            name, tool.name, position, tool.summary, tool.effect, shorthand, len(tool.parameters),
            sum(parameter.is_required for parameter in tool.parameters), len(tool.program),
            sum(isinstance(step, CheckStep) for step in tool.program), tool.destructive,
            tool.idempotent or tool.effect == "read", last.returns, list(tool.tags), sorted(reads), sorted(writes),
            program_shape(tool),
        )  # fmt: skip


def _touched(tools: list[Tool], connection: sqlite3.Connection) -> list[tuple[set[str], set[str]]]:
    """The tables that each tool's statements read and write, by preparing each statement once."""
    known: dict[str, tuple[set[str], set[str]]] = {}
    with guarded(connection) as (reads, writes, _):
        for text in {statement_of(step): None for tool in tools for step in tool.program}:
            connection.execute("EXPLAIN " + sqltext.stripped(text), dict.fromkeys(sqltext.binds(text)))
            known[text] = set(reads), set(writes)
            reads.clear()
            writes.clear()
    found = []
    for tool in tools:
        parts = [known[statement_of(step)] for step in tool.program]
        found.append((set[str]().union(*(part[0] for part in parts)), set[str]().union(*(part[1] for part in parts))))
    return found


def _templates(plan: Path) -> dict[str, str]:
    """Task -> the template that it was made from; empty if another provider wrote the tasks."""
    return {binding.task: binding.template for binding in PlanParts.read(plan).bindings} if plan.is_file() else {}


def _tasks(
    name: str,
    tasks: Tasks,
    oracle: Oracle,
    certificate: Certificate,
    templates: dict[str, str],
    programs: dict[str, str],
) -> Iterator[Row]:
    solutions = {solution.task: solution for solution in oracle.solutions}
    proofs = {proof.task: proof for proof in certificate.tasks}
    for task in tasks.tasks:
        if task.id in proofs:
            solution = solutions.get(task.id)
            known = solution is not None and all(call.tool in programs for call in solution.calls)
            shape = task_shape(task, solution, programs) if solution is not None and known else None
            yield _task(name, task, solution, proofs[task.id], templates.get(task.id), shape)


def _task(
    name: str, task: Task, solution: Solution | None, proof: TaskCertificate, template: str | None, shape: str | None
) -> Row:
    found = proof.difficulty
    return (
        name, task.id, task.kind, task.instruction, len(task.instruction.split()), list(task.skills), template,
        task.answer.type if task.answer else None, found.calls, found.tools, found.tables, found.branches,
        len(solution.selections) if solution else 0, len(solution.expect.alternatives) if solution else 0,
        found.score, found.level, shape, proof.passed, len(proof.survivors),
    )  # fmt: skip


def _calls(name: str, solution: Solution) -> Iterator[Row]:
    for position, call in enumerate(solution.calls, 1):
        arguments = {argument.name: argument.value for argument in call.arguments}
        yield (
            name, solution.task, position, call.tool, call.refused, call.when is not None,
            json.dumps(arguments, ensure_ascii=False),
        )  # fmt: skip


def _checks(certificate: Certificate) -> Iterator[Row]:
    def rows(task: str | None, checks: list[Check]) -> Iterator[Row]:
        for check in checks:
            yield certificate.scenario, task, check.check, check.status, list(check.findings)

    yield from rows(None, certificate.checks)
    for proof in certificate.tasks:
        yield from rows(proof.task, proof.checks)


def _families(certificate: Certificate) -> Iterator[Row]:
    for proof in certificate.tasks:
        for kind, families in (("variant", proof.variants), ("mutant", proof.mutants)):
            for runs in families:
                yield certificate.scenario, proof.task, kind, runs.family, runs.made, runs.passed, runs.equivalent
