"""A world that is an MCP server at an address, ours or any other."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, get_args

from awm_lib.agents.agent import Brief, Notes, ToolView, Unavailable
from awm_lib.agents.samples import sample_object
from awm_lib.contracts.trajectory import ToolCall
from awm_lib.errors import AwmError
from awm_lib.runtime.results import ErrorKind, ToolError, ToolResult

if TYPE_CHECKING:
    from mcp import Client

PATIENCE = 60.0
"""Seconds for a server to answer."""
_KINDS = frozenset(get_args(ErrorKind))


class RemoteWorld:
    """Calls go to a server, and what came back is noted."""

    def __init__(
        self,
        client: Client,
        tools: Sequence[ToolView],
        instruction: str,
        watch: Callable[[ToolCall], None] | None = None,
    ) -> None:
        """``watch`` is told of each call as it is over."""
        self._client = client
        self._watch = watch
        self.tools = tools
        self.notes = Notes()
        self.brief = Brief(instruction)

    async def call(self, tool: str, arguments: Any) -> ToolResult:
        """Call a tool. Raises Unavailable if the server is gone."""
        began = time.perf_counter()
        result = await self._result(tool, arguments)
        error = result.error
        well_formed = error is None or error.kind not in ("unknown_tool", "invalid_arguments")
        if error is not None and not well_formed:
            self.notes.problem("agent", error.kind, error.message)
        elif error is not None and error.kind == "internal":
            self.notes.problem("environment", "internal", f"{tool}: {error.message}")
        call = ToolCall(
            turn=max(self.notes.turn, 1),
            tool=tool[:200],
            arguments=arguments,
            result=result.plain(),
            error=error.kind if error else None,
            well_formed=well_formed,
            seconds=round(time.perf_counter() - began, 6),
        )
        self.notes.calls.append(call)
        if self._watch is not None:
            self._watch(call)
        return result

    async def _result(self, tool: str, arguments: Any) -> ToolResult:
        if tool not in {view.name for view in self.tools}:
            return ToolResult(error=ToolError("unknown_tool", f"there is no tool {tool[:80]!r}; see the list of tools"))
        if not isinstance(arguments, dict):
            return ToolResult(error=ToolError("invalid_arguments", f"the arguments of {tool} must be an object"))
        import asyncio

        from mcp import MCPError

        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._client.call_tool(tool, arguments)
        except MCPError as error:
            return ToolResult(error=ToolError("internal", str(error)))
        except Exception as error:  # noqa: BLE001 - clients raise many kinds, in groups
            raise Unavailable("unavailable", f"the MCP server does not answer: {_reason(error)}") from None
        text = "\n".join(part.text for part in answer.content if part.type == "text")
        if answer.is_error:
            return ToolResult(error=_error(text))
        return ToolResult(answer.structured_content if answer.structured_content is not None else text)

    def sample(self, tool: str, chance: random.Random) -> dict[str, Any]:
        """Arguments that the tool's schema accepts."""
        return sample_object(next(view.schema for view in self.tools if view.name == tool), chance)


@asynccontextmanager
async def connect(
    url: str, instruction: str, watch: Callable[[ToolCall], None] | None = None
) -> AsyncIterator[RemoteWorld]:
    """The world at an address. Raises AwmError if no MCP server answers there."""
    from awm_lib.serve.probe import list_tools

    listed = await list_tools(url)  # explains what is wrong with an address
    from mcp import Client

    views = [ToolView(tool.name, tool.description or "", dict(tool.input_schema)) for tool in listed]
    try:
        async with Client(url) as client:
            yield RemoteWorld(client, views, instruction, watch)
    except BaseExceptionGroup as errors:
        raise _single(errors) from None


def _single(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error that a client wrapped in groups; a person's mistake stays what it is."""
    found: BaseException = errors
    while isinstance(found, BaseExceptionGroup):
        found = next((item for item in found.exceptions if isinstance(item, AwmError)), found.exceptions[0])
    return found


def _error(text: str) -> ToolError:
    """An error as our servers write it ('kind: message'); of another server, one that is not the agent's to judge."""
    kind, _, message = text.partition(": ")
    if kind in _KINDS:
        return ToolError(kind, message)  # type: ignore[arg-type]
    return ToolError("not_allowed", text)


def _reason(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
