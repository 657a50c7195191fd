"""A model that answers with the hand-written replies of ``tests/handwritten``.

``python -m tests.scripted --port 9000`` serves it for ``AWM_SYN_LLM_PROVIDER=openai OPENAI_BASE_URL=http://127.0.0.1:9000/v1``.
"""

from __future__ import annotations

import argparse
import json
import threading
from pathlib import Path
from typing import Any

from awm_lib.llm import wire
from awm_lib.llm.chat import ChatReply, ChatRequest, Dialect
from tests.llmserver import Body, LlmServer, Reply, Script, completion

HOME = Path(__file__).parent / "handwritten"
FULL = HOME / "seeds.jsonl"
"""One scenario of full size, with ten tasks."""
SMALL = HOME / "small.jsonl"
"""Two small ones, with five tasks."""
STAGES = {
    "TasksReply": "tasks", "SchemaReply": "schema", "RowsReply": "rows", "ToolsReply": "tools",
    "ToolsCorrection": "tools", "SolutionsReply": "solutions", "ReplacementsReply": "replace",
}  # fmt: skip
_OPENINGS = {
    "You write tasks": "tasks", "You design the SQLite": "schema", "You write the data": "rows",
    "You write the tools": "tools", "You solve tasks": "solutions",
}  # fmt: skip


def titles() -> dict[str, str]:
    """Title -> the directory of its replies."""
    rows = [json.loads(line) for path in (FULL, SMALL) for line in path.read_text().splitlines()]
    return {row["title"]: f"{row['category']}_1" for row in rows}


def stage_of(body: Body) -> str:
    """The stage that a request is of, whatever way its JSON is asked for."""
    schema = body.get("response_format", {}).get("json_schema", {}).get("name")
    if schema:
        return STAGES[schema]
    return next(stage for words, stage in _OPENINGS.items() if body["messages"][0]["content"].startswith(words))


def scenario_of(body: Body) -> str:
    """The scenario that a request is of."""
    asked = body["messages"][1]["content"]
    return next(name for title, name in titles().items() if f"Application: {title}" in asked)


def reply_text(scenario: str, stage: str, number: int) -> str:
    """A hand-written reply, as a model sends it: on one line."""
    return json.dumps(json.loads((HOME / scenario / f"{stage}.{number}.json").read_text()), separators=(",", ":"))


def attempt_of(body: Body, scenario: str, stage: str) -> int:
    """Which reply is asked for: that after the one that the conversation has; the last one again after the last."""
    said = [message["content"] for message in body["messages"] if message["role"] == "assistant"]
    if not said:
        return 1
    number = 1
    while (HOME / scenario / f"{stage}.{number}.json").exists():
        if reply_text(scenario, stage, number) == said[-1]:
            return number + 1 if (HOME / scenario / f"{stage}.{number + 1}.json").exists() else number
        number += 1
    raise LookupError(f"{scenario}, {stage}: the conversation has a reply that is none of these")


def handwritten(delay: float = 0.0, *, right_away: bool = False) -> Script:
    """Answers from the hand-written replies; ``right_away`` gives the last correction merged in at once."""

    def script(body: Body) -> Reply:
        scenario, stage = scenario_of(body), stage_of(body)
        if right_away:
            return Reply(json.dumps(corrected(scenario, stage), separators=(",", ":")), delay=delay)
        return Reply(reply_text(scenario, stage, attempt_of(body, scenario, stage)), delay=delay)

    return script


def corrected(scenario: str, stage: str) -> dict[str, Any]:
    """The first reply with its corrections in place: what a model without mistakes would send."""
    value = json.loads(reply_text(scenario, stage, 1))
    number = 2
    while (HOME / scenario / f"{stage}.{number}.json").exists():
        change = json.loads(reply_text(scenario, stage, number))
        for key, items in change.items():
            if stage == "tasks":
                value[key] = items
            elif isinstance(items, list) and key in value:
                value[key] = _merged(value[key], items)
        number += 1
    if (scenario, stage) == ("observatory_1", "rows"):  # the first reply has a table that there is not
        value["tables"] = [table for table in value["tables"] if table["table"] != "reservations"]
    return value


def _merged(old: list[Any], new: list[Any]) -> list[Any]:
    def name(item: Any) -> str:
        if isinstance(item, str):
            return item.split("(")[0].strip()
        return str(item.get("task") or item.get("name") or item.get("table"))

    found = {name(item): item for item in old}
    found.update({name(item): item for item in new})
    return list(found.values())


class ScriptedTransport:
    """The client's seam: answers from a script, without a server. ``bodies`` are the requests that came."""

    def __init__(self, script: Script, model: str = "m") -> None:
        self.script = script
        self.model = model
        self.bodies: list[Body] = []

    async def send(self, request: ChatRequest, dialect: Dialect) -> ChatReply:
        """Answer as the server would."""
        body = wire.body(self.model, request, dialect)
        self.bodies.append(body)
        return wire.reply(completion(body, self.script(body)), request, 0.0)

    async def close(self) -> None:
        """Nothing to close."""


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each reply")
    arguments = parser.parse_args()
    print(f"hand-written replies at http://127.0.0.1:{arguments.port}/v1", flush=True)
    LlmServer(handwritten(arguments.delay)).run(arguments.port, threading.Event())


if __name__ == "__main__":
    main()
