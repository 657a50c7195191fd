"""Stages that the worker runs for Snakemake without a shell: which lines those are, and that they do the same."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from awm_lib.stage_process import StageProcess, open_process
from awm_lib.worker import stage_command
from tests.conftest import Project

AWM = stage_command()


def options(**changed: Any) -> dict[str, Any]:
    return {"shell": True, "stdout": None, "executable": "/bin/bash", "env": dict(os.environ), **changed}


@pytest.mark.parametrize(
    "line",
    [
        f"set -euo pipefail;  {AWM} certify results/a_1  > logs/a_1/certify.log 2>&1",
        f"{AWM} synthesize results/a_1 --overrides overrides --recipe 0a9f 2> logs/a_1/synthesize.log",
        f"{AWM} database 'results/a_1' 2> 'logs/a_1/database.log'",
    ],
)
def test_a_stage_needs_no_shell(line: str) -> None:
    assert isinstance(open_process(line, **options()), StageProcess)


@pytest.mark.parametrize(
    "line",
    [
        "true",
        f"{AWM} write tasks results/a_1 2> /dev/null || true",
        f"{AWM} certify $HOME 2> /dev/null || true",
        f"{AWM} certify results/* 2> /dev/null || true",
        f"{AWM} certify results/a_1; true 2> /dev/null",
        f"{AWM} certify results/a_1 2> $LOG || true",
        f"{AWM} certify --help > /dev/null",
        f"nice {AWM} certify --help 2> /dev/null > /dev/null",
    ],
)
def test_all_other_lines_do(line: str) -> None:
    process = open_process(line, **options())
    assert isinstance(process, subprocess.Popen)
    process.wait()


def test_output_that_is_wanted_comes_from_a_process() -> None:
    process = open_process(f"{AWM} certify --help 2> /dev/null", **options(stdout=subprocess.PIPE))
    assert isinstance(process, subprocess.Popen)
    assert "usage: awm certify" in process.communicate()[0].decode()


def test_the_worker_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWM_WORKER", "0")
    process = open_process(f"{AWM} certify --help 2> /dev/null", **options(stdout=subprocess.DEVNULL))
    assert isinstance(process, subprocess.Popen)
    process.wait()


@pytest.mark.parametrize("both", ["> {log} 2>&1", "2> {log}"])
def test_exit_code_and_log_are_those_of_a_shell(tmp_path: Path, both: str) -> None:
    log = tmp_path / "stage.log"
    line = f"{AWM} certify {tmp_path}/none {both.format(log=log)}"
    shown = []
    for make in (open_process, subprocess.Popen):
        log.write_text("of an earlier run, and longer than what this one says" * 99)
        code = make(line, **options()).wait()
        shown.append((code, log.read_text(), log.stat().st_mode))
    assert shown[0] == shown[1]


def test_a_log_that_cannot_be_written_fails_as_in_a_shell(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    process = open_process(f"{AWM} certify {tmp_path} 2> {tmp_path}/none/a.log", **options())
    assert isinstance(process, StageProcess)
    assert process.wait() == 1
    assert "No such file or directory" in capfd.readouterr().err


def test_a_failed_stage_fails_its_job(project: Project) -> None:
    project.edit("awm_lib/commands/synthesize.py", "    home = arguments.directory\n", '    raise SystemExit("no")\n')
    done = project.snakemake("results/e_commerce_33/tasks.json")
    assert done.returncode == 1
    assert (project.home / "logs" / "e_commerce_33" / "synthesize.log").read_text() == "no\n"
