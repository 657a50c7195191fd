"""The gate: what is certified, what stands in the way, and what may be left out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from awm_lib.cli import main
from awm_lib.contracts.certificate import Certificate
from awm_lib.errors import AwmError, ContractError
from awm_lib.failures import Failure, clear, read_failures, record
from awm_lib.gate import Summary, judge_build
from tests.conftest import Project

NAMES = ["e_commerce_1", "banking_2", "e_commerce_3", "e_commerce_33"]


@pytest.fixture
def results(finished: Project, tmp_path: Path) -> Path:
    """Certificates of a built catalogue, to change at will."""
    target = tmp_path / "results"
    for name in NAMES:
        (target / name).mkdir(parents=True)
        shutil.copy2(finished.results / name / "certificate.json", target / name)
    shutil.copy2(finished.results / "scenarios.jsonl", target)
    return target


def fail(results: Path, name: str, reason: str = "t03, oracle: it does not work") -> None:
    """Make a certificate one that did not pass."""
    path = results / name / "certificate.json"
    Certificate.read(path).model_copy(update={"passed": False, "reasons": [reason]}).write(path)


def test_all_certified_is_summed_up(results: Path, finished: Project) -> None:
    summary = judge_build(results, NAMES, {}, 0)
    certificates = [Certificate.read(results / name / "certificate.json") for name in NAMES]
    assert (summary.environments, summary.certified, summary.left_out) == (4, 4, [])
    assert summary.tools == sum(certificate.counts.tools for certificate in certificates)
    assert summary.tasks == summary.tasks_proven == 40
    assert summary.variants == summary.variants_accepted > 100
    assert summary.mutants_killed <= summary.mutants
    assert Summary.read(finished.results / "all_envs.done") == summary


def test_a_failure_is_named_with_its_reason_and_what_to_do(results: Path) -> None:
    fail(results, "banking_2")
    with pytest.raises(AwmError) as caught:
        judge_build(results, NAMES, {}, 0)
    assert str(caught.value).startswith(
        "1 of 4 environments are not certified:\n  banking_2: certificate: t03, oracle: it does not work\n"
    )
    assert "--config max_failed=1" in str(caught.value)


def test_failures_within_the_limit_are_named_and_left_out(results: Path) -> None:
    fail(results, "banking_2")
    assert judge_build(results, NAMES, {}, 1).left_out == ["banking_2: certificate: t03, oracle: it does not work"]
    shutil.rmtree(results / "e_commerce_3")
    left_out = {"e_commerce_3": "synthesize: too few tasks"}
    summary = judge_build(results, NAMES, left_out, 2)
    assert (summary.environments, summary.certified) == (3, 2)
    assert summary.left_out == [
        "e_commerce_3: synthesize: too few tasks",
        "banking_2: certificate: t03, oracle: it does not work",
    ]
    with pytest.raises(AwmError, match="2 of 4 environments are not certified"):
        judge_build(results, NAMES, left_out, 1)


def test_many_failures_are_cut_short(results: Path) -> None:
    left_out = {f"shop_{number}": "synthesize: no" for number in range(30)}
    with pytest.raises(AwmError, match=r"\.\.\. and 10 more"):
        judge_build(results, [*NAMES, *left_out], left_out, 0)


def test_a_missing_certificate_is_no_pass(results: Path) -> None:
    (results / "banking_2" / "certificate.json").unlink()
    with pytest.raises(ContractError, match=r"banking_2/certificate.json does not exist"):
        judge_build(results, NAMES, {}, 4)


def test_the_command_writes_the_word_or_nothing(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = results / "all_envs.done"
    assert main(["gate", str(target)]) == 0
    assert json.loads(target.read_text())["certified"] == 4
    target.unlink()
    fail(results, "e_commerce_1")
    assert main(["gate", str(target)]) == 2
    assert "e_commerce_1: certificate: t03" in capsys.readouterr().err
    assert not target.exists()
    assert main(["gate", str(target), "--max-failed", "1"]) == 0


def test_failures_are_kept_until_their_stage_succeeds(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failure = Failure(scenario="e_commerce_3", stage="synthesize", message="only 3 of 10 tasks", recipe="abc")
    record(results, failure)
    assert read_failures(results) == [failure]
    shutil.rmtree(results / "e_commerce_3")
    assert main(["gate", str(results / "all_envs.done"), "--left-out", "e_commerce_3"]) == 2
    assert "e_commerce_3: synthesize: only 3 of 10 tasks" in capsys.readouterr().err
    clear(results, "e_commerce_3")
    clear(results, "e_commerce_3")
    assert read_failures(results) == []


def test_the_summary_says_what_is_there(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["gate", str(results / "all_envs.done")])
    assert main(["summary", "--results", str(results)]) == 0
    shown = capsys.readouterr().out
    for part in (
        "4, 4 certified",
        "40, 40 proven",
        "0 internal errors",
        "scripts/serve.py e_commerce_33",
        f"{results}/e_commerce_33/server.py",
    ):
        assert part in shown
