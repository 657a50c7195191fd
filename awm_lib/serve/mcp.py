"""An episode's tools over MCP.

What a tool does, and whether arguments are valid, is decided by ``Episode.call`` alone. FastMCP brings the protocol
(the sessionless revision of 2026-07-28 and the older ones) and nothing else: a middleware answers tools/call and
tools/list before FastMCP would look a tool up, validate arguments with pydantic, or move a function to a thread. A call
takes microseconds and its steps are bounded, so it runs in the event loop; a thread would only add a switch.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import mcp_types
from fastmcp import FastMCP
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools import Tool as FastMCPTool
from fastmcp.tools.base import ToolResult as FastMCPResult
from pydantic import PrivateAttr

from awm_lib.runtime import Environment, Episode, ToolResult
from awm_lib.runtime.tools import Tool
from awm_lib.serve.calls import call
from awm_lib.serve.wire import dump, error_body, printable, version


def build_mcp(env: Environment, episode: Episode) -> FastMCP[Any]:
    """The MCP server of one episode."""
    # FastMCP logs refused requests and the transport's life; a person is to read our start line and our errors.
    logging.getLogger("fastmcp").setLevel(logging.ERROR)
    server: FastMCP[Any] = FastMCP(
        name=env.name,
        version=version(),
        instructions=_instructions(env),
        middleware=[_EpisodeTools(env, episode)],
        dereference_schemas=False,
    )
    # On the sessionless path the SDK lists all tools before every call, to find schemas that move arguments to headers.
    # Ours never do; listing 35 of them would make a call of 0.4 ms one of 1.7 ms (without HTTP itself).
    server._mcp_server.get_tool_input_schema = lambda _name: None
    return server


def _instructions(env: Environment) -> str:
    scenario = env.scenario
    return f"{scenario.title}. {scenario.description}".strip()


def wire_tool(tool: Tool) -> mcp_types.Tool:
    """A tool as tools/list shows it.

    Output schemas are left out: they would double the listing, which every agent reads with every prompt, and a result
    explains itself. REST's documentation has them.
    """
    text = tool.summary if not tool.description else f"{tool.summary.rstrip('.')}. {tool.description}"
    return mcp_types.Tool(
        name=tool.name,
        description=text,
        input_schema=tool.input_schema,
        annotations=mcp_types.ToolAnnotations(**hints(tool)),
    )


def hints(tool: Tool) -> dict[str, bool]:
    """The hints of a tool, without those that the protocol's defaults or the others imply."""
    if tool.effect == "read":
        # The protocol gives destructiveHint and idempotentHint no meaning for a tool that only reads.
        return {"read_only_hint": True, "open_world_hint": False}
    return {
        "read_only_hint": False,
        "destructive_hint": tool.destructive,
        "idempotent_hint": tool.idempotent,
        "open_world_hint": False,
    }


def wire_result(result: ToolResult) -> FastMCPResult:
    """A tool's result for the protocol: JSON text for the agent, and the same as structured content."""
    if result.error is None:
        data = result.data
        structured = data if isinstance(data, dict) else {"result": data}
        text, failed = dump(data), False
    else:
        text = printable(f"{result.error.kind}: {result.error.message}")
        structured, failed = error_body(result.error.kind, result.error.message), True
    # Constructed without validation: the parts are ours, and validating them copies every row of a result.
    return FastMCPResult.model_construct(
        content=[mcp_types.TextContent.model_construct(type="text", text=text)],
        structured_content=structured,
        meta=None,
        is_error=failed,
    )


class _ListedTool(FastMCPTool):
    """A tool whose wire form is made once."""

    _wire: mcp_types.Tool = PrivateAttr()

    @classmethod
    def of(cls, tool: Tool) -> _ListedTool:
        wire = wire_tool(tool)
        listed = cls(name=tool.name, description=wire.description, parameters=wire.input_schema)
        listed._wire = wire
        return listed

    def to_mcp_tool(self, **overrides: Any) -> mcp_types.Tool:
        return self._wire.model_copy(update=overrides) if overrides.keys() - {"name"} else self._wire


class _EpisodeTools(Middleware):
    """Answers tools/list and tools/call from the episode."""

    def __init__(self, env: Environment, episode: Episode) -> None:
        self.episode = episode
        self.listed = [_ListedTool.of(tool) for tool in env.tools.values()]

    async def on_list_tools(
        self,
        context: MiddlewareContext[mcp_types.ListToolsRequest],
        call_next: CallNext[mcp_types.ListToolsRequest, Sequence[FastMCPTool]],
    ) -> Sequence[FastMCPTool]:
        return self.listed

    async def on_call_tool(
        self,
        context: MiddlewareContext[mcp_types.CallToolRequestParams],
        call_next: CallNext[mcp_types.CallToolRequestParams, FastMCPResult],
    ) -> FastMCPResult:
        request = context.message
        return wire_result(call(self.episode, request.name, request.arguments or {}))
