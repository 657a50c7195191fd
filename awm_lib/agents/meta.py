"""The protocol of models that were trained with the published reference: two meta-tools in <tool_call> blocks.

A model calls ``list_tools`` once and first, then ``call_tool`` with a tool's name and its arguments, one call in a
reply; a reply without a call is the last. Names are shown with the prefix that those models expect, and taken with or
without.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Literal

from awm_lib.agents.agent import ToolView, World
from awm_lib.agents.prompt import system_prompt, task_prompt
from awm_lib.agents.protocol import Message, Wanted, printable, read_arguments, result_text
from awm_lib.llm.chat import ChatReply

PREFIX = "mcp_tool_"
LIST, CALL = "list_tools", "call_tool"
_BLOCK = re.compile(r"<tool_call>\s*(.*?)\s*(?:</tool_call>|\Z)", re.S)
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.S)
_UNESCAPED = re.compile(r'(.*"arguments"\s*:\s*)"(\{.*\})"(\s*\}\s*\}\s*)\Z', re.S)


class MetaProtocol:
    """Meta-tools in text."""

    def __init__(self, results_as: Literal["tool", "user"] = "tool") -> None:
        """``results_as`` is the role of results: chat templates of such models know tool, strict endpoints user."""
        self._role = results_as

    def opening(self, world: World) -> list[Message]:
        """Rules and task."""
        return [
            {"role": "system", "content": system_prompt("meta")},
            {"role": "user", "content": task_prompt(world.brief)},
        ]

    def tools(self, world: World) -> Sequence[dict[str, Any]]:
        """None: the model asks for them."""
        return ()

    def said(self, reply: ChatReply) -> Message:
        """The reply's text."""
        return {"role": "assistant", "content": printable(reply.text)}

    def wanted(self, reply: ChatReply) -> list[Wanted]:
        """The first call outside of thoughts; one call in a reply is the rule, and any others are not made."""
        block = _BLOCK.search(_THOUGHT.sub("", reply.text))
        return [] if block is None else [_read(printable(block.group(1)))]

    async def answer(self, wanted: Wanted, world: World) -> Message:
        """List the tools, or make the call."""
        notes = world.notes
        if wanted.malformed is not None:
            notes.problem("agent", "malformed_call", wanted.malformed[:500])
            return self._result(f"Error: malformed_call: {wanted.malformed[:500]}")
        if wanted.tool == LIST:
            if notes.listed:
                notes.problem("agent", "listed_again", "list_tools is to be called only once")
            notes.listed = True
            return self._result(listing(world.tools))
        if not notes.listed:
            notes.problem("agent", "not_listed", f"{wanted.tool} was called before list_tools")
        return self._result(result_text(await world.call(wanted.tool, wanted.arguments)))

    def _result(self, text: str) -> Message:
        if self._role == "tool":
            return {"role": "tool", "tool_call_id": "call_0", "content": text}
        return {"role": "user", "content": f"Tool response:\n{text}"}


def _read(text: str) -> Wanted:
    """The content of a block as a call of a tool, or of list_tools."""
    try:
        value = _decode(text)
        if not isinstance(value, dict) or not isinstance(value.get("name"), str):
            raise ValueError("it has no name of a function")
        name, arguments = value["name"], value.get("arguments")
        if name == LIST:
            return Wanted("call_0", LIST)
        if name.startswith(PREFIX):  # the tool itself in the place of call_tool: as the reference takes it
            return Wanted("call_0", name.removeprefix(PREFIX), _object(arguments))
        if name != CALL:
            return Wanted("call_0", name, _object(arguments))
        inner = _object(arguments)
        if not isinstance(inner, dict) or not isinstance(inner.get("tool_name"), str):
            raise ValueError("the arguments of call_tool have no tool_name")
        return Wanted("call_0", inner["tool_name"].removeprefix(PREFIX), _object(inner.get("arguments")))
    except ValueError as error:
        return Wanted("call_0", "", text, f"the content of <tool_call> is not a call: {error}")


def _decode(text: str) -> Any:
    """JSON; also with arguments as text whose quotes are not escaped, as an example that such models saw has them."""
    try:
        return read_arguments(text)
    except ValueError as error:
        repaired = _UNESCAPED.match(text)
        if repaired is None:
            raise
        try:
            return read_arguments("".join(repaired.groups()))
        except ValueError:
            raise error from None


def _object(value: Any) -> Any:
    """Arguments, which may be given as JSON in a text."""
    if value is None:
        return {}
    return read_arguments(value) if isinstance(value, str) else value


def listing(tools: Sequence[ToolView]) -> str:
    """The tools in the form that such models were trained with."""
    parts = [f"Available MCP Tools ({len(tools)} tools):\n{'=' * 80}"]
    for number, tool in enumerate(tools, 1):
        lines = [f"{number}. {PREFIX}{tool.name}", f"   Description: {tool.description}"]
        properties = tool.schema.get("properties", {})
        lines.append("   Parameters:" if properties else "   Parameters: None")
        required = tool.schema.get("required", [])
        for name, schema in properties.items():
            lines += _parameter(name, schema, name in required)
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _parameter(name: str, schema: dict[str, Any], required: bool) -> list[str]:
    kind = schema.get("type", "unknown")
    if kind == "array" and isinstance(schema.get("items"), dict):
        kind = f"array of {schema['items'].get('type', 'unknown')}"
    lines = [f"      - {name}: {kind} ({'required' if required else 'optional'})"]
    if schema.get("description"):
        lines.append(f"        Description: {schema['description']}")
    if schema.get("default") is not None:
        lines.append(f"        Default: {json.dumps(schema['default'], ensure_ascii=False)}")
    allowed = schema.get("enum") or (schema.get("items") or {}).get("enum")
    if allowed:
        lines.append(f"        Allowed values: {json.dumps(allowed, ensure_ascii=False)}")
    return lines
