"""A model server that solves by the oracles' calls, each reply after a while: scripted_model.py RESULTS SECONDS.

It prints its port, and at each line that it reads, what it did since the last one: replies, and the most at once.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


class Model:
    """Answers requests of one model for all tasks of some environments."""

    def __init__(self, results: Path, seconds: float) -> None:
        self.seconds = seconds
        self.tasks = dict(_tasks(results))
        self.replies = self.at_work = self.busiest = 0

    async def serve(self) -> None:
        """Serve until standard input ends."""
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=1024)
        print(server.sockets[0].getsockname()[1], flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps({"replies": self.replies, "busiest": self.busiest}), flush=True)
            self.replies = self.busiest = 0

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.lower().split(b"\r\n")
                length = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length"))
                body = json.loads(await reader.readexactly(length))
                self.at_work += 1
                self.busiest = max(self.busiest, self.at_work)
                await asyncio.sleep(self.seconds)
                self.at_work -= 1
                self.replies += 1
                data = json.dumps(self._completion(body)).encode()
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(data)
                )
                writer.write(data)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _completion(self, body: dict[str, Any]) -> dict[str, Any]:
        messages = body["messages"]
        calls, answer = self.tasks[messages[1]["content"].split("\n\nIt is ")[0]]
        turn = sum(message["role"] == "assistant" for message in messages)
        message: dict[str, Any] = {"role": "assistant", "content": answer}
        if turn < len(calls):
            function = {"name": calls[turn][0], "arguments": json.dumps(calls[turn][1])}
            message = {"role": "assistant", "content": None}
            message["tool_calls"] = [{"id": f"call_{turn}", "type": "function", "function": function}]
        usage = {"prompt_tokens": 1_000, "completion_tokens": 50}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}


def _tasks(results: Path) -> Any:
    for home in results.iterdir():
        if not (home / "oracle.json").is_file():
            continue
        solutions = {item["task"]: item for item in json.loads((home / "oracle.json").read_text())["solutions"]}
        for task in json.loads((home / "tasks.json").read_text())["tasks"]:
            solution = solutions[task["id"]]
            calls = [
                (call["tool"], {item["name"]: item["value"] for item in call.get("arguments", [])})
                for call in solution["calls"]
            ]
            value = (solution.get("answer") or {}).get("value")
            text = json.dumps(value) if isinstance(value, list) else str(value)
            yield task["instruction"], (calls, "Done." if value is None else f"<answer>{text}</answer>")


if __name__ == "__main__":
    asyncio.run(Model(Path(sys.argv[1]), float(sys.argv[2])).serve())
