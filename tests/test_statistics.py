"""results/stats.duckdb and ``awm stats``: what is in the tables is what is in the files, and mistakes are explained."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from awm_lib import cli
from awm_lib.contracts.certificate import Certificate
from awm_lib.contracts.oracle import Oracle
from awm_lib.errors import AwmError
from awm_lib.llm.chat import Usage
from awm_lib.llm.ledger import Attempt, Ledger, Purpose, Request
from awm_lib.runtime import Environment
from awm_lib.statistics.database import build
from awm_lib.statistics.facts import gather
from awm_lib.statistics.query import ask, opened
from awm_lib.statistics.tables import TABLES
from awm_lib.tables import reference
from tests.conftest import ROOT, Project

if TYPE_CHECKING:
    import duckdb

NAME = "e_commerce_33"


def names(results: Path) -> list[str]:
    """The scenarios of a built catalogue."""
    return [json.loads(line)["name"] for line in (results / "scenarios.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def results(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built catalogue with its statistics."""
    target = tmp_path_factory.mktemp("statistics") / "results"
    shutil.copytree(finished.results, target)
    ledger = Ledger(target / "llm")
    ledger.write(Request(Purpose("rows", NAME, attempt=2), "m", "0f", "reply", Usage(90, 10), 0.25, 1.5))
    ledger.write(Attempt(Purpose("rows", NAME, attempt=2), "m", False, ["table loans, row 3: no such user"]))
    build(target, names(target), {"banking_9": "synthesize: no rows"}, target / "stats.duckdb", ledger.path.parent)
    return target


@pytest.fixture
def connection(results: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with opened(results / "stats.duckdb") as found:
        yield found


def stats(results: Path, *arguments: str) -> int:
    return cli.main(["stats", "--results", str(results), *arguments])


def test_every_table_has_rows_and_its_documented_columns(connection: duckdb.DuckDBPyConnection) -> None:
    for table in TABLES:
        listed = ", ".join(column.name for column in table.columns)
        answer = ask(connection, f"SELECT {listed} FROM {table.name}")  # no name needs quotes
        assert answer.rows, table.name
        types = ask(connection, f"SELECT column_name, column_type FROM (DESCRIBE {table.name})").rows
        assert types == [(column.name, column.type) for column in table.columns]
    comments = dict(ask(connection, "SELECT table_name, comment FROM duckdb_tables()").rows)
    assert comments == {table.name: table.doc for table in TABLES}


def test_requests_are_those_of_the_ledger(connection: duckdb.DuckDBPyConnection) -> None:
    asked = ask(connection, "SELECT stage, scenario, task, attempt, outcome, input, usd FROM llm_requests").rows
    assert asked == [("rows", NAME, None, 2, "reply", 90, 0.25)]
    judged = ask(connection, "SELECT accepted, findings FROM llm_attempts").rows
    assert judged == [(False, ["table loans, row 3: no such user"])]


def test_counts_are_those_of_the_certificates(connection: duckdb.DuckDBPyConnection, results: Path) -> None:
    rows = {row["scenario"]: row for row in ask(connection, "SELECT * FROM environments").records()}
    assert set(rows) == set(names(results))
    for name, row in rows.items():
        counts = Certificate.read(results / name / "certificate.json").counts
        for field, value in counts.model_dump().items():
            assert row[field] == value, (name, field)
    for table, column in (
        ("tools", "tools"),
        ("schema_tables", "tables"),
        ("tasks", "tasks"),
        ("schema_columns", "columns"),
    ):
        found = ask(connection, f"SELECT scenario, count(*) FROM {table} GROUP BY 1").rows
        assert dict(found) == {name: row[column] for name, row in rows.items()}
    found = ask(connection, "SELECT scenario, sum(rows)::INTEGER FROM schema_tables GROUP BY 1").rows
    assert dict(found) == {name: row["rows"] for name, row in rows.items()}


def test_tools_are_those_that_run(connection: duckdb.DuckDBPyConnection, built_environment: Path) -> None:
    tools = Environment.load(built_environment).tools
    rows = ask(connection, f"SELECT * FROM tools WHERE scenario = '{NAME}' ORDER BY position").records()
    assert [row["tool"] for row in rows] == list(tools)
    for row in rows:
        tool = tools[row["tool"]]
        assert row["tables_read"] == sorted(tool.reads)
        assert row["tables_written"] == sorted(tool.written)
        assert (row["effect"], row["idempotent"], row["returns"]) == (tool.effect, tool.idempotent, tool.returns)
        assert row["statements"] == len(tool.contract.program)


def test_columns_are_those_of_the_schema(connection: duckdb.DuckDBPyConnection, built_environment: Path) -> None:
    schema = Environment.load(built_environment).schema
    rows = ask(
        connection,
        f"SELECT table_name, column_name, type, refers_to FROM schema_columns c "
        f"JOIN schema_tables t USING (scenario, table_name) WHERE scenario = '{NAME}' ORDER BY t.position, c.position",
    ).rows
    expected = [
        (table.name, column.name, column.type, ".".join(column.references) if column.references else None)
        for table in schema.values()
        for column in table.columns
    ]
    assert rows == expected


def test_calls_are_those_of_the_oracle(connection: duckdb.DuckDBPyConnection, built_environment: Path) -> None:
    rows = ask(
        connection,
        f"SELECT task, tool, refused, conditional, arguments FROM oracle_calls WHERE scenario = '{NAME}' "
        "ORDER BY task, position",
    ).rows
    solutions = sorted(Oracle.read(built_environment / "oracle.json").solutions, key=lambda solution: solution.task)
    calls = [(solution.task, call) for solution in solutions for call in solution.calls]
    assert [row[:4] for row in rows] == [(task, c.tool, c.refused, c.when is not None) for task, c in calls]
    assert [json.loads(row[4]) for row in rows] == [{a.name: a.value for a in call.arguments} for _, call in calls]


def test_difficulty_and_checks_are_those_of_the_certificate(
    connection: duckdb.DuckDBPyConnection, built_environment: Path
) -> None:
    certificate = Certificate.read(built_environment / "certificate.json")
    rows = ask(
        connection,
        f"SELECT task, calls, distinct_tools, tables, branches, level, passed FROM tasks WHERE scenario = '{NAME}' "
        "ORDER BY task",
    ).rows
    assert rows == [
        (t.task, t.difficulty.calls, t.difficulty.tools, t.difficulty.tables, t.difficulty.branches,
         t.difficulty.level, t.passed)
        for t in certificate.tasks
    ]  # fmt: skip
    checks = ask(connection, f"SELECT count(*) FROM certificates WHERE scenario = '{NAME}'").rows
    assert checks == [(len(certificate.checks) + sum(len(task.checks) for task in certificate.tasks),)]
    made = ask(
        connection, f"SELECT kind, sum(made)::INTEGER FROM families WHERE scenario = '{NAME}' GROUP BY 1 ORDER BY 1"
    ).rows
    assert made == [("mutant", certificate.counts.mutants), ("variant", certificate.counts.variants)]


def test_scenarios_that_failed_are_named(connection: duckdb.DuckDBPyConnection) -> None:
    assert ask(connection, "SELECT * FROM left_out").rows == [("banking_9", "synthesize: no rows")]


def test_an_environment_that_could_not_be_loaded_is_counted(environment_copy: Path) -> None:
    from awm_lib.certify.certificate import certify

    (environment_copy / "spec.json").write_text("{")
    certify(environment_copy).write(environment_copy / "certificate.json")
    facts = gather(environment_copy)
    assert [row[0] for row in facts["environments"]] == [NAME]
    assert [row[3] for row in facts["certificates"]] == ["failed"]
    assert "tools" not in facts


def test_a_missing_file_is_named_and_the_old_database_stays(results: Path, environment_copy: Path) -> None:
    target = environment_copy.parent / "stats.duckdb"
    target.write_bytes(b"old")
    (environment_copy / "oracle.json").unlink()
    with pytest.raises(AwmError, match=r"oracle\.json does not exist"):
        build(environment_copy.parent, [NAME], {}, target)
    assert target.read_bytes() == b"old"
    assert sorted(path.name for path in environment_copy.parent.iterdir()) == [NAME, "stats.duckdb"]


def test_the_same_files_give_the_same_answers(results: Path, tmp_path: Path) -> None:
    again = tmp_path / "stats.duckdb"
    build(results, names(results), {"banking_9": "synthesize: no rows"}, again, results / "llm")
    with opened(results / "stats.duckdb") as first, opened(again) as second:
        for table in TABLES:  # in the order of insertion, too
            assert ask(first, f"FROM {table.name}") == ask(second, f"FROM {table.name}")


def many(results: Path, target: Path) -> list[str]:
    """A directory of so many environments that processes share them; all are copies of one."""
    found = [f"e_commerce_{number}" for number in range(101, 113)]
    for name in found:
        shutil.copytree(results / NAME, target / name)
        for file in ("scenario.json", "certificate.json"):
            path = target / name / file
            path.write_text(path.read_text().replace(f'"{NAME}"', f'"{name}"'))
    return found


def test_the_number_of_processes_changes_nothing(results: Path, tmp_path: Path) -> None:
    found = many(results, tmp_path)
    build(tmp_path, found, {}, tmp_path / "one.duckdb", jobs=1)
    build(tmp_path, found, {}, tmp_path / "three.duckdb", jobs=3)
    with opened(tmp_path / "one.duckdb") as first, opened(tmp_path / "three.duckdb") as second:
        assert [row[0] for row in ask(second, "SELECT scenario FROM environments").rows] == found
        for table in TABLES:
            assert ask(first, f"FROM {table.name}") == ask(second, f"FROM {table.name}")


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("seed.json", '{"tables": [{"table": "orders", "rows": 3}]}', r"seed\.json does not keep its contract"),
        ("seed.json", "[" * 100_000, r"seed\.json is not JSON"),
        ("plan.json", '{"bindings": [{"task": "t01"}]}', r"plan\.json does not keep its contract"),
        ("oracle.json", None, r"oracle\.json does not exist"),
    ],
)
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_file_that_cannot_be_used_is_named_by_every_process(
    results: Path, tmp_path: Path, file: str, text: str | None, message: str, jobs: int
) -> None:
    found = many(results, tmp_path)
    path = tmp_path / found[7] / file
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(AwmError, match=message) as caught:
        build(tmp_path, found, {}, tmp_path / "stats.duckdb", jobs=jobs)
    assert found[7] in str(caught.value)


def test_the_overview_has_a_row_for_each_category(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert stats(results) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{len(names(results))} environments, {len(names(results))} certified; ")
    assert [line.split()[0] for line in shown.splitlines()[-3:]] == ["e_commerce", "banking", "all"]


def test_an_answer_is_a_table_csv_or_json(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sql = "SELECT scenario, tools, passed, modules, NULL AS nothing FROM environments ORDER BY 1"
    assert stats(results, sql) == 0
    assert capsys.readouterr().out.split()[:5] == ["scenario", "tools", "passed", "modules", "nothing"]
    assert stats(results, "--csv", sql) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert stats(results, "--json", sql) == 0
    records = json.loads(capsys.readouterr().out)
    assert [row["scenario"] for row in rows] == [row["scenario"] for row in records] == sorted(names(results))
    assert [json.loads(row["modules"]) for row in rows] == [row["modules"] for row in records]
    assert records[0]["nothing"] is None
    assert stats(results, "--json", "SELECT avg(tools) AS mean, 1.5 AS exact, DATE '2026-01-02' AS day FROM tools") == 2
    capsys.readouterr()
    assert stats(results, "--json", "SELECT 1.5 AS exact, DATE '2026-01-02' AS day") == 0
    assert json.loads(capsys.readouterr().out) == [{"exact": 1.5, "day": "2026-01-02"}]


def test_a_long_answer_says_what_is_not_shown(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert stats(results, "SELECT * FROM range(1234)") == 0
    assert capsys.readouterr().out.endswith("... and 1,034 more rows; LIMIT them, or take --csv or --json for all\n")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT nope FROM tools", 'Referenced column "nope" not found'),
        ("SELECT * FROM nope", "Table with name nope does not exist"),
        ("SELEC 1", "syntax error"),
        ("CREATE TABLE x (a INT)", "the statistics can only be read: write a SELECT"),
        ("DELETE FROM tools", "the statistics can only be read: write a SELECT"),
        ("SELECT * FROM read_csv('/etc/passwd')", "a query reads the statistics and no other file"),
        ("COPY tools TO 'tools.csv'", "a query reads the statistics and no other file"),
        ("SELECT 1; SELECT 2", "one query is expected, not 2"),
        (" ", "one query is expected, not 0"),
    ],
)
def test_a_wrong_query_is_explained(results: Path, capsys: pytest.CaptureFixture[str], sql: str, message: str) -> None:
    assert stats(results, sql) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "tables: environments, schema_tables, schema_columns, tools, tasks, oracle_calls" in said
    assert ("tools has scenario, tool, position" in said) is (" tools" in sql)


def test_without_a_database_it_says_how_to_build_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert stats(tmp_path) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path}/stats.duckdb does not exist\n  build it: snakemake {tmp_path}/stats.duckdb\n"
    )
    (tmp_path / "stats.duckdb").write_text("this is no database, but long enough to be read as the head of one" * 100)
    assert stats(tmp_path) == 2
    assert "delete it and build it again" in capsys.readouterr().err


def test_the_documentation_has_the_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert stats(Path("nowhere"), "--tables") == 0
    assert capsys.readouterr().out == reference(TABLES)
    page = (ROOT / "docs" / "statistics.md").read_text()
    assert page.endswith(reference(TABLES)), "put the output of `awm stats --tables` at the end of docs/statistics.md"


def test_every_query_of_the_documentation_runs(connection: duckdb.DuckDBPyConnection) -> None:
    page = (ROOT / "docs" / "statistics.md").read_text()
    shown = re.findall(r'^    awm stats .*?"(SELECT [^"]*)"', page, re.M)
    block = page.split("```sql\n")[1].split("```")[0]
    shown += [part for part in block.split(";") if part.strip()]
    assert len(shown) > 6
    for sql in shown:
        ask(connection, sql)


def test_the_workflow_builds_it_and_follows_a_change(built: Project) -> None:
    done = built.snakemake("results/report.html")
    assert done.returncode == 0, done.stdout + done.stderr
    shown = built.awm("stats", "--csv", "SELECT scenario FROM environments ORDER BY 1")
    assert shown.stdout.splitlines()[1:] == sorted(names(built.results))
    assert built.planned("results/report.html") == set()
    built.edit("awm_lib/statistics/page/report.css", ":root {", ":root  {")
    assert {rule for rule, _ in built.planned("results/report.html")} == {"write_report"}
    path = built.results / NAME / "certificate.json"
    path.write_text(path.read_text().replace('"fuzz_calls": ', '"fuzz_calls": 1', 1))
    assert {rule for rule, _ in built.planned("results/report.html")} == {"tabulate_environments", "write_report"}


def test_only_these_commands_import_duckdb_and_jinja() -> None:
    """Reading the workflow and every other command are spared them."""
    import subprocess
    import sys

    code = (
        "import sys; from importlib import import_module; from awm_lib.cli import COMMANDS\n"
        "for name in COMMANDS: import_module(COMMANDS[name].module)\n"
        "import awm_lib.statistics.assets, awm_lib.statistics.database, awm_lib.statistics.report\n"
        "print(sorted({'duckdb', 'jinja2'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert shown == "[]\n"
