"""The server of an environment: calls a second over MCP, seconds until it answers, tokens of its listing."""

from __future__ import annotations

import json
import statistics
import time

from awm_lib.errors import AwmError
from benchmarks.bench import Bench
from benchmarks.connection import Connection
from benchmarks.figure import Figure, at_least, at_most, count, exact
from benchmarks.processes import python, run
from benchmarks.project import ROOT
from benchmarks.served import Served, serving
from benchmarks.timing import Action, rates
from benchmarks.tools import own_read

CALLS = 400
READY_SECONDS = 2.0
TOKENS = 6_000
CHARACTERS_PER_TOKEN = 4
"""Measured on such listings: 4.0 with the vocabulary of GPT-2, 4.2 with o200k_base."""
PROBES = ROOT / "benchmarks" / "probes"


def measure_calls(bench: Bench) -> list[Figure]:
    """Tool calls a second over one connection, beside the same web stack answering a fixed body of the same size."""
    call = own_read(bench.example)
    command = python(str(bench.directory.resolve() / "server.py"), "--port", "0")
    with serving(command, cwd=ROOT) as server, Connection(server.base) as ours:
        request = ours.request("tools/call", name=call.tool.name, arguments=call.arguments)
        answer = ours.exchange(request)
        if json.loads(answer)["result"].get("isError"):
            raise AwmError(f"{call.tool.name} answers {answer[:300].decode(errors='replace')}")
        body = bench.home / "answer.json"
        body.write_bytes(answer)
        with (
            serving(python("-P", str(PROBES / "fixed_server.py"), str(body)), cwd=ROOT) as fixed,
            Connection(fixed.base) as floor,
        ):
            actions = {"call": _exchange(ours, request), "floor": _exchange(floor, request)}
            found = rates(actions, seconds=bench.seconds * 2, rounds=bench.rounds)
            on_cpu = _per_cpu_second(server, actions["call"], round(found["call"] * bench.seconds * 2))
    return [
        Figure(
            name="mcp",
            group="serving",
            title="Tool call over MCP, one connection",
            required=f"{CALLS}/s",
            measured=f"{count(found['call'])}/s",
            met=at_least(found["call"], CALLS),
            beside=f"floor {count(found['floor'])}/s: Starlette on uvicorn answering a fixed body of the same size",
            how=f"raw keep-alive HTTP client, server in its own process; `{call.tool.name}`, {len(answer):,} bytes; "
            f"{count(on_cpu)} calls per second of the server's CPU",
            values={
                "per_second": found["call"],
                "floor_per_second": found["floor"],
                "per_server_cpu_second": on_cpu,
                "answer_bytes": len(answer),
            },
        )
    ]


def _exchange(connection: Connection, request: bytes) -> Action:
    def run(times: int) -> None:
        for _ in range(times):
            connection.exchange(request)

    return run


def _per_cpu_second(server: Served, action: Action, times: int) -> float:
    before = server.cpu()
    action(max(times, 50))
    return max(times, 50) / max(server.cpu() - before, 0.01)


def measure_ready(bench: Bench) -> list[Figure]:
    """Seconds from the command to the first listed tools, beside the import that any FastMCP server starts with."""
    found: dict[str, list[float]] = {"ready": [], "floor": []}
    project = None if bench.results else bench.served
    if project is None:
        command = python(str(bench.directory.resolve() / "server.py"), "--port", "0")
    else:
        command = python("scripts/serve.py", bench.directory.name, "--port", "0")
    cwd = project.home if project else ROOT
    environment = project.environment if project else None
    for _ in range(bench.repeats + 1):  # the first of each warms the disk's cache and is not counted
        began = time.perf_counter()
        with serving(command, cwd=cwd, environment=environment) as server, Connection(server.base) as connection:
            listed = json.loads(connection.exchange(connection.request("tools/list")))
            found["ready"].append(time.perf_counter() - began)
        if not listed["result"]["tools"]:
            raise AwmError("the server lists no tools")
        floor = run(python("-c", "import fastmcp"), cwd=ROOT)
        found["floor"].append(floor.seconds)
    ready, floor_seconds = (statistics.median(values[1:]) for values in (found["ready"], found["floor"]))
    shown = "python scripts/serve.py" if project else "python server.py"
    return [
        Figure(
            name="ready",
            group="serving",
            title="Server ready, from the command to the first listed tools",
            required=f"{READY_SECONDS:.0f} s",
            measured=f"{ready:.2f} s",
            met=at_most(ready, READY_SECONDS),
            beside=f"floor {floor_seconds:.2f} s: `python -c 'import fastmcp'`",
            how=f"`{shown}` of a built environment, until tools/list is answered",
            values={"seconds": ready, "floor_seconds": floor_seconds},
        )
    ]


def measure_listing(bench: Bench) -> list[Figure]:
    """Tokens that an agent reads to see all tools, as the server sends them."""
    command = python(str(bench.directory.resolve() / "server.py"), "--port", "0")
    with serving(command, cwd=ROOT) as server, Connection(server.base) as connection:
        tools = json.loads(connection.exchange(connection.request("tools/list")))["result"]["tools"]
    characters = len(json.dumps(tools, separators=(",", ":"), ensure_ascii=False))
    bare = len(json.dumps([{"name": t["name"], "inputSchema": _bare(t)} for t in tools], separators=(",", ":")))
    tokens, floor = (size / CHARACTERS_PER_TOKEN for size in (characters, bare))
    per_35 = tokens / len(tools) * 35
    return [
        Figure(
            name="listing",
            group="serving",
            title="tools/list of 35 tools",
            required=f"{TOKENS:,} tokens",
            measured=f"{exact(per_35)} tokens",
            met=at_most(per_35, TOKENS - 1),
            beside=f"floor {exact(floor / len(tools) * 35)}: names, and parameters by name and type alone",
            how=f"{bench.directory.name}: {len(tools)} tools, {characters:,} characters, {exact(tokens)} tokens at "
            f"{CHARACTERS_PER_TOKEN} characters each; scaled to 35 tools",
            values={"tokens_of_35": per_35, "tokens": tokens, "tools": len(tools), "characters": characters},
        )
    ]


def _bare(tool: dict[str, object]) -> dict[str, object]:
    schema = tool["inputSchema"]
    assert isinstance(schema, dict)
    kinds = {name: {"type": one.get("type")} for name, one in schema.get("properties", {}).items()}
    return {"type": "object", "properties": kinds, "required": schema.get("required", [])}
