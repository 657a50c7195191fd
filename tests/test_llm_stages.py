"""The stages that a language model writes, with hand-written replies: mistakes found, told exactly, and corrected."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from awm_lib.certify.certificate import certify
from awm_lib.commands import database as database_command
from awm_lib.compile.server import nouns, server_text
from awm_lib.compile.verifier import compile_verifier
from awm_lib.contracts.certificate import Certificate
from awm_lib.contracts.llm import Llm
from awm_lib.contracts.oracle import Oracle
from awm_lib.contracts.tasks import Tasks
from awm_lib.errors import SynthesisError
from awm_lib.llm.client import Client, open_client
from awm_lib.llm.endpoint import Endpoint
from awm_lib.llm.ledger import Ledger
from awm_lib.runtime.environment import Environment
from awm_lib.synthesis.llm.accepted import numbered, read_ideas
from awm_lib.synthesis.llm.write import STAGES, Job
from tests.llmserver import Body, Reply, Script
from tests.scripted import FULL, SMALL, ScriptedTransport, corrected, handwritten, reply_text, scenario_of, stage_of

ENDPOINT = Endpoint("openai", "http://nowhere/v1", "m")


class Build:
    """One environment, its stages run in this process."""

    def __init__(self, directory: Path, scenario: str, script: Script, **settings: Any) -> None:
        seeds, tasks = (FULL, 10) if scenario == "tool_lending_1" else (SMALL, 5)
        self.home = directory / "results" / scenario
        self.overrides = directory / "overrides"
        row = next(row for row in numbered(read_ideas(seeds), tasks, 1) if row.name == scenario)
        row.write(self.home / "scenario.json")
        self.transport = ScriptedTransport(script)
        self.settings = Llm(**{"directory": str(directory / "llm"), "model": "m", "min_tasks": 1, **settings})
        self.ledger = Ledger(directory / "llm")

    def stage(self, name: str) -> None:
        """Run one stage."""

        def with_client(work: Callable[[Client], Awaitable[None]]) -> None:
            async def go() -> None:
                async with open_client(ENDPOINT, self.settings, transport=self.transport) as client:
                    await work(client)

            asyncio.run(go())

        STAGES[name](Job(self.home, self.overrides, name), with_client)

    def run(self) -> Certificate:
        """Run all stages, and certify what they made."""
        for name in ("tasks", "schema", "rows"):
            self.stage(name)
        database_command.run(_Arguments(self.home))  # type: ignore[arg-type]
        self.stage("tools")
        self.stage("solutions")
        environment = Environment.load(self.home)
        named = nouns(environment.spec, environment.schema)
        tools = [(tool, named.get(tool.name)) for tool in environment.tools.values()]
        (self.home / "server.py").write_text(server_text(environment.scenario, tools))
        (self.home / "verifier.py").write_text(compile_verifier(environment))
        return certify(self.home)

    def findings(self, stage: str) -> list[str]:
        """What was wrong with the replies of a stage."""
        return [
            finding
            for line in self.ledger.lines()
            if line["event"] == "attempt" and line["stage"] == stage
            for finding in line["findings"]
        ]


class _Arguments:
    def __init__(self, directory: Path) -> None:
        self.directory = directory


MISTAKES = {
    "tool_lending_1": {
        "schema": ["table reservations: slot_id refers to pickup_slots, which is no table"],
        "rows": ["the row whose id is 11: copy_id = 31 is no row of copies", "row 8: CHECK is violated"],
        "tools": ["tool list_my_loans, step 1: no such column: l.due_date"],
        "solutions": [
            "t05: call joined (enroll) was refused: conflict: session 2 is full",
            "t07: selection due_first has 2 winners",
            "t09: grounded: call one (order_consumable), branch_id: the constant 3 is nowhere in the instruction",
        ],
    },
    "allotments_1": {
        "tasks": ["give exactly 5 tasks, not 4", "task 4: it leaves open what exactly is wanted"],
        "tools": ["internal error: let slot gave more than one row"],
        "solutions": ["t04: call joined (create_waiting_entry) was refused: unknown_tool"],
    },
    "observatory_1": {
        "schema": ["table telescopes, column serial: the type 'UUID' has no meaning here"],
        "rows": ["there is no table 'reservations'", "NOT NULL is violated: nights.status", "bookings has no rows"],
        "solutions": [
            "t01: grounded: call booked (book_night), night_id: the constant 2",
            "t03: the goal is true before anything is done",
        ],
    },
}  # fmt: skip


@pytest.mark.parametrize("scenario", MISTAKES)
def test_mistakes_are_told_exactly_and_corrected(tmp_path: Path, scenario: str) -> None:
    build = Build(tmp_path, scenario, handwritten(), attempts=2)
    certificate = build.run()
    assert certificate.passed, certificate.reasons
    assert all(check.status == "passed" for task in certificate.tasks for check in task.checks)
    for stage, expected in MISTAKES[scenario].items():
        found = "\n".join(build.findings(stage))
        for finding in expected:
            assert finding in found
    assert len(certificate.tasks) == (10 if scenario == "tool_lending_1" else 5)


def test_the_full_environment_takes_five_requests_without_mistakes(tmp_path: Path) -> None:
    build = Build(tmp_path, "tool_lending_1", handwritten(right_away=True))
    certificate = build.run()
    assert certificate.passed
    assert len(build.transport.bodies) == 5
    counts = certificate.counts
    assert (counts.tables, counts.tools >= 35, counts.rows >= 130, counts.tasks) == (18, True, True, 10)
    # A token of o200k_base has 3.4 characters or more in these texts (docs/llm.md), so 3 are on the safe side.
    sent = sum(len(json.dumps(body, separators=(",", ":"))) for body in build.transport.bodies)
    made = sum(len(json.dumps(corrected("tool_lending_1", stage_of(body)), separators=(",", ":")))
               for body in build.transport.bodies)  # fmt: skip
    assert sent < 40_000 * 3
    assert made < 20_000 * 3


def test_a_reworded_task_is_told_in_the_certificate(tmp_path: Path) -> None:
    build = Build(tmp_path, "tool_lending_1", handwritten())
    certificate = build.run()
    (revision,) = certificate.revisions
    assert (revision.task, revision.what) == ("t07", "reworded")
    task = next(task for task in Tasks.read(build.home / "tasks.json").tasks if task.id == "t07")
    assert task.instruction.endswith("name the one that I borrowed first.")


def test_a_task_that_cannot_be_proven_is_replaced(tmp_path: Path) -> None:
    build = Build(tmp_path, "allotments_1", handwritten(), attempts=2)
    certificate = build.run()
    assert [(item.task, item.what) for item in certificate.revisions] == [("t04", "replaced")]
    assert "unknown_tool" in certificate.revisions[0].reason
    tasks = Tasks.read(build.home / "tasks.json").tasks
    assert tasks[3].instruction.startswith("I give up plot C2")


def test_a_task_that_cannot_be_proven_is_dropped(tmp_path: Path) -> None:
    build = Build(tmp_path, "allotments_1", handwritten(), attempts=2, on_unproven="drop")
    certificate = build.run()
    assert certificate.passed
    assert [(item.task, item.what) for item in certificate.revisions] == [("t04", "dropped")]
    assert [task.id for task in Tasks.read(build.home / "tasks.json").tasks] == ["t01", "t02", "t03", "t05"]


@pytest.mark.parametrize("settings", [{"on_unproven": "keep"}, {"on_unproven": "drop", "min_tasks": 5}])
def test_too_few_proven_tasks_fail_the_scenario(tmp_path: Path, settings: dict[str, Any]) -> None:
    build = Build(tmp_path, "allotments_1", handwritten(), attempts=2, **settings)
    with pytest.raises(SynthesisError, match="4 tasks are proven, 5 are needed; not proven are:\n  t04: call joined"):
        build.run()
    assert not (build.home / "oracle.json").exists()
    assert not (build.home / "tasks.json").exists()


def test_a_rerun_is_free_and_gives_the_same_bytes(tmp_path: Path) -> None:
    build = Build(tmp_path, "observatory_1", handwritten())
    build.run()
    before = {path.name: path.read_bytes() for path in build.home.iterdir()}
    for path in build.home.glob("*"):
        if path.name != "scenario.json":
            path.unlink()
    asked = len(build.transport.bodies)
    build.run()
    assert len(build.transport.bodies) == asked
    assert {path.name: path.read_bytes() for path in build.home.iterdir()} == before


def spoilt(change: Callable[[str], Reply], times: int = 1) -> Script:
    """A model whose first replies of every stage are spoilt."""
    seen: dict[str, int] = {}

    def script(body: Body) -> Reply:
        scenario, stage = scenario_of(body), stage_of(body)
        seen[stage] = seen.get(stage, 0) + 1
        text = json.dumps(corrected(scenario, stage))
        return change(text) if seen[stage] <= times else Reply(text)

    return script


def by_hand(text: str) -> str:
    """JSON as people write it by hand."""
    value = json.loads(text)
    return repr(value).replace("}]", "},]")


HARMLESS: dict[str, Callable[[str], Reply]] = {
    "fence": lambda text: Reply(f"```json\n{text}\n```"),
    "prose": lambda text: Reply(f"Here you are, with {{care}}:\n\n{text}\n\nTell me if you need more."),
    "fence in prose": lambda text: Reply(f"Sure!\n```\n{text}\n```\nThat is all."),
    "thinking": lambda text: Reply(f"<think>let me {{see}}</think>{text}"),
    "python": lambda text: Reply(by_hand(text)),
}
COSTLY: dict[str, tuple[Callable[[str], Reply], str]] = {
    "empty": (lambda text: Reply(""), "the reply is empty"),
    "refusal": (lambda text: Reply("", refusal="I must not"), "the model refuses: I must not"),
    "filter": (lambda text: Reply(text[:50], finish="content_filter"), "content filter"),
    "length": (lambda text: Reply(text[:200], finish="length"), "cut off at its token limit"),
    "no JSON": (lambda text: Reply("I would rather talk about it."), "the reply is not JSON"),
    "half": (lambda text: Reply(text[: len(text) // 2]), "the reply is not JSON"),
    "wrong shape": (lambda text: Reply('{"result": []}'), "the JSON is not of the shape that was asked for"),
    "a list": (lambda text: Reply("[1, 2, 3]"), "the JSON is not of the shape that was asked for"),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_json_is_read_out_of_what_surrounds_it(tmp_path: Path, name: str) -> None:
    build = Build(tmp_path, "observatory_1", spoilt(HARMLESS[name]))
    assert build.run().passed
    assert len(build.transport.bodies) == 5


@pytest.mark.parametrize("name", COSTLY)
def test_a_useless_reply_costs_one_attempt(tmp_path: Path, name: str) -> None:
    change, said = COSTLY[name]
    build = Build(tmp_path, "observatory_1", spoilt(change))
    assert build.run().passed
    assert len(build.transport.bodies) == 10
    assert said in build.findings("tools")[0]


@pytest.mark.parametrize("name", COSTLY)
def test_useless_replies_alone_are_one_clear_error(tmp_path: Path, name: str) -> None:
    change, said = COSTLY[name]
    build = Build(tmp_path, "observatory_1", spoilt(change, times=99), attempts=3)
    with pytest.raises(SynthesisError, match="after 3 attempts") as caught:
        build.stage("tasks")
    assert said in str(caught.value)
    assert "raise llm.attempts" in str(caught.value)
    assert [path.name for path in build.home.iterdir()] == ["scenario.json"]
    assert len(build.transport.bodies) == 3


def test_corrections_continue_the_conversation_without_growing(tmp_path: Path) -> None:
    wrong = json.dumps({"tables": ["CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, email TEXT)"]})
    build = Build(tmp_path, "observatory_1", lambda body: (
        Reply(reply_text("observatory_1", "tasks", 1)) if stage_of(body) == "tasks" else Reply(wrong)))  # fmt: skip
    build.stage("tasks")
    with pytest.raises(SynthesisError, match="1 tables are too few"):
        build.stage("schema")
    lengths = [len(body["messages"]) for body in build.transport.bodies[1:]]
    assert lengths == [2, 4, 4, 4]


def test_pinned_files_are_taken_without_a_request(tmp_path: Path) -> None:
    first = Build(tmp_path / "one", "observatory_1", handwritten())
    first.run()
    second = Build(tmp_path / "two", "observatory_1", handwritten())
    for name in ("tasks.json", "schema.sql", "seed.json", "spec.json", "oracle.json"):
        target = second.overrides / "observatory_1" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((first.home / name).read_bytes())
    assert second.run().passed
    assert second.transport.bodies == []


def test_pinned_tasks_keep_their_wording(tmp_path: Path) -> None:
    build = Build(tmp_path, "tool_lending_1", handwritten(), attempts=2)
    tasks = {"scenario": "tool_lending_1", **_draft("tool_lending_1")}
    target = build.overrides / "tool_lending_1" / "tasks.json"
    target.parent.mkdir(parents=True)
    target.write_text(json.dumps(tasks))
    with pytest.raises(SynthesisError, match="t07: its wording is fixed by a person"):
        Build.run(_with_settings(build, min_tasks=10))


def _draft(scenario: str) -> dict[str, Any]:
    reply = json.loads(reply_text(scenario, "tasks", 1))
    tasks = [{"id": f"t{number:02d}", **task} for number, task in enumerate(reply["tasks"], 1)]
    return {"context": {"now": "2025-06-16 15:50:00", "user": {"id": 1, **reply["user"]}}, "tasks": tasks}


def _with_settings(build: Build, **settings: Any) -> Build:
    build.settings = build.settings.model_copy(update=settings)
    return build


def test_every_solution_says_where_its_values_come_from(tmp_path: Path) -> None:
    build = Build(tmp_path, "tool_lending_1", handwritten())
    build.run()
    for solution in Oracle.read(build.home / "oracle.json").solutions:
        for call in solution.calls:
            assert all(argument.source is not None and argument.value is not None for argument in call.arguments)
