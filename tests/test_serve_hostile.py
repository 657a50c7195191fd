"""Hostile and broken requests: each gets one clear answer, and the server goes on."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from awm_lib.runtime import Environment
from awm_lib.serve.guard import MAX_BODY, MAX_DEPTH, Addresses, too_deep
from tests.servers import Server, client, keyed_tool, serving

MODERN = "2026-07-28"
OLDER = "2025-06-18"
META = {"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}


@pytest.fixture(scope="module")
def env(built_environment: Path) -> Environment:
    return Environment.load(built_environment)


@pytest.fixture(scope="module")
def server(built_environment: Path) -> Iterator[Server]:
    with serving(built_environment / "server.py", "--port", "0") as running:
        yield running
        code, out, err = running.stop()
        assert (code, out, err) == (0, "", ""), "no request may make the server write a log or end otherwise"


@pytest.fixture
def peer(server: Server) -> Iterator[httpx.Client]:
    with client(server) as connected:
        yield connected
        assert connected.get("/health").status_code == 200


def call_mcp(peer: httpx.Client, version: str, tool: str, arguments: str) -> httpx.Response:
    """A tools/call whose arguments are given as JSON text, valid or not."""
    meta = f'"_meta":{json.dumps(META)},' if version == MODERN else ""
    body = (
        '{"jsonrpc":"2.0","id":7,"method":"tools/call",'
        f'"params":{{{meta}"name":{json.dumps(tool)},"arguments":{arguments}}}}}'
    )
    headers = {
        "accept": "application/json, text/event-stream",
        "content-type": "application/json",
        "mcp-protocol-version": version,
        "mcp-method": "tools/call",
        "mcp-name": tool,
    }
    return peer.post("/mcp", content=body.encode(), headers=headers)


@pytest.mark.parametrize("version", [MODERN, OLDER])
@pytest.mark.parametrize("value", ["NaN", "Infinity", "-1e999", "1e400", "9" * 400, '"\'; DROP TABLE users; --"', "{}"])
def test_hostile_values_are_invalid_arguments(peer: httpx.Client, env: Environment, version: str, value: str) -> None:
    tool, key = keyed_tool(env)
    answer = call_mcp(peer, version, tool.name, f'{{"{key}": {value}}}')
    assert answer.status_code == 200
    result = answer.json()["result"]
    assert result["isError"] is True
    assert result["structuredContent"]["error"]["kind"] == "invalid_arguments"
    over_rest = peer.post(f"/tools/{tool.name}", content=f'{{"{key}": {value}}}'.encode())
    assert over_rest.status_code == 422
    assert over_rest.json() == result["structuredContent"]


def test_half_characters_are_answered(peer: httpx.Client, env: Environment) -> None:
    tool, key = keyed_tool(env)
    for body in ('{"\\ud800": 1}', f'{{"{key}": "\\ud800"}}', f'{{"{key}": 1, "\\udfff\\ud800": "x"}}'):
        answer = peer.post(f"/tools/{tool.name}", content=body.encode())
        assert answer.status_code == 422
        assert call_mcp(peer, MODERN, tool.name, body).json()["result"]["isError"] is True
        assert call_mcp(peer, OLDER, tool.name, body).status_code in (200, 400)
    assert peer.post("/tools/%ed%a0%80", content=b"{}").status_code == 404


@pytest.mark.parametrize("size", [MAX_BODY + 1, 10_000_000])
def test_huge_string_is_refused_with_413(peer: httpx.Client, env: Environment, size: int) -> None:
    tool, key = keyed_tool(env)
    text = json.dumps({key: "x" * size})
    answer = peer.post(f"/tools/{tool.name}", content=text.encode())
    assert answer.status_code == 413
    assert answer.json()["error"]["kind"] == "limit_exceeded"
    for version in (MODERN, OLDER):
        answer = call_mcp(peer, version, tool.name, text)
        assert answer.status_code == 413
        assert "larger than" in answer.json()["error"]["message"]


def test_large_string_that_is_allowed_reaches_the_tool(peer: httpx.Client, env: Environment) -> None:
    tool, key = keyed_tool(env)
    answer = peer.post(f"/tools/{tool.name}", json={key: "x" * 500_000})
    assert answer.json()["error"]["kind"] in ("invalid_arguments", "limit_exceeded")
    assert len(answer.content) < 2_000, "a message does not repeat what was sent"


def test_body_without_announced_length_is_bounded(server: Server, env: Environment) -> None:
    tool, _ = keyed_tool(env)

    def endless() -> Iterator[bytes]:
        for _ in range(200):
            yield b" " * 65_536

    with client(server) as peer:
        assert peer.post(f"/tools/{tool.name}", content=endless()).status_code == 413


def test_announced_length_far_too_large_is_refused_unread(server: Server, env: Environment) -> None:
    tool, _ = keyed_tool(env)
    host, port = server.url.removeprefix("http://").split(":")
    raw = http.client.HTTPConnection(host, int(port), timeout=10)
    try:
        raw.putrequest("POST", f"/tools/{tool.name}")
        raw.putheader("Content-Length", str(10**15))
        raw.endheaders()
        assert raw.getresponse().status == 413
    finally:
        raw.close()


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 1_000, 200_000])
def test_deep_nesting_is_refused(peer: httpx.Client, env: Environment, depth: int) -> None:
    tool, key = keyed_tool(env)
    text = f'{{"{key}": {"[" * depth}{"]" * depth}}}'
    answer = peer.post(f"/tools/{tool.name}", content=text.encode())
    assert answer.status_code == 400
    assert "nested" in answer.json()["error"]["message"]
    for version in (MODERN, OLDER):
        answer = call_mcp(peer, version, tool.name, text)
        assert answer.status_code == 400
        assert "nested" in answer.json()["error"]["message"]


def test_depth_is_counted_outside_strings_only() -> None:
    assert not too_deep(json.dumps({"text": "[{" * 500 + '\\"' + "[" * 500}).encode())
    assert too_deep(b'{"a":"\\\\",' + b"[" * 100)
    assert not too_deep(json.dumps([[1]] * 500).encode())


def test_other_encodings_are_refused(peer: httpx.Client, env: Environment) -> None:
    tool, key = keyed_tool(env)
    answer = peer.post(f"/tools/{tool.name}", content=f'{{"{key}": 1}}'.encode("utf-16"))
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "the body is not JSON in UTF-8")
    assert peer.post(f"/tools/{tool.name}", content=b'{"\xff": 1}').status_code == 400


@pytest.mark.parametrize("version", [MODERN, OLDER])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"jsonrpc":"2.0"}', b'{"id":1}', b'"x"', b"\xff"])
def test_broken_messages_are_protocol_errors(peer: httpx.Client, version: str, body: bytes) -> None:
    headers = {
        "accept": "application/json, text/event-stream",
        "content-type": "application/json",
        "mcp-protocol-version": version,
    }
    answer = peer.post("/mcp", content=body, headers=headers)
    assert 400 <= answer.status_code < 500
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("path", ["/mcp", "/health", "/reset", "/", "/tools"])
@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("host", "evil.example", 421),
        ("host", "evil.example:8001", 421),
        ("host", "127.0.0.1.evil.example", 421),
        ("host", "10.0.0.1", 421),
        ("host", "[", 421),
        ("host", "", 421),
        ("origin", "http://evil.example", 403),
        ("origin", "null", 403),
        ("origin", "http://127.0.0.1:1", 403),
        ("origin", "http://localhost", 403),
    ],
)
def test_strangers_are_refused(peer: httpx.Client, path: str, header: str, value: str, status: int) -> None:
    answer = peer.request("POST" if path in ("/mcp", "/reset") else "GET", path, headers={header: value})
    assert answer.status_code == status
    assert "error" in answer.json()


def test_own_origin_is_accepted(peer: httpx.Client, server: Server) -> None:
    assert peer.get("/health", headers={"origin": server.url}).status_code == 200
    port = server.url.rsplit(":", 1)[1]
    local = {"host": f"localhost:{port}", "origin": f"http://localhost:{port}"}
    assert peer.get("/health", headers=local).status_code == 200


@pytest.mark.parametrize(
    ("bound", "extra", "host", "accepted"),
    [
        ("127.0.0.1", (), "127.0.0.1:8001", True),
        ("127.0.0.1", (), "[::1]:8001", True),
        ("127.0.0.1", (), "LOCALHOST", True),
        ("127.0.0.1", (), "192.168.1.2:8001", False),
        ("127.0.0.1", ("box.lan",), "box.lan:80", True),
        ("0.0.0.0", (), "192.168.1.2:8001", True),
        ("0.0.0.0", (), "[fd00::1]:8001", True),
        ("0.0.0.0", (), "evil.example", False),
        ("0.0.0.0", ("box.lan",), "BOX.lan", True),
        ("127.0.0.1", (), "127.0.0.1@evil.example", False),
    ],
)
def test_addresses(bound: str, extra: Any, host: str, accepted: bool) -> None:
    assert Addresses.of(bound, extra).include(host) is accepted


SECRETS = ("oracle.json", "verifier.py", "plan.json", "certificate.json", "seed.sqlite", "server.py", "tasks.json")


@pytest.mark.parametrize("name", SECRETS)
def test_files_of_the_environment_are_not_served(
    server: Server, env: Environment, built_environment: Path, name: str
) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    paths = [f"/{name}", f"/{env.name}/{name}", f"/results/{env.name}/{name}", f"/assets/{name}"]
    paths += [f"/assets/../{name}", f"/assets/..%2f{name}", f"/assets/%2e%2e/{name}", f"//{name}", f"/tools/../{name}"]
    paths += [f"/assets/..\\{name}", f"/{built_environment}/{name}", f"/state/tables/..%2f{name}", f"/mcp/{name}"]
    for path in paths:
        raw = http.client.HTTPConnection(host, int(port), timeout=10)
        try:
            raw.request("GET", path)  # httpx would tidy the path
            answer = raw.getresponse()
            assert answer.status == 404, path
            answer.read()
        finally:
            raw.close()


def test_methods_that_are_not_offered(peer: httpx.Client) -> None:
    assert peer.get("/reset").status_code == 405
    assert peer.delete("/tools").status_code == 405
    assert peer.get("/mcp").status_code == 405
    assert peer.options("/reset", headers={"access-control-request-method": "POST"}).status_code == 405


def test_no_page_of_another_origin_may_read(peer: httpx.Client) -> None:
    for path in ("/health", "/tools", "/"):
        assert not [name for name in peer.get(path).headers if name.startswith("access-control-")]
