"""Agents without a model: what they come to on a built data set, and what is kept of a run."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from awm_lib.cli import main
from awm_lib.contracts.summary import Summary
from awm_lib.evaluation.store import Store
from tests.conftest import Project

NAMES = {"banking_2", "e_commerce_1", "e_commerce_3", "e_commerce_33"}


@pytest.fixture(scope="module")
def evaluated(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A built project in which the three calibrating runs are made by the workflow."""
    home = tmp_path_factory.mktemp("evaluated") / "project"
    shutil.copytree(finished.home, home, symlinks=True)
    project = Project(home)
    done = project.snakemake(*(f"results/evals/{agent}/summary.json" for agent in ("oracle", "noop", "random")))
    assert done.returncode == 0, done.stdout + done.stderr
    return project


def summary_of(project: Project, run: str) -> Summary:
    return Summary.read(project.results / "evals" / run / "summary.json")


@pytest.mark.parametrize(("agent", "complete"), [("oracle", 40), ("noop", 0), ("random", 0)])
def test_a_calibrating_agent_comes_to_what_it_must(evaluated: Project, agent: str, complete: int) -> None:
    summary = summary_of(evaluated, agent)
    assert (summary.environments, summary.tasks, summary.trials, summary.planned) == (4, 40, 40, 40)
    assert (summary.complete, summary.masked) == (complete, 0)
    success = summary.overall.success
    assert success is not None
    assert success.mean == complete / 40
    assert success.high - success.low > 0.05, "forty tasks leave room for doubt"
    assert {group.name for group in summary.groups if group.by == "category"} == {"banking", "e_commerce"}


def test_why_a_calibrating_agent_failed(evaluated: Project) -> None:
    (only,) = summary_of(evaluated, "noop").failures
    assert (only.error_class, only.kind, only.trials) == ("agent", "no_action", 40)
    kinds = {item.kind for item in summary_of(evaluated, "random").failures}
    assert "side_effect" in kinds
    assert kinds <= {"side_effect", "incomplete", "wrong_answer", "no_answer", "goal_missed"}


def test_random_arguments_are_valid(evaluated: Project) -> None:
    for trial in Store.existing(evaluated.results / "evals" / "random").read_all():
        assert len(trial.calls) == 10
        assert all(call.well_formed for call in trial.calls)
        assert trial.rewards.format == 0


def test_records_have_calls_changes_and_the_final_state(evaluated: Project) -> None:
    writing = 0
    for trial in Store.existing(evaluated.results / "evals" / "oracle").read_all():
        assert trial.complete
        assert trial.rewards.outcome == 1.0
        assert [call.turn for call in trial.calls] == list(range(1, len(trial.calls) + 1))
        assert trial.final is not None
        assert trial.facts is not None
        assert trial.facts.level in ("easy", "middle", "hard")
        changed = {(change.table, *change.key) for call in trial.calls for change in call.changes}
        assert {(change.table, *change.key) for change in trial.final.changes} <= changed
        writing += bool(changed)
    assert writing > 10


def test_tables_can_be_queried(evaluated: Project) -> None:
    with duckdb.connect(str(evaluated.results / "evals" / "random" / "eval.duckdb"), read_only=True) as database:
        assert database.execute("SELECT count(*), sum(calls) FROM trials").fetchone() == (40, 400)
        assert database.execute("SELECT count(*) FROM calls WHERE well_formed").fetchone() == (400,)
        (overall,) = database.execute("SELECT tasks, mean FROM success WHERE dimension = 'all'").fetchall()
        assert overall == (40, 0.0)
        failed = dict(database.execute("SELECT failure, count(*) FROM trials GROUP BY 1").fetchall())
        assert sum(failed.values()) == 40


def test_the_same_build_gives_the_same_bytes(evaluated: Project) -> None:
    homes = evaluated.results / "evals"
    names = ["summary.json", *(f"trials/{name}.jsonl" for name in sorted(NAMES))]
    before = {name: (homes / "random" / name).read_bytes() for name in names}
    done = evaluated.awm("evaluate", "--agent", "random", "--fresh")
    assert done.returncode == 0, done.stderr
    assert {name: (homes / "random" / name).read_bytes() for name in names} == before


def test_a_changed_environment_is_done_again_and_nothing_else(evaluated: Project, tmp_path: Path) -> None:
    shutil.copytree(evaluated.home, tmp_path / "project", symlinks=True)
    project = Project(tmp_path / "project")
    trials = project.results / "evals" / "oracle" / "trials"
    before = {path.name: path.stat().st_mtime_ns for path in trials.iterdir()}
    path = project.results / "e_commerce_33" / "tasks.json"
    text = path.read_text()
    start = text.index('"instruction": "') + len('"instruction": "')
    path.write_text(text[:start] + "Hello. " + text[start:])
    done = project.snakemake("results/evals/oracle/summary.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "evaluate_agent" in done.stdout + done.stderr
    assert summary_of(project, "oracle").complete == 40
    changed = {path.name for path in trials.iterdir() if path.stat().st_mtime_ns != before[path.name]}
    assert changed == {"e_commerce_33.jsonl"}


def test_a_choice_of_trials(evaluated: Project, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "--agent",
        "oracle",
        "--run",
        "some",
        "--envs",
        "2",
        "--tasks",
        "t01,t02",
        "--trials",
        "3",
        "--category",
        "e_commerce",
    ]
    assert main(["evaluate", "--results", str(evaluated.results), *arguments]) == 0
    summary = summary_of(evaluated, "some")
    assert (summary.environments, summary.tasks, summary.trials) == (2, 4, 12)
    assert [at.k for at in summary.overall.at] == [1, 2, 3]
    assert all(at.any.mean == at.all.mean == 1.0 for at in summary.overall.at)
    assert "pass@3, pass^3" in capsys.readouterr().out


def test_another_run_of_the_same_name_is_refused(evaluated: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--results", str(evaluated.results), "--agent", "random", "--seed", "2"]) == 2
    said = capsys.readouterr().err
    assert "run with other settings: seed" in said
    assert "--fresh" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "who is to act?"),
        (("--agent", "llm"), "needs a model"),
        (("--agent", "oracle", "--model", "m"), "asks no model"),
        (("--agent", "oracle", "--envs", "e_comerce_33"), "did you mean 'e_commerce_33'?"),
        (("--agent", "oracle", "--category", "cooking"), "no environment fits"),
        (("--agent", "oracle", "--run", "../x"), "does not keep its contract"),
        (("--agent", "noop", "--task", "show all"), "--task and --mcp-url go together"),
        (("--agent", "llm", "--model", "m", "--max-cost", "1"), "needs the model's price"),
    ],
)
def test_a_mistake_is_explained(
    evaluated: Project, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    assert main(["evaluate", "--results", str(evaluated.results), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_scoring_again_by_code_uses_the_verifier_as_it_is(evaluated: Project, tmp_path: Path) -> None:
    shutil.copytree(evaluated.home, tmp_path / "project", symlinks=True)
    project = Project(tmp_path / "project")
    segment = project.results / "evals" / "oracle" / "trials" / "e_commerce_33.jsonl"
    lines = [json.loads(line) for line in segment.read_text().splitlines()]
    for line in lines:  # as an older verifier may have judged
        line["verdict"] = {"result": "others", "partial": 0.0}
        line["failure"] = {"error_class": "agent", "kind": "incomplete", "message": ""}
        line["rewards"] = {"masked": False, "outcome": 0.0}
    segment.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = project.awm("verify", "oracle", "--mode", "code")
    assert done.returncode == 0, done.stderr
    assert summary_of(project, "oracle").complete == 40


def test_killed_calibration_goes_on(evaluated: Project, tmp_path: Path) -> None:
    shutil.copytree(evaluated.home, tmp_path / "project", symlinks=True)
    project = Project(tmp_path / "project")
    for number in range(4):  # enough environments that several processes share them
        for name in NAMES:
            copy = shutil.copytree(project.results / name, project.results / f"{name}{number:02}")
            for file in ("scenario.json", "tasks.json", "spec.json", "oracle.json", "verifier.py"):
                text = (copy / file).read_text()
                (copy / file).write_text(re.sub(rf"\b{name}\b", copy.name, text))
    names = [path.name for path in project.results.iterdir() if (path / "verifier.py").exists()]
    command = [sys.executable, "-m", "awm_lib", "evaluate", "--agent", "noop", "--run", "killed", "--jobs", "2"]
    trials = project.results / "evals" / "killed" / "trials"
    process = subprocess.Popen(command, cwd=project.home, start_new_session=True,
                               env={**os.environ, "PYTHONPATH": str(project.home)})  # fmt: skip
    deadline = time.monotonic() + 60
    while not trials.is_dir() or len(list(trials.glob("*.jsonl"))) < 2:
        assert time.monotonic() < deadline
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = {path.name: path.stat().st_mtime_ns for path in trials.glob("*.jsonl")}
    assert not (trials.parent / "summary.json").exists()
    assert len(kept) < len(names)
    done = project.run(*command[2:])
    assert done.returncode == 0, done.stderr
    assert {name: (trials / name).stat().st_mtime_ns for name in kept} == kept
    assert summary_of(project, "killed").trials == 10 * len(names)


def test_a_verifier_that_someone_changed_is_refused_whatever_is_remembered(
    evaluated: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(evaluated.results / "e_commerce_33", tmp_path / "results" / "e_commerce_33")
    command = ["evaluate", "--results", str(tmp_path / "results"), "--agent", "noop"]
    assert main(command) == 0
    verifier = tmp_path / "results" / "e_commerce_33" / "verifier.py"
    verifier.write_text(verifier.read_text() + "\nprint('owned')\n")
    assert main([*command, "--fresh"]) == 2
    said = capsys.readouterr()
    assert "is not what its sources compile to" in said.err
    assert "owned" not in said.out
