"""verifier.py: one function per task, the same bytes every time, run only if it is what its sources say."""

from __future__ import annotations

import ast
import copy
from pathlib import Path
from typing import Any

import pytest

from awm_lib.compile.verifier import compile_verifier, literal, sql_literal
from awm_lib.errors import AwmError, ContractError, StaleView, UnknownName
from awm_lib.runtime.environment import Environment
from tests.shop import ORACLE, TASKS, shop


def changed(number: int, **fields: Any) -> dict[str, Any]:
    """The oracle with fields of one solution replaced."""
    oracle = copy.deepcopy(ORACLE)
    oracle["solutions"][number].update(fields)
    return oracle


def test_one_typed_function_for_each_task() -> None:
    text = compile_verifier(shop())
    assert text == compile_verifier(shop())
    functions = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
    assert list(functions) == [f"verify_{task['id']}" for task in TASKS["tasks"]]
    for task, node in zip(TASKS["tasks"], functions.values(), strict=True):
        assert " ".join((ast.get_docstring(node) or "").split()) == task["instruction"]
        assert [ast.unparse(argument.annotation) for argument in node.args.args if argument.annotation] == [
            "State",
            "State",
            "str | None",
        ]
        assert node.returns is not None


def test_it_imports_what_it_uses_and_nothing_else() -> None:
    tree = ast.parse(compile_verifier(shop()))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert [node.module for node in imports] == ["awm_lib.verify"]
    names = {alias.name for alias in imports[0].names}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert names <= used


def test_the_goal_the_changes_and_the_answer_are_in_plain_sight() -> None:
    text = compile_verifier(shop())
    for part in (
        'insert("orders", "orders#1"',
        'key("orders#1")',
        "moment()",
        'update("products", 1, {"stock": 3})',
        'Answer("money", 38.97, unit="USD")',
        "initial.orders",
    ):
        assert part in text, part


def test_a_solution_that_fails_gets_a_verifier_that_never_says_complete() -> None:
    calls = [{"id": "bought", "tool": "order_product", "arguments": [{"name": "product_id", "value": 99}]}]
    environment = shop(oracle=changed(0, calls=calls))
    verdict = environment.start("t01").verify()
    assert verdict.result == "others"
    assert "bought (order_product) was refused: not_found" in verdict.evidence["unproven"]
    assert environment.start("t03").verify().evidence.get("unproven") is None, "other tasks are not touched"


def test_an_unknown_task_has_no_verifier() -> None:
    with pytest.raises(UnknownName, match="there is no verifier for task 't9'"):
        shop().verifier("t9")


def test_texts_of_every_kind_stay_texts() -> None:
    nasty = 'Order 2 pieces of the cheapest cable that is in stock; say "hi\\n", """ and \'so\' on."'
    tasks = copy.deepcopy(TASKS)
    tasks["tasks"][0]["instruction"] = nasty
    tasks["tasks"][2]["instruction"] = "Order the usb-a cable, or one usb-c cable. It ends in a backslash \\"
    environment = shop(tasks=tasks)
    ast.parse(compile_verifier(environment))
    assert environment.start("t01").verify().result == "others"


@pytest.mark.parametrize(
    "value", ['a"b', "it's", "\\n", "é\n\t", "", 0, -1, 1.5, None, True, ("a", 1), (1,), ["x", None], 1e-9, 10**20]
)
def test_literals_are_python(value: Any) -> None:
    assert ast.literal_eval(literal(value)) == value


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "SELECT 'it''s' AS a, \"b\" FROM t WHERE c = '\\'",
        "SELECT " + ", ".join(f"'text  with   spaces {n}' AS c{n}" for n in range(20)),
        'SELECT \'"""\' AS quotes, '
        + ", ".join(f"column_{n}" for n in range(30))
        + " FROM some_table WHERE a = 1 AND b = 2",
    ],
)
def test_sql_is_the_same_statement_in_python(sql: str) -> None:
    from awm_lib import sqltext

    def significant(text: str) -> list[str]:
        return [part for kind, part in sqltext.tokens(text) if kind != "space"]

    assert significant(ast.literal_eval(sql_literal(sql, 8))) == significant(sql)


# --- what runs --------------------------------------------------------------------------------------------------------


def test_an_altered_verifier_is_not_run_but_shown(environment_copy: Path) -> None:
    path = environment_copy / "verifier.py"
    flag = environment_copy / "executed"
    path.write_text(path.read_text() + f"\nopen({str(flag)!r}, 'w').close()\nVERIFIERS = {{}}\n")
    environment = Environment.load(environment_copy)
    episode = environment.start("t01")
    with pytest.raises(StaleView) as caught:
        episode.verify("anything")
    shown = str(caught.value)
    assert "is not what its sources compile to, so it is not run" in shown
    assert "-VERIFIERS = {}" in shown
    assert f"rm {path} && snakemake {path}" in shown
    assert not flag.exists()


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b"def verify_t01(*a): return None\n"])
def test_a_verifier_that_is_something_else_is_not_run(environment_copy: Path, data: bytes) -> None:
    (environment_copy / "verifier.py").write_bytes(data)
    with pytest.raises(StaleView, match="so it is not run"):
        Environment.load(environment_copy).start("t01").verify()


def test_a_missing_verifier_says_how_to_build_it(environment_copy: Path) -> None:
    (environment_copy / "verifier.py").unlink()
    with pytest.raises(ContractError, match=r"verifier.py does not exist\n  build it: snakemake"):
        Environment.load(environment_copy).start("t01").verify()


def test_edited_sources_make_the_verifier_stale(environment_copy: Path) -> None:
    path = environment_copy / "tasks.json"
    path.write_text(path.read_text().replace('"instruction": "', '"instruction": "Hello. ', 1))
    with pytest.raises(AwmError, match="so it is not run"):
        Environment.load(environment_copy).start("t01").verify()


def test_every_built_task_is_complete_by_its_oracle_alone(built_environment: Path) -> None:
    from awm_lib.oracles.replay import answer_text, replay

    environment = Environment.load(built_environment)
    for task, solution in zip(environment.tasks.tasks, environment.oracle.solutions, strict=True):
        idle = environment.start(task.id)
        assert not idle.verify("Done.").complete
        run = replay(environment, task, solution)
        assert run.problems == []
        verdict = run.episode.verify(answer_text(run.answer), task=task.id)
        assert verdict.complete, (task.id, verdict.evidence)
        run.episode.close()
        idle.close()
