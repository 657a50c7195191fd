"""Looking at servers from outside, as an agent would: with a real MCP client, over HTTP."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import mcp_types
from mcp import Client

from awm_lib.compile.server import check_server
from awm_lib.errors import AwmError
from awm_lib.processors import processors

PATIENCE = 60.0
"""Seconds for a server to start, and for all its answers: a check should not fail because the machine is loaded."""


@dataclass(frozen=True)
class Finding:
    """What came of checking one environment."""

    name: str
    problem: str | None
    """What does not work, in one line; None if everything does."""
    tools: int = 0
    called: str = ""
    """The tool that was called."""
    seconds: float = 0.0
    """From the start of the process to its start line."""


async def list_tools(url: str) -> list[mcp_types.Tool]:
    """The tools of a running server. Raises AwmError if no MCP server answers there."""
    try:
        async with asyncio.timeout(PATIENCE), Client(url) as client:
            return await _all_tools(client)
    except Exception as error:  # noqa: BLE001 - clients raise many kinds, in groups
        raise AwmError(
            f"no MCP server answers at {url}: {_reason(error)}",
            hint="give the whole address, such as http://127.0.0.1:8001/mcp; to start a server: "
            "python scripts/serve.py e_commerce_33",
        ) from None


async def check_all(directories: Sequence[Path], report: Callable[[Finding], None], jobs: int = 0) -> list[Finding]:
    """Check environments, some at a time; ``report`` is told of each as it is done."""
    gate = asyncio.Semaphore(jobs if jobs > 0 else processors())

    async def one(directory: Path) -> Finding:
        async with gate:
            finding = await check(directory)
        report(finding)
        return finding

    return await asyncio.gather(*(one(directory) for directory in directories))


async def check(directory: Path) -> Finding:
    """Start an environment's server, use it, and stop it."""
    try:
        check_server(directory)  # before it is started: a file that a stranger changed must not run
    except AwmError as error:
        return Finding(directory.name, str(error))
    started = time.monotonic()
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        str(directory / "server.py"),
        "--port",
        "0",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert server.stdout is not None
        line = (await asyncio.wait_for(server.stdout.readline(), PATIENCE)).decode()
        seconds = time.monotonic() - started
        address = re.search(r"http://\S+/mcp", line)
        if address is None:
            return Finding(directory.name, f"does not start: {await _last_words(server)}")
        tools, called = await _use(address.group())
        server.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(server.wait(), PATIENCE)
        problem = f"ended with exit code {code}: {await _last_words(server)}" if code else None
        return Finding(directory.name, problem, tools, called, seconds)
    except _Problem as problem:
        return Finding(directory.name, str(problem))
    except Exception as error:  # noqa: BLE001 - whatever happens to one server is its finding
        return Finding(directory.name, _reason(error))
    finally:
        if server.returncode is None:
            server.kill()
            await server.wait()


class _Problem(Exception):
    """An answer that is not what it should be."""


async def _use(url: str) -> tuple[int, str]:
    """Handshake, list, call, reset: the number of tools, and the one that was called."""
    async with asyncio.timeout(PATIENCE):
        async with Client(url) as client:
            tools = await _all_tools(client)
            if not tools:
                raise _Problem("has no tools")
            called = await _call_one(client, tools)
        async with httpx.AsyncClient(base_url=url.removesuffix("/mcp")) as http:
            for answer in (await http.post("/reset"), await http.get("/health"), await http.get("/openapi.json")):
                if answer.status_code != 200:
                    raise _Problem(f"{answer.request.url.path} answers {answer.status_code}: {answer.text[:200]}")
    return len(tools), called


async def _all_tools(client: Client) -> list[mcp_types.Tool]:
    tools: list[mcp_types.Tool] = []
    cursor: str | None = None
    while True:
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        cursor = page.next_cursor
        if cursor is None:
            return tools


async def _call_one(client: Client, tools: Sequence[mcp_types.Tool]) -> str:
    """Call a tool that reads: one that needs no arguments and must succeed, else one that may find nothing."""
    reading = [tool for tool in tools if tool.annotations is not None and tool.annotations.read_only_hint]
    if not reading:
        raise _Problem("has no tool that only reads")
    tool = min(reading, key=lambda item: len(item.input_schema.get("required", [])))
    required = tool.input_schema.get("required", [])
    arguments = {name: _some(tool.input_schema["properties"][name]) for name in required}
    result = await client.call_tool(tool.name, arguments)
    text = result.content[0].text if result.content and isinstance(result.content[0], mcp_types.TextContent) else ""
    if result.is_error and (not required or text.startswith(("internal:", "unknown_tool:"))):
        raise _Problem(f"{tool.name} answers {text[:200]}")
    return tool.name


def _some(schema: dict[str, Any]) -> Any:
    """Some value of a schema."""
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") in ("integer", "number"):
        return schema.get("minimum", 1)
    values = {"boolean": True, "array": []}
    return values.get(str(schema.get("type")), "2026-01-01" if schema.get("format") == "date" else "a")


async def _last_words(server: asyncio.subprocess.Process) -> str:
    if server.stderr is None:
        return ""
    text = (await asyncio.wait_for(server.stderr.read(), PATIENCE)).decode(errors="replace").strip()
    return " ".join(text.splitlines()[-3:])[:400] or "it says nothing"


def _reason(error: BaseException) -> str:
    """The first cause in plain words; clients wrap errors in groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return "no answer in time" if isinstance(error, TimeoutError) else f"{error}" or type(error).__name__
