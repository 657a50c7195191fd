"""The protocol of the chat interface itself: tools in the request, calls in the reply, results as messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from awm_lib.agents.agent import World
from awm_lib.agents.prompt import system_prompt, task_prompt
from awm_lib.agents.protocol import Message, Wanted, describe, printable, read_arguments, result_text
from awm_lib.llm.chat import ChatReply


class NativeProtocol:
    """Function calling. A reply may make several calls; they are made in its order."""

    def opening(self, world: World) -> list[Message]:
        """Rules and task. The tools are in the request, so the model has seen them."""
        world.notes.listed = True
        return [
            {"role": "system", "content": system_prompt("native")},
            {"role": "user", "content": task_prompt(world.brief)},
        ]

    def tools(self, world: World) -> Sequence[dict[str, Any]]:
        """All tools."""
        return [describe(view) for view in world.tools]

    def said(self, reply: ChatReply) -> Message:
        """The reply with its calls. Arguments stay as they were written, even if they are not JSON."""
        message: Message = {"role": "assistant", "content": printable(reply.text)}
        if reply.tool_calls:
            message["tool_calls"] = [
                {
                    "id": printable(call.id),
                    "type": "function",
                    "function": {"name": printable(call.name), "arguments": printable(call.arguments)},
                }
                for call in reply.tool_calls
            ]
        return message

    def wanted(self, reply: ChatReply) -> list[Wanted]:
        """The reply's calls."""
        found = []
        for call in reply.tool_calls:
            name = printable(call.name)
            try:
                found.append(Wanted(printable(call.id), name, read_arguments(call.arguments)))
            except ValueError as error:
                found.append(Wanted(printable(call.id), name, call.arguments, f"the arguments of {name} are {error}"))
        return found

    async def answer(self, wanted: Wanted, world: World) -> Message:
        """Make the call."""
        if wanted.malformed is not None:
            world.notes.problem("agent", "malformed_call", wanted.malformed[:500])
            text = f"Error: malformed_call: {wanted.malformed[:500]}; write them as a JSON object"
        else:
            text = result_text(await world.call(wanted.tool, wanted.arguments))
        return {"role": "tool", "tool_call_id": wanted.id, "content": text}
