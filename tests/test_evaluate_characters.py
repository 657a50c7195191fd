"""What each character of a scripted model comes to, in both protocols: verdict, error class, rewards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from awm_lib.contracts.run import RunSettings
from awm_lib.contracts.trajectory import Trajectory
from awm_lib.evaluation.run import evaluate
from awm_lib.evaluation.store import Store
from tests import characters as cast
from tests.llmserver import LlmServer, llm_server

PROTOCOLS = ("native", "meta")


@dataclass(frozen=True)
class Expected:
    """What a trial has to come to."""

    failure: tuple[str, str] | None
    """Class and kind; None for a success."""
    outcome: float | None = 0.0
    format: float | None = 0.0
    stop: str = "answered"


EXPECTED = {
    "solver": Expected(None, 1.0),
    "flaky": Expected(None, 1.0),
    "half": Expected(("agent", "incomplete"), 0.1),
    "stranger": Expected(("agent", "unknown_tool"), format=-1.0),
    "garbler": Expected(("agent", "malformed_call"), format=-1.0),
    "vandal": Expected(("agent", "side_effect")),
    "talker": Expected(("agent", "no_action")),
    "looper": Expected(("agent", "loop"), stop="turns"),
    "slow": Expected(("agent", "time_limit"), stop="seconds"),
    "refuser": Expected(("agent", "refused"), stop="refused"),
    "overloaded": Expected(("infrastructure", "rate_limited"), None, None, "error"),
    "broken": Expected(("infrastructure", "unavailable"), None, None, "error"),
}


@pytest.fixture(scope="module")
def task(built_environment: Path) -> str:
    return cast.two_writes(built_environment)


@pytest.fixture(scope="module")
def server(built_environment: Path, task: str) -> Iterator[LlmServer]:
    names: dict[str, cast.Character] = {
        name: getattr(cast, name) for name in EXPECTED if name not in ("vandal", "flaky")
    }
    names["vandal"] = cast.vandal(cast.harm(built_environment, task))
    names["flaky"] = cast.Flaky()
    with llm_server(cast.script(built_environment, names)) as running:
        yield running


@pytest.fixture
def results(environment_copy: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)  # the ledger of requests is kept where the command runs
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-this-test")
    return environment_copy.parent


def one_trial(results: Path, server: LlmServer, model: str, task: str, **settings: Any) -> Trajectory:
    """The only trial of a run."""
    chosen = RunSettings(
        name="run", agent="llm", model=model, base_url=server.url, tasks=[task],
        **{"retries": 2, "backoff": 0.01, "patience": 0.1, "max_turns": 20, **settings},
    )  # fmt: skip
    evaluate(chosen, results)
    (trial,) = Store.existing(results / "evals" / "run").read_all()
    return trial


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", EXPECTED)
def test_a_character_is_classified(results: Path, server: LlmServer, task: str, name: str, protocol: str) -> None:
    limits = {"max_seconds": 0.4} if name == "slow" else {}
    if name == "flaky":
        limits = {"patience": 10.0}
    trial = one_trial(results, server, name, task, protocol=protocol, **limits)
    expected = EXPECTED[name]
    found = (trial.failure.error_class, trial.failure.kind) if trial.failure else None
    assert found == expected.failure, trial.failure
    assert (trial.rewards.outcome, trial.rewards.format) == (expected.outcome, expected.format)
    assert trial.rewards.masked is (expected.outcome is None)
    assert trial.stop == expected.stop
    assert trial.verdict is not None
    assert (trial.verdict.result == "complete") is (expected.failure is None)
    assert "sk-secret" not in trial.encode().decode()
