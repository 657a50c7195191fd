"""Certifying an environment: every check executed, everything written down."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

from awm_lib.certify.findings import outcome
from awm_lib.certify.tasks import certify_task
from awm_lib.certify.world import check_tools, schema_findings
from awm_lib.compile.database import BUILD_TIME, build_database, content_digest
from awm_lib.compile.server import nouns, server_text
from awm_lib.compile.verifier import check_equal
from awm_lib.contracts.certificate import Certificate, Check, Counts, FileDigest, Solved, TaskCertificate
from awm_lib.contracts.oracle import Solution
from awm_lib.contracts.seed import Seed
from awm_lib.contracts.solving import Solving
from awm_lib.contracts.spec import Tool
from awm_lib.errors import AwmError
from awm_lib.outputs import FILES
from awm_lib.runtime import database
from awm_lib.runtime.clock import Clock
from awm_lib.runtime.environment import Environment
from awm_lib.runtime.schema import read_schema
from awm_lib.runtime.state import State
from awm_lib.textfile import read_text

MIN_KILLED = 0.9
"""The share of mutants, equivalents left out, that must be killed in an environment."""


def certify(directory: Path, recipe: str = "", *, solving: bool = False) -> Certificate:
    """Execute all checks on a built environment; ``solving`` repeats what solving.json says.

    Never raises for what is wrong with the environment: that is what the certificate says.
    """
    try:
        environment = Environment.load(directory)
        solutions = {solution.task: solution for solution in environment.oracle.solutions}
        environment.verifier(environment.tasks.tasks[0].id)
        content = content_digest(environment.initial)
    except AwmError as error:
        return _broken(directory, error, recipe)
    certificate = _certify(environment, solutions, content, directory, recipe)
    return with_solving(certificate, Solving.read(directory / "solving.json")) if solving else certificate


def certify_tasks(environment: Environment, solutions: dict[str, Solution]) -> list[TaskCertificate]:
    """The certificates of all tasks of an environment."""
    return [
        certify_task(environment, task, solutions.get(task.id), environment.name) for task in environment.tasks.tasks
    ]


def _certify(
    environment: Environment, solutions: dict[str, Solution], content: str, directory: Path, recipe: str
) -> Certificate:
    fuzzing = check_tools(environment, environment.name)
    checks = [
        outcome("schema", [*schema_findings(environment), *_database_findings(directory, content)]),
        outcome("tools", [*fuzzing.findings, *_server_findings(environment, directory)]),
    ]
    tasks = certify_tasks(environment, solutions)
    variants = [runs for task in tasks for runs in task.variants]
    mutants = [runs for task in tasks for runs in task.mutants]
    counts = Counts(
        tables=len(environment.schema),
        rows=sum(len(rows) for rows in environment.initial.tables.values()),
        tools=len(environment.tools),
        business_tools=sum(_has_rules(tool) for tool in environment.spec.tools),
        tasks=len(tasks),
        fuzz_calls=fuzzing.calls,
        internal_errors=fuzzing.internal,
        variants=sum(runs.made for runs in variants),
        variants_accepted=sum(runs.passed for runs in variants),
        mutants=sum(runs.made for runs in mutants),
        mutants_killed=sum(runs.passed for runs in mutants),
        mutants_equivalent=sum(runs.equivalent for runs in mutants),
    )
    reasons = _reasons(checks, tasks, counts)
    return Certificate(
        scenario=environment.name,
        passed=not reasons,
        reasons=reasons,
        checks=checks,
        tasks=tasks,
        counts=counts,
        files=digests(directory),
        content_digest=content,
        sqlite_version=sqlite3.sqlite_version,
        recipe=recipe,
        revisions=environment.oracle.revisions,
    )


def with_solving(certificate: Certificate, solving: Solving) -> Certificate:
    """A certificate that says how independent attempts fared, and which tasks a person should look at."""
    attempts = {item.task: item.attempts for item in solving.tasks}
    tasks, review = [], []
    for task in certificate.tasks:
        made = [item for item in attempts.get(task.task, []) if item.ended != "no_reply"]
        solved = Solved(
            model=solving.model,
            attempts=len(made),
            answered=sum(item.ended == "answered" for item in made),
            complete=sum(item.complete for item in made),
        )
        if not solved.complete:
            review.append(f"{task.task}: none of {len(made)} attempts by {solving.model} solved it")
        tasks.append(task.model_copy(update={"solved": solved}))
    return certificate.model_copy(update={"tasks": tasks, "for_review": review})


def _database_findings(directory: Path, content: str) -> list[str]:
    """seed.sqlite must hold what schema.sql and seed.json compile to, under whatever SQLite version."""
    try:
        image = build_database(read_text(directory / "schema.sql"), Seed.read(directory / "seed.json"))
        connection = database.connect(Clock(BUILD_TIME))
        database.load(connection, image)
        expected = content_digest(State.read(connection, read_schema(connection), BUILD_TIME))
        connection.close()
    except AwmError as error:
        return [str(error)]
    return [] if expected == content else ["seed.sqlite does not hold what schema.sql and seed.json compile to"]


def _server_findings(environment: Environment, directory: Path) -> list[str]:
    """server.py must be what spec.json and schema.sql (which the database is checked against) compile to."""
    named = nouns(environment.spec, environment.schema)
    text = server_text(environment.scenario, [(tool, named.get(tool.name)) for tool in environment.tools.values()])
    try:
        check_equal(directory / "server.py", text)
    except AwmError as error:
        return [str(error)]
    return []


def _has_rules(tool: Tool) -> bool:
    """Whether a tool has a rule or several statements."""
    return len(tool.program) > 1


def _reasons(checks: list[Check], tasks: list[TaskCertificate], counts: Counts) -> list[str]:
    reasons = [f"{check.check}: {check.findings[0]}" for check in checks if check.status == "failed"]
    for task in tasks:
        for check in task.checks:
            if check.status == "failed" and check.check != "mutants":
                reasons.append(f"{task.task}, {check.check}: {check.findings[0]}")
    relevant = counts.mutants - counts.mutants_equivalent
    if relevant and counts.mutants_killed / relevant < MIN_KILLED:
        reasons.append(f"mutants: only {counts.mutants_killed} of {relevant} are killed")
    return reasons


def digests(directory: Path) -> list[FileDigest]:
    """The sha256 of every file that the certificate is about."""
    return [
        FileDigest(file=name, sha256=hashlib.sha256((directory / name).read_bytes()).hexdigest())
        for name in FILES
        if (directory / name).is_file()
    ]


def _broken(directory: Path, error: AwmError, recipe: str) -> Certificate:
    """The certificate of an environment that cannot even be loaded."""
    zero = dict.fromkeys(Counts.model_fields, 0)
    return Certificate(
        scenario=directory.name,
        passed=False,
        reasons=[str(error)],
        checks=[outcome("schema", [str(error)])],
        tasks=[],
        counts=Counts(**zero),
        files=digests(directory),
        content_digest="",
        sqlite_version=sqlite3.sqlite_version,
        recipe=recipe,
    )
