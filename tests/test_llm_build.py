"""Whole builds by a language model: real runs of the workflow against a real server with hand-written replies."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from awm_lib.llm.ledger import Ledger
from tests.conftest import Project, make_project
from tests.llmserver import Body, LlmServer, Reply, Script, failure, llm_server
from tests.scripted import FULL, SMALL, handwritten, scenario_of, stage_of

KEY = "sk-a-key-that-nobody-may-see"
GATE = "results/all_envs.done"
CERTIFICATE = "results/tool_lending_1/certificate.json"
PRICES = "[{model: m, input: 1, output: 4}]"


def variables(server: LlmServer) -> dict[str, str]:
    """What users of the reference set."""
    return {
        "AWM_SYN_LLM_PROVIDER": "openai", "OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": KEY,
        "AWM_SYN_OVERRIDE_MODEL": "m",
    }  # fmt: skip


def settings(seeds: Path, count: int, tasks: int, **llm: Any) -> list[str]:
    """The settings of a run."""
    found = {"seeds": str(seeds), "backoff": 0.01, "min_tasks": 1, "prices": PRICES, **llm}
    inner = ", ".join(f"{name}: {value}" for name, value in found.items())
    return ["--config", f"count={count}", f"tasks={tasks}", f"llm={{{inner}}}"]


def build(
    project: Project,
    server: LlmServer,
    *arguments: str,
    seeds: Path = SMALL,
    count: int = 2,
    tasks: int = 5,
    **llm: Any,
) -> subprocess.CompletedProcess[str]:
    """Run the workflow."""
    return project.run("snakemake", *arguments, *settings(seeds, count, tasks, **llm), **variables(server))


def asked(server: LlmServer) -> Counter[str]:
    """How often each request was answered and paid."""
    return Counter(json.dumps(item.body, sort_keys=True) for item in server.answered)


def slow(script: Script, seconds: float) -> Script:
    """The same model, slower."""

    def answer(body: Body) -> Reply:
        reply = script(body)
        reply.delay = seconds
        return reply

    return answer


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project")


@pytest.fixture(scope="module")
def modelled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, LlmServer]]:
    """A project with both small environments built; tests must not change it."""
    made = make_project(tmp_path_factory.mktemp("modelled") / "project")
    with llm_server(handwritten()) as server:
        done = build(made, server, GATE, "results/stats.duckdb", attempts=2)
        assert done.returncode == 0, done.stdout + done.stderr
        yield made, server


def test_environments_are_built_and_certified(modelled: tuple[Project, LlmServer]) -> None:
    project, server = modelled
    summary = json.loads((project.results / "all_envs.done").read_text())
    assert (summary["environments"], summary["certified"], summary["tasks_proven"]) == (2, 2, 10)
    assert max(asked(server).values()) == 1
    assert not (project.results / ".failures").exists() or not list((project.results / ".failures").iterdir())


@pytest.mark.slow
def test_nothing_is_to_be_done_after_a_build_whatever_settings_change(modelled: tuple[Project, LlmServer]) -> None:
    project, server = modelled
    before = len(server.received)
    done = build(project, server, "-n", GATE, attempts=3, concurrency=7, temperature=0.3)
    assert "Nothing to be done" in done.stdout, done.stdout + done.stderr
    assert len(server.received) == before


def test_cost_is_told_after_the_build(modelled: tuple[Project, LlmServer]) -> None:
    project, server = modelled
    told = project.awm("cost", "--json", **variables(server))
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert sum(stage["requests"] for stage in found["spent"].values()) == len(server.answered)
    assert found["spent"]["schema"]["rejected"] == 1
    assert all(stage["usd"] > 0 for stage in found["spent"].values())
    shown = project.awm("cost", "--by", "scenario", "--count", "3", **variables(server)).stdout
    assert re.search(r"allotments_1 +\d+", shown)
    assert "Still to come for 3 environments with m" in shown


def test_requests_and_findings_are_in_the_statistics(modelled: tuple[Project, LlmServer]) -> None:
    project, server = modelled
    rows = project.awm("stats", "--json", "SELECT count(*) AS n, sum(tries) AS tries FROM llm_requests").stdout
    assert json.loads(rows) == [{"n": len(server.answered), "tries": len(server.received)}]
    wrong = project.awm("stats", "--json", "SELECT unnest(findings) AS finding FROM llm_attempts").stdout
    assert "NOT NULL is violated: nights.status" in wrong


def test_no_key_is_in_any_file(modelled: tuple[Project, LlmServer]) -> None:
    project, _ = modelled
    files = [path for path in project.home.rglob("*") if path.is_file()]
    assert len(files) > 100
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


@pytest.mark.slow
def test_a_rebuild_from_kept_replies_needs_no_endpoint(modelled: tuple[Project, LlmServer], tmp_path: Path) -> None:
    source, _ = modelled
    shutil.copytree(source.home, tmp_path / "project", symlinks=True)
    project = Project(tmp_path / "project")
    before = {path: path.read_bytes() for path in project.results.glob("*/*") if path.parent.name[0] != "."}
    shutil.rmtree(project.results)
    with llm_server(lambda body: failure(500)) as server:
        done = build(project, server, GATE, attempts=2, replay="true")
        assert done.returncode == 0, done.stdout + done.stderr
        assert not server.received
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.slow
def test_a_changed_prompt_makes_its_stage_again(modelled: tuple[Project, LlmServer], tmp_path: Path) -> None:
    source, server = modelled
    shutil.copytree(source.home, tmp_path / "project", symlinks=True)
    project = Project(tmp_path / "project")
    project.edit("awm_lib/synthesis/llm/prompts/rows.system.md.j2", "You write", "Please write")
    done = build(project, server, "-n", "--logger-awm-jobs", GATE, attempts=2)
    jobs = {line.split("\t")[0] for line in done.stdout.splitlines() if line.count("\t") == 2}
    assert "write_rows" in jobs
    assert not jobs & {"write_tasks", "write_schema"}


@pytest.mark.slow
def test_one_environment_is_built_without_the_others_with_a_dotenv_file(project: Project) -> None:
    with llm_server(handwritten()) as server:
        lines = [f"export {name}='{value}'  # mine" for name, value in variables(server).items()]
        (project.home / ".env").write_text("# keys\n" + "\n".join(lines) + "\n")
        done = project.run("snakemake", "results/observatory_1/schema.sql", *settings(SMALL, 200, 5))
        assert done.returncode == 0, done.stdout + done.stderr
        assert {stage_of(item.body) for item in server.received} == {"tasks", "schema"}
        assert server.received[0].headers["authorization"] == f"Bearer {KEY}"
    assert sorted(path.name for path in (project.results / "observatory_1").iterdir()) == [
        "draft.json", "scenario.json", "schema.sql",
    ]  # fmt: skip


@pytest.mark.slow
def test_a_killed_build_goes_on_and_pays_nothing_twice(project: Project) -> None:
    drafts = ["results/allotments_1/seed.json", "results/observatory_1/seed.json"]
    with llm_server(slow(handwritten(), 0.2)) as server:
        command = [sys.executable, "-m", "snakemake", *drafts, *settings(SMALL, 2, 5, attempts=2)]
        environment = {**os.environ, "AWM_WORKER": "0", "PYTHONPATH": str(project.home), **variables(server)}
        running = subprocess.Popen(
            command, cwd=project.home, env=environment, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 120
        while len(server.answered) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        kept = {path.stem for path in (project.home / ".llm").glob("replies/*/*.json")}
        assert kept
        cut_short = set(project.home.rglob("*.part"))  # what the kill itself may leave; it stands for nothing
        done = build(project, server, *drafts, attempts=2)
        assert done.returncode == 0, done.stdout + done.stderr
        lines = [line for line in Ledger(project.home / ".llm").lines() if line["event"] == "request"]
        # A reply that was kept before the kill is never asked for again.
        after = Counter(line["key"] for line in lines if line["outcome"] == "reply")
        assert max(after.values()) == 1
        assert kept <= {line["key"] for line in lines if line["outcome"] == "cached"} | set(after)
        twice = sum(count - 1 for count in asked(server).values())
        assert twice <= 2  # answered, but the process was killed before it had read the reply
    assert set(project.home.rglob("*.part")) <= cut_short


@pytest.mark.slow
def test_a_spent_budget_stops_and_goes_on_when_it_is_raised(project: Project) -> None:
    with llm_server(handwritten()) as server:
        done = build(project, server, "results/observatory_1/spec.json", attempts=2, max_cost_usd=0.03)
        assert done.returncode != 0
        assert "the budget of $0.03 is used up" in done.stdout + done.stderr
        paid = len(server.answered)
        assert paid > 0
        assert not list(project.results.glob(".failures/*"))
        ledger = Ledger(project.home / ".llm")
        assert sum(line.get("usd") or 0 for line in ledger.lines()) <= 0.03
        done = build(project, server, "results/observatory_1/spec.json", attempts=2, max_cost_usd=5)
        assert done.returncode == 0, done.stdout + done.stderr
        assert max(asked(server).values()) == 1


def test_a_scenario_that_cannot_be_built_fails_alone(project: Project) -> None:
    good = handwritten()

    def script(body: Body) -> Reply:
        if scenario_of(body) == "observatory_1" and stage_of(body) == "tools":
            return Reply('{"crud": [], "tools": []}')
        return good(body)

    with llm_server(script) as server:
        done = build(project, server, GATE, attempts=2)
        assert done.returncode != 0
        assert "after 2 attempts the reply of m is still wrong" in done.stdout + done.stderr
        failed = json.loads((project.results / ".failures" / "observatory_1.json").read_text())
        assert (failed["stage"], "are too few for an application" in failed["message"]) == ("tools", True)
        before = len(server.received)
        done = project.run("snakemake", GATE, *settings(SMALL, 2, 5, attempts=2), "max_failed=1", **variables(server))
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(server.received) == before
        summary = json.loads((project.results / "all_envs.done").read_text())
        assert summary["environments"] == 1
        assert summary["left_out"][0].startswith("observatory_1: tools: ")
        planned = build(project, server, "-n", "--logger-awm-jobs", GATE, attempts=3)
        assert "write_tools\tobservatory_1" in planned.stdout  # more attempts: it is tried again


@pytest.mark.slow
def test_scenarios_are_found_before_they_are_built(project: Project) -> None:
    good = handwritten()
    ideas = {"scenarios": [{"category": "observatory", "title": "Larkspur South", "description": "Southern sky."}]}
    verdict = {"number": 1, "score": 9, "level": "high", "reasons": "-", "can_simulate": "-", "cannot_simulate": "-"}

    def script(body: Body) -> Reply:
        if body["_path"].endswith("/embeddings"):
            vectors = [[float(at == len(text) % 50) for at in range(50)] for text in body["input"]]
            return Reply(body={"data": [{"index": at, "embedding": v} for at, v in enumerate(vectors)]})
        name = body["response_format"]["json_schema"]["name"]
        if name == "IdeasReply":
            return Reply(json.dumps(ideas))
        if name == "VerdictsReply":
            return Reply(json.dumps({"verdicts": [verdict]}))
        return good(body)

    with llm_server(script) as server:
        done = build(project, server, "-n", GATE, count=3, embeddings="{provider: openai}")
        assert done.returncode == 0, done.stdout + done.stderr
        done = build(project, server, "results/scenarios.jsonl", count=3, embeddings="{provider: openai}")
        assert done.returncode == 0, done.stdout + done.stderr
        rows = [json.loads(line) for line in (project.results / "scenarios.jsonl").read_text().splitlines()]
        assert [row["name"] for row in rows] == ["allotments_1", "observatory_1", "observatory_2"]
        done = build(project, server, "-n", "--logger-awm-jobs", GATE, count=3, embeddings="{provider: openai}")
        assert "observatory_2" in done.stdout


@pytest.mark.slow
def test_what_is_not_set_is_told_before_anything_runs(project: Project) -> None:
    done = project.run("snakemake", "-n", GATE, AWM_SYN_LLM_PROVIDER="closedai")
    assert done.returncode == 2
    assert "there is no provider 'closedai'" in done.stderr
    done = project.run("snakemake", "-n", GATE, "--config", "llm={modell: x}", AWM_SYN_LLM_PROVIDER="openai")
    assert "there is no setting 'llm.modell'" in done.stderr
    assert "did you mean 'llm.model'?" in done.stderr


@pytest.mark.slow
def test_the_environment_of_full_size_is_built(project: Project) -> None:
    with llm_server(handwritten()) as server:
        done = build(project, server, GATE, seeds=FULL, count=1, tasks=10)
        assert done.returncode == 0, done.stdout + done.stderr
    certificate = json.loads((project.home / CERTIFICATE).read_text())
    assert certificate["passed"]
    assert certificate["revisions"][0]["what"] == "reworded"


FAULTS = {
    "429": [failure(429, retry_after="1"), failure(429)],
    "server": [failure(500), failure(503)],
    "connection": [Reply("x", reset_after=0), Reply("a reply that ends too early", reset_after=60)],
    "useless": [Reply(""), Reply("", refusal="no"), Reply("half", finish="length"), Reply("", finish="content_filter")],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_a_build_survives_faults(project: Project, name: str) -> None:
    with llm_server(handwritten()) as server:
        server.faults = list(FAULTS[name])
        # A useless reply takes an attempt; the other faults are sent again within one.
        done = build(project, server, GATE, attempts=6 if name == "useless" else 2, retries=3)
        assert done.returncode == 0, done.stdout + done.stderr
        good = [item for item in server.answered if item.status == 200]
        repeated = Counter(json.dumps(item.body, sort_keys=True) for item in good)
        # Four replies are of no use, and the script insists on one wrong solution for the last four attempts.
        assert sum(count - 1 for count in repeated.values()) <= (7 if name == "useless" else 0)
    assert not list(project.home.rglob("*.part"))
