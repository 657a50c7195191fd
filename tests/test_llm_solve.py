"""Independent solving: what a model sees, what it does, and what the certificate makes of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from awm_lib.certify.certificate import certify
from awm_lib.contracts.certificate import Certificate
from awm_lib.contracts.solving import Solving
from awm_lib.llm.client import open_client
from awm_lib.llm.endpoint import Endpoint
from awm_lib.runtime.environment import Environment
from awm_lib.synthesis.llm.solve import solve
from tests.conftest import Project, make_project
from tests.llmserver import Body, Reply, Script, failure, llm_server
from tests.scripted import ScriptedTransport, handwritten
from tests.test_llm_build import build
from tests.test_llm_stages import Build


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small environment allotments_1, built in this process."""
    made = Build(tmp_path_factory.mktemp("solve"), "allotments_1", handwritten(), attempts=2)
    assert made.run().passed
    return made.home


def agent(body: Body) -> Reply:
    """Solves the question about square metres; calls without sense for the water; gives up on everything else."""
    asked = next(message["content"] for message in body["messages"] if message["role"] == "user")
    results = [json.loads(message["content"]) for message in body["messages"] if message["role"] == "tool"]
    if "square metres" in asked:
        if not results:
            return Reply(tool_calls=[{"name": "list_my_leases", "arguments": {}}])
        return Reply(f"You have <answer>{sum(item['size_sqm'] for item in results[0]['items'])}</answer> in all.")
    if "water slot" in asked:
        return Reply(tool_calls=[{"name": "book_water", "arguments": {"slot": len(results)}}])
    if "open invoices" in asked:
        return Reply("<answer>1.00</answer>")
    return Reply("")


def attempts(home: Path, script: Script, number: int = 2) -> tuple[Solving, ScriptedTransport]:
    """Have a model attempt all tasks."""
    transport = ScriptedTransport(script)
    endpoint = Endpoint("openai", "http://nowhere/v1", "m")
    made = Build(home.parent.parent, "allotments_1", script)

    async def go() -> Solving:
        async with open_client(endpoint, made.settings, transport=transport, keep=False) as client:
            return await solve(client, Environment.load(home), number)

    return asyncio.run(go()), transport


def test_attempts_are_judged_and_the_certificate_says_so(home: Path) -> None:
    found, _ = attempts(home, agent)
    ended = {task.task: {attempt.ended for attempt in task.attempts} for task in found.tasks}
    assert ended == {
        "t01": {"too_many_calls"}, "t02": {"answered"}, "t03": {"answered"}, "t04": {"gave_up"}, "t05": {"gave_up"},
    }  # fmt: skip
    found.write(home / "solving.json")
    certificate = certify(home, solving=True)
    solved = {task.task: task.solved for task in certificate.tasks}
    assert [(item.attempts, item.answered, item.complete) for item in solved.values() if item] == [
        (2, 0, 0), (2, 2, 2), (2, 2, 0), (2, 0, 0), (2, 0, 0),
    ]  # fmt: skip
    assert certificate.passed
    assert [line.split(":")[0] for line in certificate.for_review] == ["t01", "t03", "t04", "t05"]
    assert certify(home).for_review == []


def test_the_model_sees_instruction_and_tools_and_nothing_else(home: Path) -> None:
    _, transport = attempts(home, agent, 1)
    first = next(body for body in transport.bodies if "square metres" in body["messages"][1]["content"])
    assert [message["role"] for message in first["messages"]] == ["system", "user"]
    assert "Odile Brennan" in first["messages"][0]["content"]
    names = [tool["function"]["name"] for tool in first["tools"]]
    assert names == list(Environment.load(home).tools)
    everything = json.dumps(first)
    assert "245" not in everything
    assert "SELECT" not in everything


def test_an_endpoint_that_fails_says_nothing_about_a_task(home: Path) -> None:
    def down(body: Body) -> Reply:
        return Reply(body={"error": "down"})

    class Down(ScriptedTransport):
        async def send(self, request: Any, dialect: Any) -> Any:
            from awm_lib.llm.errors import AuthenticationFailed

            raise AuthenticationFailed("no")

    transport = Down(down)
    made = Build(home.parent.parent, "allotments_1", down)

    async def go() -> Solving:
        endpoint = Endpoint("openai", "http://nowhere/v1", "m")
        async with open_client(endpoint, made.settings, transport=transport, keep=False) as client:
            return await solve(client, Environment.load(home), 1)

    found = asyncio.run(go())
    assert {attempt.ended for task in found.tasks for attempt in task.attempts} == {"no_reply"}


@pytest.mark.slow
def test_solving_is_a_stage_of_the_build(tmp_path: Path) -> None:
    project: Project = make_project(tmp_path / "project")
    writer = handwritten()
    with llm_server(lambda body: agent(body) if "tools" in body else writer(body)) as server:
        done = build(project, server, "results/allotments_1/certificate.json", attempts=2, solve=2)
        assert done.returncode == 0, done.stdout + done.stderr
        certificate = Certificate.read(project.results / "allotments_1" / "certificate.json")
        assert len(certificate.for_review) == 4
        server.script = lambda body: failure(500)
        done = build(project, server, "results/allotments_1/certificate.json", attempts=2, solve=2)
        assert "Nothing to be done" in done.stdout + done.stderr
