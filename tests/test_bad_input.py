"""What a person gets wrong, through the front door: one clear message, no traceback, and nothing is lost."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Project

HOME = "results/e_commerce_33"


def refused(done: subprocess.CompletedProcess[str], *parts: str) -> str:
    """The output of a command that failed as it should: with these words, and without a traceback."""
    shown = done.stdout + done.stderr
    assert done.returncode != 0, shown
    for part in parts:
        assert part in shown, f"{part!r} is not in:\n{shown}"
    for noise in ("Traceback", '.py", line', "awm_lib/cli.py", 'File "'):
        assert noise not in shown, shown
    return shown


def files(project: Project) -> dict[str, bytes]:
    """What is built, file by file."""
    return {
        str(path.relative_to(project.results)): path.read_bytes()
        for path in project.results.rglob("*")
        if path.is_file() and path.name != "all_envs.done"
    }


def nothing_is_lost(project: Project, before: dict[str, bytes], *remade: str) -> None:
    """All files of all environments are as they were, but for those that are to be made again."""
    after = files(project)
    lost = {name for name, data in before.items() if after.get(name) != data}
    assert lost <= {f"e_commerce_33/{name}" for name in remade}


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("coun=5", "there is no setting 'coun'\n  did you mean 'count'?"),
        ("count=many", "count: Input should be a valid integer"),
    ],
)
def test_a_wrong_setting(finished: Project, setting: str, message: str) -> None:
    before = files(finished)
    shown = refused(finished.run("snakemake", "-n", "results/all_envs.done", "--config", setting), message)
    assert shown.count("error:") == 1
    assert files(finished) == before


def test_a_wrong_setting_in_the_file(built: Project) -> None:
    built.edit("config.yaml", "max_failed: 0", "max_faild: 0")
    refused(built.run("snakemake", "-n"), "config.yaml: there is no setting 'max_faild'", "did you mean 'max_failed'?")
    built.edit("config.yaml", "max_faild: 0", "max_failed: [")
    refused(built.run("snakemake", "-n"), "Config file is not valid JSON or YAML")


# --- names ------------------------------------------------------------------------------------------------------------


def test_an_unknown_scenario_names_the_nearest(finished: Project) -> None:
    refused(
        finished.snakemake("-n", "results/e_comerce_33/server.py"),
        "no scenario 'e_comerce_33'",
        "did you mean 'e_commerce_33'?",
    )
    assert not (finished.results / "e_comerce_33").exists()


@pytest.mark.parametrize("command", [("serve",), ("check",), ("pin", "tasks.json"), ("unpin", "tasks.json")])
@pytest.mark.parametrize(
    "name", ["../../etc", "/etc", "E_commerce_33", "e commerce", "e_commerce_33/..", "", "a" * 80, "x\ny"]
)
def test_names_with_path_characters_go_nowhere(
    finished: Project,
    command: tuple[str, ...],
    name: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from awm_lib.cli import main

    monkeypatch.chdir(finished.home)
    assert main([command[0], name, *command[1:]]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith(f"error: {name!r} is not a scenario name\n  a scenario name has a-z, 0-9 and _ only")


def test_a_target_with_path_characters_goes_nowhere(finished: Project) -> None:
    refused(finished.snakemake("-n", "results/../elsewhere/server.py"), "No rule to produce")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["serve", "e_comerce_33"], "did you mean 'e_commerce_33'?"),
        (["check", "e_commerce_34"], "there is no built environment 'e_commerce_34'"),
        (["pin", "e_commerce_33", "task.json"], "did you mean 'tasks.json'?"),
        (["pin", "e_commerce_33", "server.py"], "server.py is compiled and cannot be pinned\n  pin spec.json instead"),
        (["pin", "e_commerce_34", "tasks.json"], "results/e_commerce_34/tasks.json does not exist"),
        (["unpin", "e_commerce_33", "tasks.json"], "there is no pinned file of e_commerce_33 'tasks.json'"),
        (["certify", "results/e_commerce_34"], "results/e_commerce_34 does not exist"),
        (["oracle", "results/e_commerce_34"], "results/e_commerce_34 does not exist"),
        (["summary", "--results", "elsewhere"], "elsewhere/all_envs.done does not exist"),
        (["pack", "check", "e_comerce"], "did you mean 'e_commerce'?"),
        (["pack", "check"], "needs the name of a pack"),
        (["scenarios", "out.jsonl", "--packs", "e_comerce"], "did you mean 'e_commerce'?"),
        (["scenarios", "out.jsonl", "--packs", "banking", "--count", "-3"], "count"),
        (["scenarios", "out.jsonl", "--packs", "banking", "--tasks", "0"], "tasks"),
    ],
)
def test_commands_with_wrong_arguments(
    finished: Project,
    words: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from awm_lib.cli import main

    monkeypatch.chdir(finished.home)
    before = files(finished)
    assert main(words) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("error:") == 1
    assert files(finished) == before
    assert not Path("out.jsonl").exists()


# --- files that a person edited ---------------------------------------------------------------------------------------


def test_tasks_that_no_longer_fit(built: Project) -> None:
    path = built.home / HOME / "tasks.json"
    path.write_text(path.read_text().replace('"kind": "action"', '"kind": "question"', 1))
    before = files(built)
    shown = refused(
        built.snakemake("results/all_envs.done"),
        "failed: resolve_oracle e_commerce_33",
        f"{HOME}/tasks.json does not keep its contract",
        "a task of kind 'question' needs an answer form",
        "To go on: run the same command again",
    )
    assert "banking_2" not in shown
    nothing_is_lost(built, before, "oracle.json", "verifier.py", "certificate.json")


def test_a_file_that_is_no_json(environment_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from awm_lib.cli import main

    for name, command in (
        ("tasks.json", "oracle"),
        ("spec.json", "server"),
        ("seed.json", "database"),
        ("oracle.json", "verifier"),
    ):
        kept = (environment_copy / name).read_bytes()
        for data in (kept[: len(kept) // 2], b"", b"\xff\xfe", b"[" * 100_000, b'{"scenario": NaN}'):
            (environment_copy / name).write_bytes(data)
            assert main([command, str(environment_copy)]) == 2
            shown = capsys.readouterr().err
            assert f"{name} is not JSON" in shown, shown
            assert "mend the file, or delete it" in shown
        (environment_copy / name).write_bytes(kept)


def test_a_tool_whose_sql_does_not_prepare(built: Project) -> None:
    path = built.home / HOME / "spec.json"
    text = path.read_text()
    at = text.index("SELECT ") + len("SELECT ")
    path.write_text(text[:at] + "nonsense, " + text[at:])
    before = files(built)
    refused(
        built.snakemake(f"{HOME}/server.py"),
        "failed: compile_server e_commerce_33",
        "tool search_products, step 1: no such column: nonsense",
        "products has id, sku, name",
    )
    nothing_is_lost(built, before, "server.py")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("price", -5, "seed.json: table products, row 3: CHECK constraint failed: price > 0"),
        ("name", None, "seed.json: table products, row 3: NOT NULL constraint failed: products.name"),
        ("id", 201, "seed.json: table products, row 3: UNIQUE constraint failed: products.id"),
        ("brand_id", 9999, "seed.json: table products, row with key 203: brand_id = 9999 is no row of brands"),
    ],
)
def test_a_row_that_breaks_a_constraint(
    environment_copy: Path, column: str, value: object, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from awm_lib.cli import main

    path = environment_copy / "seed.json"
    seed = json.loads(path.read_text())
    table = next(item for item in seed["tables"] if item["table"] == "products")
    table["rows"][2][table["columns"].index(column)] = value
    path.write_text(json.dumps(seed))
    before = (environment_copy / "seed.sqlite").read_bytes()
    assert main(["database", str(environment_copy)]) == 2
    assert message in capsys.readouterr().err
    assert (environment_copy / "seed.sqlite").read_bytes() == before


def test_a_row_that_breaks_a_constraint_is_named_by_the_workflow(built: Project) -> None:
    path = built.home / HOME / "seed.json"
    seed = json.loads(path.read_text())
    table = next(item for item in seed["tables"] if item["table"] == "products")
    table["rows"][0][table["columns"].index("stock")] = -1
    path.write_text(json.dumps(seed))
    before = files(built)
    refused(
        built.snakemake(f"{HOME}/seed.sqlite"), "failed: build_database e_commerce_33", "table products, row 1: CHECK"
    )
    nothing_is_lost(built, before, "seed.sqlite")


def test_a_truncated_database_and_the_remedy_that_the_message_names(built: Project) -> None:
    path = built.home / HOME / "seed.sqlite"
    whole = path.read_bytes()
    path.write_bytes(whole[:5_000])
    shown = refused(
        built.snakemake(f"{HOME}/certificate.json"),
        "failed: resolve_oracle e_commerce_33",
        f"{HOME}/seed.sqlite is cut off: 5,000 bytes",
        f"rm {HOME}/seed.sqlite && snakemake {HOME}/seed.sqlite",
    )
    assert "banking_2" not in shown
    path.unlink()
    done = built.snakemake(f"{HOME}/certificate.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert path.read_bytes() == whole
    assert json.loads((built.home / HOME / "certificate.json").read_text())["passed"]


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "padded", "scrambled"])
def test_a_damaged_database(environment_copy: Path, damage: str) -> None:
    from awm_lib.errors import AwmError
    from awm_lib.runtime.environment import Environment

    path = environment_copy / "seed.sqlite"
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(
        {
            "empty": b"",
            "text": b"not a database" * 900,
            "cut": whole[:-1024],
            "padded": whole + b"\0" * 1024,
            "scrambled": whole[:1024] + bytes(byte ^ 0x5A for byte in whole[1024:middle]) + whole[middle:],
        }[damage]
    )
    with pytest.raises(AwmError, match=r"seed\.sqlite is (not an SQLite database|cut off|damaged)") as caught:
        Environment.load(environment_copy)
    assert "delete it and build it again" in str(caught.value)


def test_a_pin_that_does_not_keep_its_contract(built: Project) -> None:
    path = built.home / HOME / "tasks.json"
    path.write_text(path.read_text().replace('"kind": "action"', '"kind": "errand"', 1))
    refused(built.awm("pin", "e_commerce_33", "tasks.json"), "tasks.json does not keep its contract", "kind")
    assert not (built.home / "overrides").exists()


# --- places that cannot be written ------------------------------------------------------------------------------------


def test_results_that_is_a_file(project: Project) -> None:
    project.results.write_text("mine")
    refused(project.snakemake(f"{HOME}/server.py"), "results")
    assert project.results.read_text() == "mine"


def test_an_environment_that_is_a_file(built: Project) -> None:
    shutil.rmtree(built.results / "banking_2")
    (built.results / "banking_2").write_text("mine")
    before = files(built)
    refused(built.snakemake("results/all_envs.done"), "results/banking_2")
    assert files(built) == before


def test_results_that_cannot_be_written(project: Project, unwritable: Callable[[Path], None]) -> None:
    project.results.mkdir()
    unwritable(project.results)
    refused(project.snakemake(f"{HOME}/server.py"), "results")
    assert list(project.results.iterdir()) == []


def test_an_environment_that_cannot_be_written(
    environment_copy: Path, unwritable: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    from awm_lib.cli import main

    before = {path.name: path.read_bytes() for path in environment_copy.iterdir()}
    unwritable(environment_copy)
    for command in ("database", "server", "oracle", "verifier", "certify"):
        assert main([command, str(environment_copy)]) == 2
        shown = capsys.readouterr().err
        assert "cannot be written" in shown
        assert "check the directory's permissions and the free space" in shown
    assert {path.name: path.read_bytes() for path in environment_copy.iterdir()} == before
