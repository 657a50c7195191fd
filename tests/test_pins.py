"""Pins and stamps: a person's edit is recognised, kept for good if asked, and never lost unsaid."""

from __future__ import annotations

from pathlib import Path

import pytest

from awm_lib.cli import main
from awm_lib.errors import AwmError, ContractError, UnknownName
from awm_lib.outputs import digest, is_edited, pinned, stamp_of, write_output
from awm_lib.pins import check_pin
from awm_lib.workflow import Workflow
from tests.shop import TASKS


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of one environment of a build, with its tasks, in the current directory."""
    monkeypatch.chdir(tmp_path)
    from awm_lib.contracts.tasks import Tasks

    made = tmp_path / "results" / "e_commerce_33"
    write_output(made / "tasks.json", Tasks.parse(TASKS, "tasks").encode())
    return made


def edit(path: Path) -> None:
    """Change a file as a person would."""
    path.write_text(path.read_text().replace("Order 2", "Please order 2", 1))


def test_an_edit_is_recognised_and_a_touched_file_is_none(home: Path) -> None:
    path = home / "tasks.json"
    assert not is_edited(path)
    path.touch()
    assert not is_edited(path)
    edit(path)
    assert is_edited(path)
    write_output(path, path.read_bytes())
    assert not is_edited(path)


def test_a_missing_file_and_one_that_no_stage_wrote_are_no_edits(home: Path) -> None:
    (home / "notes.txt").write_text("mine")
    assert not is_edited(home / "notes.txt")
    (home / "tasks.json").unlink()
    assert not is_edited(home / "tasks.json")


def test_a_pin_is_a_copy_that_its_stage_then_uses(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = home / "tasks.json"
    edit(path)
    assert main(["pin", "e_commerce_33", "tasks.json"]) == 0
    assert "undo: awm unpin e_commerce_33 tasks.json" in capsys.readouterr().out
    kept = Path("overrides/e_commerce_33/tasks.json")
    assert kept.read_bytes() == path.read_bytes()
    assert pinned(path, Path("overrides")) == kept
    assert stamp_of(path).read_text() == digest(path.read_bytes())
    assert main(["unpin", "e_commerce_33", "tasks.json"]) == 0
    assert pinned(path, Path("overrides")) is None


@pytest.mark.parametrize(
    ("scenario", "file", "kind", "message"),
    [
        ("e_commerce_33", "server.py", AwmError, "pin spec.json instead"),
        ("e_commerce_33", "seed.sqlite", AwmError, "pin seed.json or schema.sql instead"),
        ("e_commerce_33", "task.json", UnknownName, "did you mean 'tasks.json'"),
        ("e_commerce_33", "../tasks.json", UnknownName, "there is no file to pin"),
        ("e_commerce_33", "spec.json", ContractError, "does not exist"),
        ("../e_commerce_33", "tasks.json", ContractError, "is not a scenario name"),
    ],
)
def test_what_cannot_be_pinned(home: Path, scenario: str, file: str, kind: type[AwmError], message: str) -> None:
    with pytest.raises(kind) as caught:
        check_pin(scenario, file, Path("results"), Path("overrides"))
    assert message in str(caught.value)


def test_a_file_that_is_not_valid_is_not_pinned(home: Path) -> None:
    (home / "tasks.json").write_text("{}")
    with pytest.raises(ContractError, match="does not keep its contract"):
        check_pin("e_commerce_33", "tasks.json", Path("results"), Path("overrides"))
    assert not Path("overrides").exists()


def workflow(**settings: object) -> Workflow:
    """A build of one pack."""
    return Workflow({"packs": ["e_commerce"], "count": 1, **settings})


def test_a_run_that_would_lose_an_edit_is_refused_with_both_ways_out(home: Path) -> None:
    edit(home / "tasks.json")
    outputs = ["results/e_commerce_33/tasks.json", "results/e_commerce_33/plan.json", "results/scenarios.jsonl"]
    with pytest.raises(AwmError) as caught:
        workflow().refuse_to_lose_edits(outputs)
    shown = str(caught.value)
    assert "  results/e_commerce_33/tasks.json" in shown
    assert "plan.json" not in shown
    assert "awm pin e_commerce_33 tasks.json" in shown
    assert "overwrite_edits=true" in shown
    workflow(overwrite_edits=True).refuse_to_lose_edits(outputs)
    workflow().refuse_to_lose_edits(["results/e_commerce_33/plan.json"])
    main(["pin", "e_commerce_33", "tasks.json"])
    workflow().refuse_to_lose_edits(outputs)


def test_pins_are_inputs_of_their_stage(home: Path) -> None:
    assert workflow().pins("e_commerce_33", "tasks.json", "spec.json") == []
    main(["pin", "e_commerce_33", "tasks.json"])
    assert workflow().pins("e_commerce_33", "tasks.json", "spec.json") == ["overrides/e_commerce_33/tasks.json"]
    assert workflow(overrides="elsewhere").pins("e_commerce_33", "tasks.json") == []
