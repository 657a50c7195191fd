"""A real OpenAI-compatible HTTP server, with scripted replies and injected faults.

It speaks HTTP itself, because the faults of real endpoints (a connection reset midway, a body that drips) are below
what a framework lets one do.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Body = dict[str, Any]
Script = Callable[[Body], "Reply"]


@dataclass
class Reply:
    """What the server does with one request."""

    text: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    finish: str = "stop"
    refusal: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    usage: bool = True
    body: Any = None
    """In place of a completion, as it is."""
    delay: float = 0.0
    """Seconds before it begins."""
    drip: float = 0.0
    """Seconds between the bytes of the body."""
    reset_after: int | None = None
    """Reset the connection after so many bytes."""
    reasoning: int = 0


def failure(status: int, message: str = "scripted failure", code: str | None = None, **headers: str) -> Reply:
    """An error as endpoints give it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=named, body={"error": {"message": message, "code": code, "type": "error"}})


@dataclass
class Received:
    """A request that came."""

    path: str
    body: Body
    headers: dict[str, str]
    at: float
    done: float = 0.0
    """When its reply was sent whole; 0 if it was not."""
    status: int = 0


class LlmServer:
    """Answers from a script. ``received`` are the requests that came, ``busiest`` the most at once."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.received: list[Received] = []
        self.faults: list[Reply] = []
        """Given once each, in this order, before the script is asked."""
        self.at_work = 0
        self.busiest = 0
        self.port = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def answered(self) -> list[Received]:
        """The requests that got a whole reply of status 200: those that a provider would charge."""
        return [item for item in self.received if item.done and item.status == 200]

    def run(self, port: int, ready: threading.Event) -> None:
        """Serve until stopped."""
        with asyncio.Runner() as runner:  # its end cancels the connections that are left, and waits for them
            runner.run(self._serve(port, ready))

    async def _serve(self, port: int, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connection, "127.0.0.1", port, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stop.wait()
        server.close()

    def stop(self) -> None:
        """End ``run``."""
        if self._stop is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._request(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        line = (await reader.readline()).decode()
        if not line.strip():
            return False
        headers = {}
        while (header := (await reader.readline()).decode().strip()) != "":
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        data = await reader.readexactly(int(headers.get("content-length", "0")))
        path = line.split()[1]
        request = Received(path, json.loads(data or b"{}"), headers, time.monotonic())
        self.received.append(request)
        self.at_work += 1
        self.busiest = max(self.busiest, self.at_work)
        try:
            reply = self.faults.pop(0) if self.faults else self._answer(request)
            request.status = reply.status
            await self._send(writer, request, reply)
        finally:
            self.at_work -= 1
        return reply.reset_after is None

    def _answer(self, request: Received) -> Reply:
        try:
            return self.script({**request.body, "_path": request.path})
        except Exception as error:  # noqa: BLE001 - a hole in the script is a plain 400, which the client reports with this text
            return failure(400, f"the script has no reply: {error!r}")

    async def _send(self, writer: asyncio.StreamWriter, request: Received, reply: Reply) -> None:
        if reply.delay:
            await asyncio.sleep(reply.delay)
        content = json.dumps(completion(request.body, reply) if reply.body is None else reply.body).encode()
        if isinstance(reply.body, bytes):
            content = reply.body
        extra = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
        head = f"HTTP/1.1 {reply.status} X\r\ncontent-type: application/json\r\n{extra}content-length: {len(content)}"
        writer.write(head.encode() + b"\r\n\r\n")
        if reply.reset_after is not None:
            writer.write(content[: reply.reset_after])
            await writer.drain()
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # RST in place of FIN
            writer.transport.abort()
            return
        if reply.drip:
            for at in range(len(content)):
                writer.write(content[at : at + 1])
                await writer.drain()
                await asyncio.sleep(reply.drip)
        else:
            writer.write(content)
        await writer.drain()
        request.done = time.monotonic()


def completion(body: Body, reply: Reply) -> Body:
    """A chat completion."""
    message: Body = {"role": "assistant", "content": reply.text, "refusal": reply.refusal}
    if reply.tool_calls:
        message["tool_calls"] = [
            {"id": f"call_{number}", "type": "function",
             "function": {"name": call["name"], "arguments": json.dumps(call["arguments"])}}
            for number, call in enumerate(reply.tool_calls)
        ]  # fmt: skip
    finish = "tool_calls" if reply.tool_calls else reply.finish
    made: Body = {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": body.get("model", ""),
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
    }  # fmt: skip
    if reply.usage:
        sent, wrote = len(json.dumps(body["messages"])) // 4, len(reply.text) // 4 + reply.reasoning
        made["usage"] = {
            "prompt_tokens": sent, "completion_tokens": wrote, "total_tokens": sent + wrote,
            "completion_tokens_details": {"reasoning_tokens": reply.reasoning},
        }  # fmt: skip
    return made


@contextmanager
def llm_server(script: Script, port: int = 0) -> Iterator[LlmServer]:
    """A server in a thread, until the block ends."""
    server = LlmServer(script)
    ready = threading.Event()
    thread = threading.Thread(target=server.run, args=(port, ready), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        server.stop()
        thread.join(10)


def always(text: str) -> Script:
    """A script that gives the same text to everybody."""
    return lambda body: Reply(text)
