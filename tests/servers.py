"""Starting real servers for tests, and choosing tools of whatever environment is at hand."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from awm_lib.contracts.oracle import Call, Oracle
from awm_lib.runtime import Environment
from awm_lib.runtime.tools import Tool

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60


@dataclass(frozen=True)
class Server:
    """A running server process."""

    process: subprocess.Popen[str]
    line: str
    """What it said when it was ready."""

    @property
    def url(self) -> str:
        """Its address, without a path."""
        found = re.search(r"page (http://\S+)/", self.line)
        assert found, self.line
        return found.group(1)

    @property
    def mcp(self) -> str:
        """Its MCP address."""
        return f"{self.url}/mcp"

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal: exit code, and what was left to read of stdout and stderr."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


@contextlib.contextmanager
def serving(*command: str | Path) -> Iterator[Server]:
    """Run a command that serves, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            _, err = process.communicate(timeout=PATIENCE)
            raise AssertionError(f"the server did not start: {err}")
        yield Server(process, line)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=PATIENCE)


def client(server: Server) -> httpx.Client:
    """A plain HTTP client of a server."""
    return httpx.Client(base_url=server.url, timeout=PATIENCE)


def run_script(name: str, *arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run one of scripts/ to its end."""
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / name), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=cwd,
        check=False,
    )


def reading_tool(env: Environment) -> Tool:
    """A tool that reads and needs no arguments."""
    return next(tool for tool in env.tools.values() if not tool.writes and not tool.input_schema.get("required"))


def keyed_tool(env: Environment) -> tuple[Tool, str]:
    """A tool that reads one record by an integer key, and the key's name."""
    for tool in env.tools.values():
        required = tool.input_schema.get("required", [])
        by_key = not tool.writes and tool.returns == "one" and len(required) == 1
        if by_key and tool.input_schema["properties"][required[0]].get("type") == "integer":
            return tool, required[0]
    raise AssertionError("no tool reads a record by an integer key")


def writing_calls(directory: Path, env: Environment) -> list[Call]:
    """The calls of a solution that changes something."""
    for solution in Oracle.read(directory / "oracle.json").solutions:
        if any(env.tools[call.tool].writes and call.refused is None for call in solution.calls):
            return list(solution.calls)
    raise AssertionError("no solution writes")


def arguments(call: Call) -> dict[str, Any]:
    """A call's arguments as an agent would send them."""
    return {argument.name: argument.value for argument in call.arguments}
