"""Runs of a model over real HTTP: going on after a crash, limits, what is sent, the judge, and tasks at any server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from awm_lib.cli import main
from awm_lib.contracts.run import RunSettings
from awm_lib.contracts.summary import Summary
from awm_lib.contracts.trajectory import Trajectory
from awm_lib.evaluation.run import evaluate
from awm_lib.evaluation.store import Store
from tests import characters as cast
from tests.conftest import ROOT
from tests.llmserver import Body, LlmServer, Reply, failure, llm_server
from tests.servers import serving


def hurried(task: cast.Known, turn: int) -> cast.Step:
    """Solves, and takes a moment for each reply."""
    step = cast.solver(task, turn)
    step.delay = 0.15
    return step


@pytest.fixture(scope="module")
def server(built_environment: Path) -> Iterator[LlmServer]:
    names: dict[str, cast.Character] = {"solver": cast.solver, "hurried": hurried, "looper": cast.looper}
    with llm_server(cast.script(built_environment, names)) as running:
        yield running


@pytest.fixture
def results(environment_copy: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return environment_copy.parent


def run(results: Path, server: LlmServer, model: str, **settings: Any) -> tuple[Summary, list[Trajectory]]:
    chosen = RunSettings(
        name="run", agent="llm", model=model, base_url=server.url, **{"retries": 0, "backoff": 0.01, **settings}
    )
    summary = evaluate(chosen, results)
    return summary, list(Store.existing(results / "evals" / "run").read_all())


def bodies(server: LlmServer, since: int) -> list[Body]:
    return [request.body for request in server.received[since:]]


@pytest.mark.parametrize("protocol", ["native", "meta"])
def test_a_model_that_follows_the_oracle_completes_everything(results: Path, server: LlmServer, protocol: str) -> None:
    summary, trials = run(results, server, "solver", protocol=protocol, trials=2, price=[1.0, 2.0])
    assert (summary.trials, summary.complete, summary.masked) == (20, 20, 0)
    assert [at.k for at in summary.overall.at] == [1, 2]
    assert summary.means is not None
    assert summary.means.cost is not None
    assert summary.total_cost > 0
    assert summary.total_tokens == sum(trial.tokens for trial in trials)
    for trial in trials:
        assert trial.messages[0]["role"] == "system"
        assert len(trial.turns) == len([m for m in trial.messages if m["role"] == "assistant"])
        assert all(call.seconds is not None for call in trial.calls)
        assert trial.rewards.format == 0


def test_a_second_run_of_the_same_command_asks_nothing(results: Path, server: LlmServer) -> None:
    run(results, server, "solver", tasks=["t01"])
    before = len(server.received)
    summary, _ = run(results, server, "solver", tasks=["t01"])
    assert (summary.complete, len(server.received)) == (1, before)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_run_loses_at_most_the_turns_in_flight(
    results: Path, server: LlmServer, number: signal.Signals
) -> None:
    command = [
        sys.executable, str(ROOT / "scripts" / "evaluate.py"), "--model", "hurried", "--base-url", server.url,
        "--run", "run", "--trials", "2", "--concurrency", "6", "--results", str(results),
    ]  # fmt: skip
    began = len(server.received)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while len(server.received) - began < 40:
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    if number is signal.SIGINT:
        assert process.returncode == 130
        assert "Traceback" not in said
        assert "the same command goes on" in said
    assert not (results / "evals" / "run" / "summary.json").exists()
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    trials = list(Store.existing(results / "evals" / "run").read_all())
    assert [trial.complete for trial in trials] == [True] * 20
    needed = sum(len(trial.turns) for trial in trials)
    assert needed <= len(server.received) - began <= needed + 6
    assert not list((results / "evals").rglob("replies.jsonl"))


def test_the_window_hides_old_turns_and_keeps_the_list_of_tools(results: Path, server: LlmServer) -> None:
    began = len(server.received)
    _, (trial,) = run(results, server, "looper", protocol="meta", window=3, max_turns=8, tasks=["t01"])
    last = bodies(server, began)[-1]["messages"]
    assert [message["role"] for message in last[:2]] == ["system", "user"]
    assert "Available MCP Tools" in last[3]["content"]
    assert len(last) == 2 + 2 + 3 * 2
    assert len(trial.messages) == 2 + 8 * 2, "the record has all of it"


def test_what_only_some_endpoints_take_is_sent_as_configured(results: Path, server: LlmServer) -> None:
    began = len(server.received)
    run(results, server, "solver", tasks=["t01"], protocol="meta", temperature=0.5, min_tokens=16, max_tokens=900,
        template_arguments={"enable_thinking": True}, extra={"top_k": 20})  # fmt: skip
    body = bodies(server, began)[0]
    assert (body["temperature"], body["max_tokens"], body["min_tokens"], body["top_k"]) == (0.5, 900, 16, 20)
    assert body["chat_template_kwargs"] == {"enable_thinking": True}
    assert "tools" not in body
    native = RunSettings(name="native", agent="llm", model="solver", base_url=server.url, tasks=["t01"])
    evaluate(native, results)
    body = bodies(server, began)[-1]
    assert len(body["tools"]) > 20
    assert "min_tokens" not in body


def test_prompts_show_context_and_the_form_of_the_answer(results: Path, server: LlmServer) -> None:
    began = len(server.received)
    run(results, server, "solver")
    prompts = {body["messages"][1]["content"] for body in bodies(server, began)}
    assert len(prompts) == 10
    assert all("It is 20" in prompt and "user id" in prompt for prompt in prompts)
    assert any("<answer>VALUE</answer>" in prompt for prompt in prompts)


@pytest.mark.parametrize(
    ("limit", "stop", "kind"),
    [
        ({"max_total_tokens": 50}, "tokens", "token_limit"),
        ({"max_cost": 0.000001, "price": [1.0, 1.0]}, "cost", "cost_limit"),
        ({"max_turns": 2}, "turns", "turn_limit"),
    ],
)
def test_a_limit_ends_a_trial(results: Path, server: LlmServer, limit: dict[str, Any], stop: str, kind: str) -> None:
    task = cast.two_writes(results / "e_commerce_33")
    _, (trial,) = run(results, server, "solver", tasks=[task], **limit)
    assert trial.stop == stop
    assert trial.failure is not None
    assert (trial.failure.error_class, trial.failure.kind) == ("agent", kind)


def test_a_step_against_the_format_can_end_an_episode(results: Path, built_environment: Path) -> None:
    script = cast.script(built_environment, {"m": cast.stranger})
    with llm_server(script) as strange:
        _, (trial,) = run(results, strange, "m", tasks=["t01"], protocol="meta", stop_on_violation=True)
    assert trial.stop == "violation"
    assert len(trial.turns) == 2
    assert trial.failure is not None
    assert trial.failure.kind == "violation"
    assert trial.rewards.format == -1.0


def test_a_key_that_is_refused_stops_the_run_with_a_message(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret-key")
    with llm_server(lambda body: failure(401, "no such key: sk-very-secret-key")) as closed:
        code = main(["evaluate", "--model", "m", "--base-url", closed.url, "--results", str(results)])
    said = capsys.readouterr().err
    assert code == 2
    assert "does not accept the key" in said
    assert "sk-very" not in said
    assert "sk-very" not in "".join(path.read_text() for path in (results / "evals").rglob("*.json*"))


def test_an_endpoint_that_is_down_stops_the_run_and_is_tried_again_next_time(
    results: Path, server: LlmServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with llm_server(lambda body: failure(503)) as down:
        command = ["evaluate", "--model", "solver", "--run", "run", "--trials", "3", "--retries", "0",
                   "--concurrency", "4", "--results", str(results)]  # fmt: skip
        assert main([*command, "--base-url", down.url]) == 2
        assert "20 trials in a row got no reply" in capsys.readouterr().err
    assert main([*command, "--base-url", server.url]) == 0
    summary = Summary.read(results / "evals" / "run" / "summary.json")
    assert (summary.trials, summary.complete, summary.masked) == (30, 30, 0)


def test_a_trial_that_an_endpoint_cut_off_goes_on_with_its_replies(results: Path, built_environment: Path) -> None:
    task = cast.two_writes(built_environment)
    down = True

    def moody(known: cast.Known, turn: int) -> cast.Step:
        return cast.Step(error=failure(503)) if down and turn == 2 else cast.solver(known, turn)

    with llm_server(cast.script(built_environment, {"m": moody})) as server:
        _, (trial,) = run(results, server, "m", tasks=[task])
        assert trial.failure is not None
        assert trial.failure.error_class == "infrastructure"
        assert (len(trial.calls), trial.rewards.masked) == (2, True)
        down = False
        _, (trial,) = run(results, server, "m", tasks=[task])
        assert trial.complete
        assert len(server.answered) == len(trial.turns), "nothing was asked twice"
    assert not list((results / "evals").rglob("replies.jsonl"))


def test_an_internal_error_of_a_tool_masks_the_trial(
    results: Path, server: LlmServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from awm_lib.runtime.tools import Tool

    def fails(self: Tool, connection: Any, binds: Any) -> Any:
        raise ValueError("a bug of ours")

    task = cast.two_writes(results / "e_commerce_33")
    env_tool = cast.known_tasks(results / "e_commerce_33")
    first = next(item.calls[0][0] for item in env_tool if item.id == task)
    original = Tool.run
    monkeypatch.setattr(
        Tool, "run", lambda self, *rest: fails(self, *rest) if self.name == first else original(self, *rest)
    )
    monkeypatch.setattr("awm_lib.evaluation.pool._load", _loaded_by(original, monkeypatch))
    summary, (trial,) = run(results, server, "solver", tasks=[task])
    assert trial.failure is not None
    assert (trial.failure.error_class, trial.failure.kind) == ("environment", "internal")
    assert (trial.rewards.masked, trial.rewards.outcome, trial.rewards.format) == (True, None, None)
    assert (summary.masked, summary.overall.trials, summary.overall.success) == (1, 0, None)
    assert summary.failures[0].error_class == "environment"


def _loaded_by(original: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Loading with tools that work: the verifiers of this environment are compiled before the fault begins."""
    from awm_lib.evaluation.seals import load_sealed
    from awm_lib.runtime.tools import Tool

    def load(home: Path) -> Any:
        broken = Tool.run
        monkeypatch.setattr(Tool, "run", original)
        environment = load_sealed(home)
        environment.verifier("t01")
        monkeypatch.setattr(Tool, "run", broken)
        return environment

    return load


def vote(verdict: str, confidence: float = 0.9) -> Reply:
    return Reply(json.dumps({"reasoning": "so it is", "verdict": verdict, "confidence": confidence}))


def test_a_model_judges_stored_trials_by_votes(
    results: Path, server: LlmServer, capsys: pytest.CaptureFixture[str]
) -> None:
    run(results, server, "solver", tasks=["t01", "t02"])
    asked: list[Body] = []

    def judge(body: Body) -> Reply:
        asked.append(body)
        if len(asked) == 2:
            return Reply("I think that it is fine.")  # no vote: another one is asked for
        return vote("incomplete", 0.6) if len(asked) == 1 else vote("complete")

    with llm_server(judge) as bench:
        command = ["verify", "run", "--mode", "sql", "--model", "judge", "--base-url", bench.url, "--votes", "3",
                   "--concurrency", "1", "--results", str(results)]  # fmt: skip
        assert main(command) == 0
        assert main(command) == 0
    assert len(asked) == 7, "two trials, three votes each, one reply that was none; then nothing"
    assert "Evidence" in asked[0]["messages"][1]["content"]
    assert asked[0]["response_format"]["json_schema"]["strict"] is True
    summary = Summary.read(results / "evals" / "run" / "summary.json")
    (report,) = summary.judges
    assert (report.trials, report.votes, report.verdicts) == (2, 3, {"complete": 2})
    assert (report.agrees_with_code, report.disagreement) == (1.0, 0.5)
    assert "votes differ in 50.0%" in capsys.readouterr().out


def test_a_task_in_ones_own_words_at_any_server(
    built_environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    wish = "show me the ten most expensive products"

    def shopper(body: Body) -> Reply:
        said = [message for message in body["messages"] if message["role"] == "assistant"]
        if not said:
            return cast.meta(cast.Step([("list_tools", {})]))
        if len(said) == 1:
            assert "mcp_tool_search_products" in body["messages"][-1]["content"]
            return cast.meta(cast.Step([("search_products", {"limit": 10})]))
        return Reply("Here they are.")

    with serving(built_environment / "server.py", "--port", "0") as running, llm_server(shopper) as model:
        free = ["--task", wish, "--mcp-url", running.mcp]
        code = main(["evaluate", *free, "--model", "m", "--base-url", model.url, "--protocol", "meta",
                     "--save", str(tmp_path / "trajectory.json")])  # fmt: skip
        assert code == 0
        assert main(["evaluate", *free, "--agent", "random"]) == 0
        assert main(["evaluate", *free, "--agent", "oracle"]) == 2
    said = capsys.readouterr()
    assert "search_products" in said.out
    assert "Here they are." in said.out
    assert "only the tasks of built environments" in said.err
    trial = Trajectory.read(tmp_path / "trajectory.json")
    assert trial.instruction == wish
    assert [call.tool for call in trial.calls] == ["search_products"]
    assert trial.calls[0].result["items"]


def test_a_server_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--task", "anything", "--mcp-url", "http://127.0.0.1:9/mcp", "--agent", "noop"]) == 2
    assert "no MCP server answers at http://127.0.0.1:9/mcp" in capsys.readouterr().err


def test_the_documented_environment_of_keys_is_enough(
    results: Path, server: LlmServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setitem(os.environ, "OPENAI_API_KEY", "sk-another-secret")
    assert main(["evaluate", "--model", "solver", "--tasks", "t01", "--run", "run", "--results", str(results)]) == 0
    assert server.received[-1].headers["authorization"] == "Bearer sk-another-secret"
