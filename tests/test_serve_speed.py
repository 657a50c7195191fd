"""How many calls a second one server process answers to one plain keep-alive connection.

Counted in the server's own CPU time, so that a busy machine does not fail the test.
"""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any

import psutil
import pytest

from awm_lib.runtime import Environment
from tests.servers import Server, keyed_tool, serving

CALLS = 400
CALLS_PER_SECOND = 400
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


def calls_per_second(server: Server, tool: str, arguments: dict[str, Any], *, modern: bool) -> float:
    """The rate of one measured run."""
    host, port = server.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    params: dict[str, Any] = {"name": tool, "arguments": arguments} | ({"_meta": META} if modern else {})
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    headers |= {"mcp-protocol-version": "2026-07-28" if modern else "2025-06-18"}
    headers |= {"mcp-method": "tools/call", "mcp-name": tool} if modern else {}
    started = cpu_seconds(server)
    try:
        for _ in range(CALLS):
            connection.request("POST", "/mcp", body, headers)
            answer = connection.getresponse()
            assert answer.status == 200
            assert answer.read()
    finally:
        connection.close()
    return CALLS / (cpu_seconds(server) - started)


def cpu_seconds(server: Server) -> float:
    """What the server has used so far."""
    used = psutil.Process(server.process.pid).cpu_times()
    return used.user + used.system


@pytest.mark.slow
@pytest.mark.parametrize("modern", [True, False])
def test_calls_per_second(built_environment: Path, modern: bool) -> None:
    tool, key = keyed_tool(Environment.load(built_environment))
    with serving(built_environment / "server.py", "--port", "0") as server:
        rates = [calls_per_second(server, tool.name, {key: 1}, modern=modern) for _ in range(3)]
    assert max(rates) >= CALLS_PER_SECOND, rates
