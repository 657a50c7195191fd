"""The tools over MCP: real clients of both protocol eras, against a real server process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastmcp
import httpx
import mcp
import pytest

from awm_lib.runtime import Environment
from awm_lib.serve.mcp import wire_tool
from tests.servers import Server, arguments, client, keyed_tool, reading_tool, serving, writing_calls

MODES = ("auto", "legacy", "2026-07-28")
TOKENS_FOR_35_TOOLS = 6_000
CHARACTERS_PER_TOKEN = 4
"""Measured on such listings: 4.0 with the vocabulary of GPT-2, 4.2 with o200k_base."""


@pytest.fixture(scope="module")
def env(built_environment: Path) -> Environment:
    return Environment.load(built_environment)


@pytest.fixture(scope="module")
def shared(built_environment: Path) -> Iterator[Server]:
    with serving(built_environment / "server.py", "--port", "0") as server:
        yield server


@pytest.fixture
def server(shared: Server) -> Server:
    with client(shared) as http:
        assert http.post("/reset").status_code == 200
    return shared


def test_start_line_names_every_address(server: Server) -> None:
    assert f"MCP {server.url}/mcp" in server.line
    assert f"REST {server.url}/docs" in server.line
    assert f"page {server.url}/" in server.line


@pytest.mark.parametrize("mode", MODES)
def test_sdk_client_sees_and_calls_tools(server: Server, env: Environment, mode: Any) -> None:
    tool = reading_tool(env)
    expected = env.start().call(tool.name, {}).data

    async def session() -> None:
        async with mcp.Client(server.mcp, mode=mode) as peer:
            listed = (await peer.list_tools()).tools
            assert [item.name for item in listed] == list(env.tools)
            result = await peer.call_tool(tool.name, {})
            assert not result.is_error
            assert result.structured_content == expected
            assert json.loads(result.content[0].text) == expected  # type: ignore[union-attr]

    asyncio.run(session())


@pytest.mark.parametrize("mode", MODES)
def test_fastmcp_client_sees_and_calls_tools(server: Server, env: Environment, mode: Any) -> None:
    tool = reading_tool(env)
    expected = env.start().call(tool.name, {}).data

    async def session() -> None:
        async with fastmcp.Client(server.mcp, mode=mode) as peer:
            assert [item.name for item in await peer.list_tools()] == list(env.tools)
            assert (await peer.call_tool(tool.name, {})).structured_content == expected

    asyncio.run(session())


def test_tools_are_listed_as_the_environment_has_them(server: Server, env: Environment) -> None:
    async def listing() -> list[Any]:
        async with mcp.Client(server.mcp) as peer:
            return (await peer.list_tools()).tools

    for item in asyncio.run(listing()):
        tool = env.tools[item.name]
        assert item.input_schema == tool.input_schema
        assert item.description.startswith(tool.summary)
        assert item.annotations.read_only_hint is (tool.effect == "read")
        assert item.annotations.open_world_hint is False
        if tool.effect == "write":
            assert item.annotations.destructive_hint is tool.destructive
            assert item.annotations.idempotent_hint is tool.idempotent


def test_listing_is_compact(env: Environment) -> None:
    tools = [wire_tool(tool).model_dump(by_alias=True, exclude_none=True) for tool in env.tools.values()]
    characters = len(json.dumps(tools, separators=(",", ":")))
    assert characters / CHARACTERS_PER_TOKEN / len(tools) * 35 < TOKENS_FOR_35_TOOLS


def test_solution_over_mcp_changes_what_it_changes_in_process(
    server: Server, env: Environment, built_environment: Path
) -> None:
    calls = writing_calls(built_environment, env)
    episode = env.start()
    expected = [episode.call(call.tool, arguments(call)).plain() for call in calls]

    async def session() -> list[Any]:
        async with mcp.Client(server.mcp) as peer:
            return [(await peer.call_tool(call.tool, arguments(call))).structured_content for call in calls]

    assert asyncio.run(session()) == expected
    with client(server) as http:
        changes = http.get("/state/changes").json()["changes"]
        assert changes == [change.plain(env.schema[change.table]) for change in episode.changes()]
        assert changes
        assert http.post("/reset").json() == {"reset": True, "now": env.context.now}
        assert http.get("/state/changes").json() == {"changes": []}


@pytest.mark.parametrize("mode", MODES)
def test_unknown_tool_is_our_error_with_the_nearest_name(server: Server, env: Environment, mode: Any) -> None:
    tool = reading_tool(env).name

    async def session() -> None:
        async with mcp.Client(server.mcp, mode=mode) as peer:
            result = await peer.call_tool(f"{tool}x", {})
            assert result.is_error
            error = result.structured_content["error"]  # type: ignore[index]
            assert error["kind"] == "unknown_tool"
            assert tool in error["message"]
            assert result.content[0].text == f"unknown_tool: {error['message']}"  # type: ignore[union-attr]

    asyncio.run(session())


def test_errors_are_those_of_the_episode(server: Server, env: Environment) -> None:
    tool, key = keyed_tool(env)
    cases = [{}, {key: "3"}, {key: 3.5}, {key: None}, {key: True}, {key: [1]}, {key: 2**70}, {key: 1, "x'; --": 1}]
    cases += [{key: 987_654_321}, {key: {"a": {"b": 1}}}, {key: "1; DROP TABLE x"}]

    async def session() -> None:
        async with mcp.Client(server.mcp) as peer:
            for case in cases:
                expected = env.start().call(tool.name, case)
                assert expected.error is not None
                assert expected.error.kind in ("invalid_arguments", "not_found")
                result = await peer.call_tool(tool.name, case)
                assert result.is_error
                assert result.structured_content == expected.plain()
                assert result.content[0].text == f"{expected.error.kind}: {expected.error.message}"  # type: ignore[union-attr]

    asyncio.run(session())


def test_two_clients_share_the_one_episode(server: Server, env: Environment, built_environment: Path) -> None:
    calls = writing_calls(built_environment, env)

    async def session() -> int:
        async with mcp.Client(server.mcp) as one, mcp.Client(server.mcp, mode="legacy") as other:
            for number, call in enumerate(calls):
                await (one, other)[number % 2].call_tool(call.tool, arguments(call))
        return len(calls)

    made = asyncio.run(session())
    with client(server) as http:
        state = http.get("/state").json()
        assert state["calls"] == made
        assert http.get("/state/changes").json()["changes"]


def test_older_client_goes_on_after_a_restart(built_environment: Path, env: Environment) -> None:
    # No session is kept for older clients, so a request needs no handshake before it.
    with serving(built_environment / "server.py", "--port", "0") as server:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": reading_tool(env).name}}
        headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}
        answer = httpx.post(server.mcp, json=body, headers=headers)
        assert answer.status_code == 200
        assert answer.json()["result"]["isError"] is False
