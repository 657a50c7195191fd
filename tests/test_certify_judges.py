"""The certificate's checks, judged: each wrong oracle, task or tool is planted on purpose and must be caught."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import pytest

from awm_lib.certify.certificate import certify, certify_tasks
from awm_lib.certify.mutants import wrong_answers
from awm_lib.certify.world import check_tools, schema_findings
from awm_lib.contracts.certificate import TaskCertificate
from awm_lib.contracts.tasks import AnswerForm
from tests.shop import ORACLE, ROWS, SCHEMA, SPEC, TASKS, shop


def certified(task: str, oracle: dict[str, Any] | None = None, **parts: Any) -> TaskCertificate:
    """The certificate of one task of a shop with some parts replaced."""
    environment = shop(oracle=oracle, **parts)
    solutions = {solution.task: solution for solution in environment.oracle.solutions}
    return next(found for found in certify_tasks(environment, solutions) if found.task == task)


def status(certificate: TaskCertificate, check: str) -> tuple[str, str]:
    """A check's status, and its findings as one text."""
    found = next(item for item in certificate.checks if item.check == check)
    return found.status, " ".join(found.findings)


def changed(number: int, **fields: Any) -> dict[str, Any]:
    """The oracle with fields of one solution replaced."""
    oracle = copy.deepcopy(ORACLE)
    oracle["solutions"][number].update(fields)
    return oracle


@pytest.mark.parametrize("task", ["t01", "t02", "t03", "t04"])
def test_a_right_task_passes_every_check(task: str) -> None:
    certificate = certified(task)
    assert certificate.passed
    assert {check.status for check in certificate.checks} == {"passed"}
    assert certificate.survivors == []
    assert sum(runs.made for runs in certificate.mutants) >= 5
    assert all(runs.made == runs.passed for runs in certificate.variants)


def test_every_family_of_variants_and_mutants_is_made() -> None:
    found = [certified(task) for task in ("t01", "t02", "t03", "t04")]
    variants = {runs.family for certificate in found for runs in certificate.variants}
    mutants = {runs.family for certificate in found for runs in certificate.mutants}
    assert {"extra_reads", "reordered", "refused_first", "later_clock", "shifted_keys", "answer_in_prose"} <= variants
    assert {"dropped_call", "changed_argument", "extra_write", "wrong_answer", "lists_everything"} <= mutants


def test_a_goal_that_holds_before_is_caught() -> None:
    certificate = certified("t01", changed(0, goal="SELECT count(*) > 0 FROM orders"))
    assert not certificate.passed
    assert "true before anything is done" in status(certificate, "oracle")[1]


def test_a_goal_that_does_not_hold_after_is_caught() -> None:
    certificate = certified("t01", changed(0, goal="SELECT count(*) = 99 FROM orders"))
    assert "not true after" in status(certificate, "oracle")[1]


def test_a_goal_that_does_not_prepare_is_caught() -> None:
    certificate = certified("t01", changed(0, goal="SELECT totl FROM orders"))
    assert not certificate.passed
    assert "totl" in status(certificate, "oracle")[1]


def test_a_goal_that_writes_is_refused() -> None:
    certificate = certified("t01", changed(0, goal="DELETE FROM orders RETURNING 1"))
    assert not certificate.passed


def test_a_question_whose_answer_differs_from_the_data_is_caught() -> None:
    answer = {**ORACLE["solutions"][1]["answer"], "sql": "SELECT price * 2 FROM products WHERE id = 3"}
    certificate = certified("t02", changed(1, answer=answer))
    assert "from the data" in status(certificate, "oracle")[1]


def test_an_answer_that_the_instruction_gives_away_is_not_grounded() -> None:
    answer = {**ORACLE["solutions"][1]["answer"], "source": "number('3') * 12.99"}
    certificate = certified("t02", changed(1, answer=answer))
    assert status(certificate, "grounded")[0] == "failed"
    assert "instruction alone" in status(certificate, "grounded")[1]


def test_an_instruction_that_contradicts_the_solution_is_caught() -> None:
    tasks = copy.deepcopy(TASKS)
    tasks["tasks"][0]["instruction"] = "Order 5 pieces of the cheapest cable that is in stock."
    certificate = certified("t01", tasks=tasks)
    assert not certificate.passed
    assert "does not say '2'" in status(certificate, "grounded")[1]


def test_a_vague_instruction_is_caught() -> None:
    tasks = copy.deepcopy(TASKS)
    tasks["tasks"][0]["instruction"] = "Please order something nice for my desk."
    certificate = certified("t01", tasks=tasks)
    assert status(certificate, "grounded")[0] == "failed"


def test_a_value_from_nowhere_is_caught() -> None:
    oracle = copy.deepcopy(ORACLE)
    oracle["solutions"][0]["calls"][1]["arguments"].append({"name": "note", "value": "gift", "source": "'gift'"})
    certificate = certified("t01", oracle)
    assert "'gift' is nowhere in the instruction" in status(certificate, "grounded")[1]


def test_an_argument_without_a_source_is_not_shown() -> None:
    oracle = copy.deepcopy(ORACLE)
    del oracle["solutions"][0]["calls"][1]["arguments"][0]["source"]
    certificate = certified("t01", oracle)
    assert status(certificate, "grounded")[0] == "not_shown"
    assert certificate.passed


def test_a_dead_call_is_caught() -> None:
    oracle = copy.deepcopy(ORACLE)
    oracle["solutions"][0]["calls"].insert(0, {"id": "idle", "tool": "list_orders"})
    certificate = certified("t01", oracle)
    assert not certificate.passed
    assert "idle (list_orders) can be left out" in status(certificate, "load_bearing")[1]


def test_a_superlative_with_two_winners_is_caught() -> None:
    rows = copy.deepcopy(ROWS)
    rows[1]["rows"][2][2] = 899
    certificate = certified("t01", rows=rows)
    assert not certificate.passed
    assert "several records have the lowest price" in status(certificate, "oracle")[1]
    source = "first([p for p in found.items if p.stock > 0]).id"
    oracle = copy.deepcopy(ORACLE)
    oracle["solutions"][0]["calls"][1]["arguments"][0]["source"] = source
    assert "2 winners" in status(certified("t01", oracle, rows=rows), "unique")[1]


def test_a_call_that_is_not_refused_as_declared_is_caught() -> None:
    rows = copy.deepcopy(ROWS)
    rows[1]["rows"][1][3] = 4
    certificate = certified("t03", rows=rows)
    assert "should have been refused" in status(certificate, "oracle")[1]


def test_a_call_of_a_missing_tool_is_caught() -> None:
    oracle = copy.deepcopy(ORACLE)
    oracle["solutions"][0]["calls"][0]["tool"] = "find_products"
    assert "unknown_tool" in status(certified("t01", oracle), "oracle")[1]


def test_values_that_are_out_of_date_are_caught() -> None:
    oracle = copy.deepcopy(ORACLE)
    oracle["solutions"][0]["calls"][1]["arguments"][0]["value"] = 3
    certificate = certified("t01", oracle)
    assert "build oracle.json again" in status(certificate, "oracle")[1]


def test_a_loose_verifier_lets_mutants_survive_and_names_them() -> None:
    places = (("order_items", "quantity"), ("products", "stock"))
    ignored = [{"table": table, "column": column, "reason": "careless"} for table, column in places]
    goal = "SELECT count(*) = 4 FROM orders"
    certificate = certified("t01", changed(0, expect={"ignored": ignored}, goal=goal))
    assert certificate.survivors
    assert any("quantity" in name for name in certificate.survivors)


def test_a_question_that_doing_nothing_answers_is_caught() -> None:
    tasks = copy.deepcopy(TASKS)
    tasks["tasks"][1].update(instruction="Say done. How is it, with the hdmi cable?", answer={"type": "text"})
    answer = {"value": "done", "source": "lower(join(['do', 'ne'], '')) if found.total else ''", "sql": "SELECT 'done'"}
    certificate = certified("t02", changed(1, answer=answer), tasks=tasks)
    assert status(certificate, "no_op")[0] == "failed"
    assert not certificate.passed


def test_an_alternative_is_accepted_as_right() -> None:
    calls = copy.deepcopy(ORACLE["solutions"][0]["calls"])
    calls[1]["arguments"].append({"name": "note", "value": "2", "source": "'2'"})
    expect = {"alternatives": [{"name": "with_note", "calls": calls}]}
    certificate = certified("t01", changed(0, expect=expect))
    assert certificate.passed
    assert any(runs.family == "alternative" and runs.passed == 1 for runs in certificate.variants)


def test_a_tool_that_breaks_its_schema_is_caught() -> None:
    spec = copy.deepcopy(SPEC)
    spec["tools"][1]["program"] = [
        {"return": "one", "sql": "SELECT id, name, 'cheap' AS price FROM products WHERE id = :product_id",
         "types": [{"column": "price", "type": "money"}]}
    ]  # fmt: skip
    found = check_tools(shop(spec=spec), "seed")
    assert "which is no money" in found.findings[0]


def test_a_tool_that_fails_inside_is_caught() -> None:
    spec = copy.deepcopy(SPEC)
    spec["tools"][1]["program"] = [
        {"return": "one", "sql": "SELECT abs(-9223372036854775807 - :product_id / :product_id) AS n FROM products "
                                 "WHERE id = :product_id"}
    ]  # fmt: skip
    found = check_tools(shop(spec=spec), "seed")
    assert found.internal > 0
    assert "internal error" in found.findings[0]


def test_fuzzing_a_right_shop_finds_nothing() -> None:
    found = check_tools(shop(), "seed")
    assert (found.findings, found.calls, found.internal) == ([], 200, 0)


def test_keys_that_come_back_are_caught() -> None:
    kept = "CREATE TABLE orders (\n  id INTEGER PRIMARY KEY"
    schema = SCHEMA.replace(f"{kept} AUTOINCREMENT", kept)
    assert schema != SCHEMA
    assert "table orders" in schema_findings(shop(schema=schema))[0]


def test_table_valued_functions_survive_resets_and_verification() -> None:
    spec = copy.deepcopy(SPEC)
    spec["tools"].append({
        "name": "compare_products", "summary": "Compare products", "effect": "read",
        "parameters": [{"name": "product_ids", "type": "array", "items": "integer", "description": "Products",
                        "references": "products.id", "example": [1, 2]}],
        "program": [{"return": "all", "sql":
            "SELECT id, price FROM products WHERE id IN (SELECT value FROM json_each(:product_ids)) ORDER BY id"}],
    })  # fmt: skip
    goal = "SELECT count(*) > 3 FROM orders WHERE id IN (SELECT value FROM json_each('[1,2,3,4,5,6]'))"
    environment = shop(spec=spec, oracle=changed(0, goal=goal))
    episode = environment.start("t01")
    for _ in range(50):
        assert episode.call("compare_products", {"product_ids": [1, 3]}).data["total"] == 2
        episode.call("order_product", {"product_id": 1})
        assert episode.verify().evidence["goal"] is True
        episode.reset()
        assert episode.verify().evidence["goal"] is False
    assert check_tools(environment, "seed").findings == []


def test_a_task_without_a_solution_is_caught() -> None:
    oracle = {**ORACLE, "solutions": ORACLE["solutions"][1:]}
    certificate = certified("t01", oracle)
    assert not certificate.passed
    assert "has no solution" in status(certificate, "oracle")[1]
    assert shop(oracle=oracle).start("t01").verify().evidence["unproven"]


def test_a_database_that_is_not_what_it_is_made_from_is_caught(environment_copy: Path) -> None:
    seed = environment_copy / "seed.json"
    seed.write_text(seed.read_text().replace("example.", "sample.", 1))
    certificate = certify(environment_copy)
    assert not certificate.passed
    assert "seed.sqlite does not hold" in certificate.reasons[0]


def test_a_server_that_is_not_what_it_is_made_from_is_caught(environment_copy: Path) -> None:
    server = environment_copy / "server.py"
    server.write_text(server.read_text().replace("SELECT", "SELECT DISTINCT", 1))
    certificate = certify(environment_copy)
    assert not certificate.passed
    assert "SELECT DISTINCT" in certificate.reasons[0]


def test_a_scalar_subquery_may_be_null() -> None:
    spec = copy.deepcopy(SPEC)
    spec["tools"][1]["program"] = [
        {"return": "one", "sql": "SELECT id, (SELECT name FROM users WHERE credit = :product_id) AS name FROM products "
                                 "WHERE id = :product_id"}
    ]  # fmt: skip
    environment = shop(spec=spec)
    assert environment.start().call("get_product", {"product_id": 1}).data == {"id": 1, "name": None}
    assert environment.tools["get_product"].output_schema["properties"]["name"] == {}


def test_strict_tables_and_long_patterns_are_errors_of_the_vocabulary() -> None:
    spec = copy.deepcopy(SPEC)
    spec["tools"].append({
        "name": "match_products", "summary": "Find products by a pattern", "effect": "read",
        "parameters": [{"name": "pattern", "type": "string", "description": "Pattern", "example": "%cable%"}],
        "program": [{"return": "all", "sql": "SELECT id FROM products WHERE name LIKE :pattern ORDER BY id"}],
    })  # fmt: skip
    spec["tools"].append({
        "name": "count_visit", "summary": "Count a visit", "effect": "write",
        "parameters": [{"name": "pieces", "type": "string", "description": "How many"}],
        "program": [{"run": "INSERT INTO counts (pieces) VALUES (:pieces)"},
                    {"return": "one", "sql": "SELECT count(*) AS n FROM counts"}],
    })  # fmt: skip
    schema = SCHEMA + "CREATE TABLE counts (id INTEGER PRIMARY KEY AUTOINCREMENT, pieces INTEGER NOT NULL) STRICT;"
    episode = shop(spec=spec, schema=schema).start()
    long = episode.call("match_products", {"pattern": "%a" * 1_900})
    assert long.error is not None and long.error.kind == "limit_exceeded"
    wrong = episode.call("count_visit", {"pieces": "many"})
    assert wrong.error is not None and wrong.error.kind == "invalid_arguments"
    unknown = episode.call(["get_product"], {})  # type: ignore[arg-type]
    assert unknown.error is not None and unknown.error.kind == "unknown_tool"


@pytest.mark.parametrize("right", [-1, 0, 1, 2.5, -0.5])
def test_no_wrong_answer_is_the_right_one(right: float) -> None:
    environment = shop()
    form = {"type": "decimal" if isinstance(right, float) else "integer"}
    task = environment.tasks.tasks[0].model_copy(update={"kind": "question", "answer": AnswerForm.model_validate(form)})
    made = list(wrong_answers(environment, task, right, random.Random(1)))
    found = [value for family, value in made if family == "wrong_answer"]
    assert len(found) >= 2
    assert all(float(value) != right for value in found)
