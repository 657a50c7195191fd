"""The contracts of the files: strict, with messages that name the place, and the same bytes for the same value."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awm_lib import jsonfile
from awm_lib.contracts.base import Contract, read_json
from awm_lib.contracts.config import Config, read_config
from awm_lib.contracts.names import check_identifier, check_scenario_name
from awm_lib.contracts.oracle import Oracle
from awm_lib.contracts.seed import Seed
from awm_lib.contracts.spec import Spec
from awm_lib.contracts.tasks import Tasks
from awm_lib.errors import ContractError
from tests.shop import ORACLE, SPEC, TASKS

WHOLE: dict[str, tuple[type[Contract], dict[str, Any]]] = {
    "tasks": (Tasks, TASKS),
    "spec": (Spec, SPEC),
    "oracle": (Oracle, ORACLE),
}


def broken(name: str, path: str, value: Any) -> str:
    """The message for a file in which one place (``tasks.0.kind``) has another value; ``...`` removes it."""
    contract, whole = WHOLE[name]
    changed = copy.deepcopy(whole)
    place: Any = changed
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in parents:
        place = place[part]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    with pytest.raises(ContractError) as caught:
        contract.parse(changed, f"results/x/{name}.json")
    return str(caught.value)


WRONG: list[tuple[str, str, Any, str]] = [
    ("tasks", "tasks.0.kind", "errand", "tasks.0.kind: Input should be 'action', 'question' or 'both'"),
    ("tasks", "tasks.0.kind", "question", "t01: a task of kind 'question' needs an answer form"),
    ("tasks", "tasks.1.kind", "action", "t02: a task of kind 'action' has no answer form"),
    ("tasks", "tasks.1.id", "t01", "task ids are not unique: ['t01']"),
    ("tasks", "tasks.0.id", "task-1", "tasks.0.id"),
    ("tasks", "tasks.0.instruction", "Buy", "tasks.0.instruction"),
    ("tasks", "tasks.0.instruction", ..., "tasks.0.instruction: Field required"),
    ("tasks", "tasks.0.instrction", "x", "tasks.0.instrction: Extra inputs are not permitted"),
    ("tasks", "context.now", "2025-02-30", "'2025-02-30' is not a moment: write YYYY-MM-DD HH:MM:SS"),
    ("tasks", "context.user.id", "one", "context.user.id"),
    ("tasks", "scenario", "../x", "scenario"),
    ("tasks", "tasks", [], "tasks: List should have at least 1 item"),
    ("spec", "tools.0.name", "search products", "'search products' is not a name"),
    ("spec", "tools.0.name", "class", "'class' is a reserved word"),
    ("spec", "tools.0.name", "sqlite_tool", "is a reserved word"),
    ("spec", "tools.0.effect", "reads", "tools.0.effect"),
    ("spec", "tools.0.parameters.0.type", "text", "tools.0.parameters.0.type"),
    ("spec", "tools.0.parameters.0.enum", 5, "tools.0.parameters.0.enum"),
    ("spec", "tools.0.parameters.1.name", "query", "tool search_products: a parameter name is used twice"),
    ("spec", "tools.0.parameters.1.name", "limit", "'return all' adds limit and offset itself"),
    ("spec", "tools.0.program", [], "tools.0.program"),
    ("spec", "tools.0.program.0", {"select": "SELECT 1"}, "a step has one of the keys check, let, run, return"),
    ("spec", "tools.2.program.0", {"return": "one", "sql": "SELECT 1"}, "a program ends in its only 'return' step"),
    ("spec", "tools.2.program.0.error", "internal", "tools.2.program.0"),
    ("spec", "tools.2.parameters.1.required", True, "a required parameter has no default"),
    ("spec", "crud.0.verbs", ["get", "get"], "crud users: a verb is named twice"),
    ("spec", "crud.0.verbs", ["create"], "create and update need 'writable' columns"),
    ("oracle", "solutions.0.calls", [], "solutions.0.calls"),
    ("oracle", "solutions.0.calls.1.id", "found", "task t01: a call id is used twice"),
    ("oracle", "solutions.2.calls.1.refused", "internal", "solutions.2.calls.1.refused"),
]


@pytest.mark.parametrize(("name", "path", "value", "message"), WRONG)
def test_a_wrong_file_is_refused_with_file_and_place(name: str, path: str, value: Any, message: str) -> None:
    shown = broken(name, path, value)
    assert shown.startswith(f"results/x/{name}.json does not keep its contract:\n")
    assert message in shown
    assert "pydantic" not in shown
    assert "function-" not in shown


def test_many_mistakes_are_cut_short() -> None:
    tasks = {**TASKS, "tasks": [{"id": str(number)} for number in range(50)]}
    with pytest.raises(ContractError, match=r"\.\.\. and \d+ more"):
        Tasks.parse(tasks, "tasks.json")


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_reads_back_as_it_was_written(name: str, tmp_path: Path) -> None:
    contract, whole = WHOLE[name]
    value = contract.parse(whole, name)
    path = tmp_path / "a" / f"{name}.json"
    value.write(path)
    assert contract.read(path) == value
    assert contract.read(path).encode() == path.read_bytes()
    assert [item.name for item in path.parent.iterdir()] == [path.name], "no temporary file stays"


def test_a_row_has_a_value_for_each_column() -> None:
    with pytest.raises(ContractError, match="table users, row 2: 1 values for 2 columns"):
        Seed.parse(
            {"scenario": "x", "tables": [{"table": "users", "columns": ["id", "name"], "rows": [[1, "a"], [2]]}]}, "s"
        )


@pytest.mark.parametrize("name", ["a", "e_commerce_33", "x9"])
def test_names(name: str) -> None:
    assert check_scenario_name(name) == name
    assert check_identifier(name) == name


@pytest.mark.parametrize("name", ["", "A", "9a", "_a", "a-b", "a b", "a/b", "..", "a\n", "é", "a" * 65, "a.b", "a\x00"])
def test_names_with_other_characters(name: str) -> None:
    with pytest.raises(ContractError, match="is not a scenario name"):
        check_scenario_name(name)
    with pytest.raises(ValueError, match="is not a name"):
        check_identifier(name)


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"coun": 5}, "did you mean 'count'?"),
        ({"count": "many"}, "count: "),
        ({"count": 0}, "count: "),
        ({"seed": -1}, "seed: "),
        ({"tasks": 21}, "tasks: "),
        ({"packs": "banking"}, "packs: "),
        ({"provider": "magic"}, "provider: "),
        ({"zzz": 1}, "the settings are: provider, count"),
        ({"max_failed": -1}, "max_failed: "),
        ({"overrides": ""}, "overrides: "),
    ],
)
def test_a_wrong_setting_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError) as caught:
        read_config(values)
    assert message in str(caught.value)


def test_settings_have_defaults() -> None:
    assert read_config({}) == Config(provider="offline", count=1_000, seed=1, tasks=10)


# --- JSON files -------------------------------------------------------------------------------------------------------

_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=30),
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.dictionaries(st.text(st.characters(exclude_categories=("Cs",)), max_size=20), inner, max_size=6)
    ),
    max_leaves=40,
)


@settings(deadline=None, max_examples=150)
@given(_JSON)
def test_a_value_reads_back_from_its_file(value: Any) -> None:
    data = jsonfile.encode(value)
    assert json.loads(data) == value
    assert jsonfile.encode(json.loads(data)) == data
    assert data.endswith(b"\n")
    assert b"\r" not in data


@settings(deadline=None, max_examples=60)
@given(st.recursive(st.integers(0, 999), lambda inner: st.lists(inner, max_size=9), max_leaves=80))
def test_no_line_of_short_values_is_too_long(value: Any) -> None:
    for line in jsonfile.encode(value).decode().splitlines():
        assert len(line) <= jsonfile.WIDTH + 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "is not JSON"),
        (b"", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[" * 99_999, "is not JSON"),
        (b"[NaN]", "NaN is no number"),
        (b"[-Infinity]", "-Infinity is no number"),
        (b"[" + b"9" * 5_000 + b"]", "is not JSON"),
    ],
    ids=range(7),
)
def test_what_is_no_json_is_named(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    path.write_bytes(data)
    with pytest.raises(ContractError) as caught:
        read_json(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_a_missing_file_says_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"does not exist\n  build it: snakemake .*tasks.json"):
        Tasks.read(tmp_path / "tasks.json")


def test_a_file_of_another_size_class_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "seed.json"
    with path.open("wb") as file:
        file.truncate(32_000_001)
    with pytest.raises(ContractError, match="is larger than 32,000,000 bytes"):
        Seed.read(path)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    jsonfile.write_bytes(path, b"old")

    def fail(self: Path, target: Path) -> Path:
        raise OSError("no space")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        jsonfile.write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
