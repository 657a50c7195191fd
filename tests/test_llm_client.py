"""The client of language models, against a real HTTP server with every fault that endpoints have."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from awm_lib.contracts.llm import Llm, Price
from awm_lib.llm import errors
from awm_lib.llm.chat import ChatReply, ChatRequest, OutputSchema
from awm_lib.llm.client import open_client
from awm_lib.llm.endpoint import Endpoint, embedding_endpoint, resolve_endpoint
from awm_lib.llm.ledger import Ledger, Purpose
from tests.llmserver import LlmServer, Reply, always, failure, llm_server

KEY = "sk-secret-0123456789"
HELLO = ChatRequest([{"role": "user", "content": "hello"}])
SHAPE = OutputSchema(
    "answer",
    {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False},
)
PURPOSE = Purpose("tasks", "library_1")


def settings(directory: Path, **given: Any) -> Llm:
    """Settings that lose no time."""
    return Llm(**{"directory": str(directory), "backoff": 0.01, "timeout": 10, "retries": 3, "model": "m", **given})


def endpoint(server: LlmServer) -> Endpoint:
    """The server as an endpoint."""
    return resolve_endpoint(Llm(model="m"), variables={"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": KEY})


def ask(server: LlmServer, configured: Llm, *requests: ChatRequest, samples: bool = False) -> list[ChatReply]:
    """Send requests at once."""

    async def send() -> list[ChatReply]:
        async with open_client(endpoint(server), configured) as client:
            jobs = [client.send(r, PURPOSE, sample=n if samples else 0) for n, r in enumerate(requests)]
            return list(await asyncio.gather(*jobs))

    return asyncio.run(send())


def outcomes(server: LlmServer, configured: Llm, *requests: ChatRequest) -> list[ChatReply | BaseException]:
    """Send requests at once, and wait for all of them, whatever becomes of some."""

    async def send() -> list[ChatReply | BaseException]:
        async with open_client(endpoint(server), configured) as client:
            return await asyncio.gather(*(client.send(r, PURPOSE) for r in requests), return_exceptions=True)

    return asyncio.run(send())


def lines(directory: Path) -> list[dict[str, Any]]:
    """The ledger."""
    return list(Ledger(directory).lines())


def test_a_reply_is_kept_and_costs_once(tmp_path: Path) -> None:
    configured = settings(tmp_path, prices=[Price(model="m", input=1000, output=2000)])
    with llm_server(always("hi there")) as server:
        first = ask(server, configured, HELLO)[0]
        assert first.text == "hi there"
        assert ask(server, configured, HELLO)[0] == first
        assert len(server.received) == 1
        assert server.received[0].headers["authorization"] == f"Bearer {KEY}"
    paid, free = lines(tmp_path)
    assert (paid["outcome"], free["outcome"], free["usd"]) == ("reply", "cached", 0)
    assert paid["usd"] == pytest.approx((paid["input"] * 1000 + paid["output"] * 2000) / 1e6)
    assert (paid["stage"], paid["scenario"], paid["tries"]) == ("tasks", "library_1", 1)


def test_another_sample_is_another_request(tmp_path: Path) -> None:
    with llm_server(always("hi")) as server:
        ask(server, settings(tmp_path), HELLO, HELLO, samples=True)
        assert len(server.received) == 2


FAULTS: dict[str, list[Reply]] = {
    "429 with Retry-After": [failure(429, retry_after="1")],
    "429 with Retry-After as a date": [failure(429, retry_after="Wed, 21 Oct 2015 07:28:00 GMT")],
    "429 with milliseconds": [failure(429, retry_after_ms="20")],
    "429 without Retry-After": [failure(429), failure(429)],
    "500": [failure(500)],
    "503": [failure(503), Reply(status=503, body=b"<html>busy</html>")],
    "reset before a byte": [Reply("no", reset_after=0)],
    "reset midway": [Reply("a long reply that never ends", reset_after=40)],
    "a page of a proxy": [Reply(body={"hello": "this is a proxy"})],
    "not JSON": [Reply(body=b"{ not json")],
    "slow drip": [Reply("never comes", drip=0.05)],
    "timeout": [Reply("late", delay=30)],
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_passes_is_survived(tmp_path: Path, name: str) -> None:
    with llm_server(always("at last")) as server:
        server.faults = list(FAULTS[name])
        began = time.monotonic()
        patience = 0.6 if name in ("slow drip", "timeout") else 10
        assert ask(server, settings(tmp_path, timeout=patience), HELLO)[0].text == "at last"
        assert len(server.received) == len(FAULTS[name]) + 1
    if name == "429 with Retry-After":
        assert time.monotonic() - began >= 1
    assert [(line["outcome"], line["tries"]) for line in lines(tmp_path)] == [("reply", len(FAULTS[name]) + 1)]


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        (failure(500, "out of memory"), errors.EndpointUnavailable, "out of memory (sent 4 times)"),
        (failure(401, f"wrong key {KEY}"), errors.AuthenticationFailed, "wrong key [key]"),
        (failure(404, "no such model"), errors.BadRequest, "no such model"),
        (failure(429, "pay first", "insufficient_quota"), errors.RateLimited, "quota is used up: pay first"),
        (failure(400, "it is harmful", "content_filter"), errors.ContentFiltered, "it is harmful"),
    ],
    ids=["500", "401", "404", "quota", "filter"],
)
def test_a_fault_that_stays_is_one_clear_error(tmp_path: Path, fault: Reply, error: type, said: str) -> None:
    with llm_server(lambda body: fault) as server, pytest.raises(error) as caught:
        ask(server, settings(tmp_path), HELLO)
    assert said in str(caught.value)
    assert str(caught.value).startswith("tasks of library_1: ")
    assert [line["outcome"] for line in lines(tmp_path)] == [error.__name__]
    assert not list(tmp_path.glob("replies/*/*"))


def test_a_server_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    with llm_server(always("x")) as server:
        gone = server
    with pytest.raises(errors.EndpointUnavailable, match="no connection"):
        ask(gone, settings(tmp_path), HELLO)


def test_too_many_requests_for_too_long_end(tmp_path: Path) -> None:
    with llm_server(lambda body: failure(429, retry_after="100")) as server, pytest.raises(errors.RateLimited):
        ask(server, settings(tmp_path, patience=5), HELLO)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(""), errors.EmptyReply),
        (Reply("", refusal="I cannot help with that"), errors.Refused),
        (Reply("half", finish="content_filter"), errors.ContentFiltered),
        (Reply("half", finish="length"), errors.CutOff),
    ],
)
def test_a_paid_reply_without_use_is_kept_and_told_apart(tmp_path: Path, reply: Reply, error: type) -> None:
    with llm_server(lambda body: reply) as server:
        for _ in range(2):
            found = ask(server, settings(tmp_path), HELLO)[0]
            with pytest.raises(error):
                found.usable_text()
        assert len(server.received) == 1


def test_usage_that_is_missing_is_estimated(tmp_path: Path) -> None:
    with llm_server(lambda body: Reply("x" * 350, usage=False)) as server:
        usage = ask(server, settings(tmp_path), HELLO)[0].usage
    assert usage.estimated
    assert usage.output == 101


def picky(*refused: str) -> Callable[[dict[str, Any]], Reply]:
    """A server that refuses some fields of a request."""

    def script(body: dict[str, Any]) -> Reply:
        kind = body.get("response_format", {}).get("type")
        for name in refused:
            if name in body or name == kind:
                return failure(400, f"Unsupported parameter: '{name}'")
        return Reply(json.dumps({"format": kind, "sent": sorted(body)}))

    return script


@pytest.mark.parametrize(
    ("refused", "first", "mode"),
    [
        (["json_schema"], 2, "json_object"),
        (["json_schema", "json_object"], 3, None),
        (["temperature"], 2, "json_schema"),
        (["max_tokens"], 2, "json_schema"),
        (["json_schema", "temperature", "max_tokens"], 4, "json_object"),
    ],
)
def test_what_an_endpoint_takes_is_found_out_and_remembered(
    tmp_path: Path, refused: list[str], first: int, mode: str | None
) -> None:
    configured = settings(tmp_path, temperature=0.5, max_tokens=1000)
    request = ChatRequest([{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}], SHAPE)
    with llm_server(picky(*refused)) as server:
        assert json.loads(ask(server, configured, request)[0].text)["format"] == mode
        assert len(server.received) == first
        ask(server, configured, request.following({"role": "user", "content": "again"}))
        assert len(server.received) == first + 1
        last = server.received[-1].body
        assert ("JSON Schema" in last["messages"][0]["content"]) == (mode != "json_schema")


def test_a_wrong_model_is_told_after_one_request(tmp_path: Path) -> None:
    with llm_server(lambda body: failure(404, "the model m does not exist")) as server:
        with pytest.raises(errors.BadRequest, match="the model m does not exist"):
            ask(server, settings(tmp_path), ChatRequest(HELLO.messages, SHAPE))
        assert len(server.received) == 1


def test_azure_is_asked_at_its_deployment(tmp_path: Path) -> None:
    variables = {"AZURE_ENDPOINT_URL": "", "AZURE_OPENAI_API_KEY": KEY, "AWM_SYN_OVERRIDE_MODEL": "my-gpt"}
    with llm_server(always("hi")) as server:
        variables["AZURE_ENDPOINT_URL"] = server.url.removesuffix("/v1")
        found = resolve_endpoint(Llm(api_version="2025-01-01-preview"), provider="azure", variables=variables)

        async def send() -> ChatReply:
            async with open_client(found, settings(tmp_path)) as client:
                return await client.send(HELLO, PURPOSE)

        assert asyncio.run(send()).text == "hi"
        path = server.received[0].path
        assert path == "/openai/deployments/my-gpt/chat/completions?api-version=2025-01-01-preview"
        assert server.received[0].headers["api-key"] == KEY


@pytest.mark.parametrize(
    ("provider", "variables", "said"),
    [
        ("openai", {"OPENAI_BASE_URL": "http://127.0.0.1/v1"}, "no model is named"),
        ("openai", {"AWM_SYN_OVERRIDE_MODEL": "m"}, "there is no key for OpenAI"),
        ("azure", {"AWM_SYN_OVERRIDE_MODEL": "m"}, "there is no address of the Azure resource"),
        ("azure", {"AWM_SYN_OVERRIDE_MODEL": "m", "AZURE_ENDPOINT_URL": "http://a"}, "there is no key for Azure"),
        ("openai", {"AWM_SYN_OVERRIDE_MODEL": "m", "OPENAI_BASE_URL": "localhost:8000"}, "is not a URL"),
        ("openai", {"AWM_SYN_OVERRIDE_MODEL": "m", "OPENAI_BASE_URL": f"http://me:{KEY}@h/v1"}, "user or password"),
    ],
)
def test_what_an_endpoint_lacks_is_told(provider: str, variables: dict[str, str], said: str) -> None:
    with pytest.raises(errors.AwmError, match=said) as caught:
        resolve_endpoint(Llm(), provider=provider, variables=variables)
    assert KEY not in str(caught.value)


def test_arguments_win_over_the_environment_and_that_over_the_settings() -> None:
    given = Llm(model="configured", base_url="http://configured/v1")
    assert resolve_endpoint(given, variables={}).label == "configured at http://configured/v1"
    known = {"AWM_SYN_OVERRIDE_MODEL": "named", "OPENAI_BASE_URL": "http://named/v1"}
    assert resolve_endpoint(given, variables=known).label == "named at http://named/v1"
    found = resolve_endpoint(given, variables=known, model="given", base_url="http://given/v1")
    assert found.label == "given at http://given/v1"


def test_another_host_of_embeddings_does_not_get_the_key_of_the_first() -> None:
    known = {"OPENAI_API_KEY": KEY, "EMBEDDING_OPENAI_BASE_URL": "http://other/v1"}
    assert embedding_endpoint(Llm(), known).key.get_secret_value() != KEY
    assert embedding_endpoint(Llm(), {"OPENAI_API_KEY": KEY}).key.get_secret_value() == KEY


def test_the_worker_has_the_client_ready_and_no_thread_that_a_fork_would_lose() -> None:
    code = (
        "import sys, threading; from awm_lib.worker_preload import preload_for; assert preload_for('write')\n"
        "assert not preload_for('write') and not preload_for('certify'); assert threading.active_count() == 1\n"
        "assert 'httpcore2' in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_record_of_limits_that_cannot_be_read_counts_as_fresh(tmp_path: Path) -> None:
    (tmp_path / "limits").mkdir()
    (tmp_path / "limits" / "state").write_bytes(b'{"tokens": 1, "fill')
    (tmp_path / "endpoints.json").write_text("half of a file")
    (tmp_path / "ledger.jsonl").write_text('{"event": "request", "usd": 0.5}\n{"event": "req')
    price = [Price(model="m", input=0, output=1000)]
    configured = settings(tmp_path, tokens_per_minute=50_000, max_tokens=300, prices=price, max_cost_usd=0.9)
    with llm_server(always("x" * 1200)) as server:
        assert ask(server, configured, HELLO)[0].text
        with pytest.raises(errors.BudgetSpent, match=r"\$0.80 are spent"):
            ask(server, configured, HELLO.following({"role": "user", "content": "again"}))


def test_a_damaged_reply_is_asked_for_again(tmp_path: Path) -> None:
    with llm_server(always("hi")) as server:
        ask(server, settings(tmp_path), HELLO)
        next(tmp_path.glob("replies/*/*.json")).write_text('{"reply": {"text": 1')
        assert ask(server, settings(tmp_path), HELLO)[0].text == "hi"
        assert len(server.received) == 2


def test_a_request_that_nobody_could_take_is_not_sent_in_other_forms(tmp_path: Path) -> None:
    request = ChatRequest(HELLO.messages, SHAPE)
    with llm_server(lambda body: failure(400, "maximum context length is 8 tokens")) as server:
        with pytest.raises(errors.BadRequest, match="maximum context length"):
            ask(server, settings(tmp_path), request)
        assert len(server.received) == 1


def test_many_requests_at_once_stay_within_the_limit(tmp_path: Path) -> None:
    requests = [ChatRequest([{"role": "user", "content": str(number)}]) for number in range(60)]
    with llm_server(lambda body: Reply(body["messages"][0]["content"], delay=0.05)) as server:
        replies = ask(server, settings(tmp_path, concurrency=16), *requests)
        assert [reply.text for reply in replies] == [str(number) for number in range(60)]
        assert server.busiest == 16


def test_tokens_per_minute_hold_a_request_back(tmp_path: Path) -> None:
    configured = settings(tmp_path, tokens_per_minute=6000, max_tokens=3000)
    requests = [ChatRequest([{"role": "user", "content": str(number)}]) for number in range(2)]
    with llm_server(always("x" * 11_000)) as server:
        began = time.monotonic()
        ask(server, configured, *requests)
        # Each takes about 3,020 of the 6,000: the second waits for what is missing, 100 tokens a second.
        assert 0.2 < time.monotonic() - began < 5
        gap = server.received[1].at - server.received[0].at
        assert gap > 0.2


def test_a_pause_is_for_all(tmp_path: Path) -> None:
    requests = [ChatRequest([{"role": "user", "content": str(number)}]) for number in range(6)]
    with llm_server(always("x")) as server:
        server.faults = [failure(429, retry_after="1")]
        ask(server, settings(tmp_path, concurrency=1), *requests)
        assert len(server.received) == 7
        assert server.received[1].at - server.received[0].at >= 1


def test_a_budget_stops_before_it_is_passed(tmp_path: Path) -> None:
    price = [Price(model="m", input=0, output=1000)]
    requests = [ChatRequest([{"role": "user", "content": str(number)}], max_tokens=300) for number in range(9)]
    with llm_server(always("x" * 1200)) as server:  # 300 tokens: $0.30
        for request in requests[:3]:
            ask(server, settings(tmp_path, prices=price, max_cost_usd=1), request)
        with pytest.raises(errors.BudgetSpent, match=r"budget of \$1.00 is used up: \$0.90 are spent"):
            ask(server, settings(tmp_path, prices=price, max_cost_usd=1), requests[3])
        ask(server, settings(tmp_path, prices=price, max_cost_usd=1), requests[0])
        ask(server, settings(tmp_path, prices=price, max_cost_usd=1.3), requests[3])
        assert len(server.received) == 4


def test_a_budget_counts_requests_at_work(tmp_path: Path) -> None:
    price = [Price(model="m", input=0, output=1000)]
    requests = [ChatRequest([{"role": "user", "content": str(number)}], max_tokens=300) for number in range(9)]
    with llm_server(lambda body: Reply("x" * 1200, delay=0.3)) as server:
        found = outcomes(server, settings(tmp_path, prices=price, max_cost_usd=1), *requests)
        assert sorted(type(item).__name__ for item in found) == ["BudgetSpent"] * 6 + ["ChatReply"] * 3
        assert len(server.received) == 3


def test_a_budget_needs_a_price(tmp_path: Path) -> None:
    with llm_server(always("x")) as server, pytest.raises(errors.AwmError, match="needs the price of m"):
        ask(server, settings(tmp_path, max_cost_usd=1), HELLO)


WORKER = """
import asyncio, sys
from pathlib import Path
from awm_lib.contracts.llm import Llm
from awm_lib.llm.chat import ChatRequest
from awm_lib.llm.client import open_client
from awm_lib.llm.endpoint import resolve_endpoint
from awm_lib.llm.ledger import Purpose

async def main(directory, first, count, limit):
    settings = Llm(directory=directory, model="m", concurrency=int(limit), backoff=0.01)
    async with open_client(resolve_endpoint(settings), settings) as client:
        names = [str(n) for n in range(int(first), int(first) + int(count))]
        requests = [ChatRequest([{"role": "user", "content": name}]) for name in names]
        await asyncio.gather(*(client.send(request, Purpose("probe")) for request in requests))

asyncio.run(main(*sys.argv[1:]))
"""


def worker(server: LlmServer, directory: Path, first: int, count: int, limit: int) -> subprocess.Popen[str]:
    """A process that sends requests."""
    environment = {**os.environ, "OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": KEY}
    command = [sys.executable, "-c", textwrap.dedent(WORKER), str(directory), str(first), str(count), str(limit)]
    return subprocess.Popen(command, env=environment, text=True)


def test_the_limit_holds_over_processes_also_after_a_kill(tmp_path: Path) -> None:
    with llm_server(lambda body: Reply(body["messages"][0]["content"], delay=0.2)) as server:
        killed = worker(server, tmp_path, 0, 40, 4)
        deadline = time.monotonic() + 30
        while len(server.answered) < 8 and time.monotonic() < deadline:
            time.sleep(0.01)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        kept = {path.name for path in tmp_path.glob("replies/*/*.json")}
        cut_short = set(tmp_path.rglob("*.part"))  # what the kill itself may leave; it stands for nothing
        done_before = len(server.answered)
        both = [worker(server, tmp_path, first, 20, 4) for first in (0, 20)]
        assert [process.wait(60) for process in both] == [0, 0]
        assert server.busiest <= 8  # four of the killed process may still be answered
        assert len(kept) >= done_before - 4
        # What was kept is never asked again.
        assert len(server.received) <= 40 + (len(server.received) - len(server.answered)) + done_before - len(kept)
        asked_after = [item.body["messages"][0]["content"] for item in server.received[done_before + 4 :]]
        assert len(asked_after) == len(set(asked_after))
    replies = list(tmp_path.glob("replies/*/*.json"))
    assert len(replies) == 40
    assert all(json.loads(path.read_text()) for path in replies)
    assert set(tmp_path.rglob("*.part")) <= cut_short


def test_no_key_is_in_any_file_or_repr(tmp_path: Path) -> None:
    with llm_server(lambda body: failure(500, f"your key {KEY} is nice")) as server:
        found = endpoint(server)
        assert KEY not in repr(found) + str(found)
        with pytest.raises(errors.LlmError) as caught:
            ask(server, settings(tmp_path), HELLO)
    assert KEY not in str(caught.value)
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes()
