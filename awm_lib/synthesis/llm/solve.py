"""Independent solving: a model that sees only instruction and tools attempts each task.

It sees no solution, no data and no verifier, so tasks that no attempt solves are those that a person should look at.
The agent is one loop over an in-memory episode with native function calling.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from awm_lib.contracts.solving import Attempt, Solving, TaskSolving
from awm_lib.contracts.tasks import Task
from awm_lib.llm.chat import ChatRequest, assistant_message
from awm_lib.llm.errors import BudgetSpent, LlmError
from awm_lib.llm.ledger import Purpose
from awm_lib.runtime.environment import Environment
from awm_lib.runtime.episode import Episode
from awm_lib.synthesis.llm.prompts import render

if TYPE_CHECKING:
    from awm_lib.llm.client import Client

MAX_TURNS = 40
"""Replies of one attempt."""
MAX_CALLS = 80
MAX_RESULT = 20_000
"""Characters of a call's result that the model is shown."""
SHOWN = 300


async def solve(client: Client, environment: Environment, attempts: int) -> Solving:
    """Attempt every task so many times, all at once as far as the client's limits allow. Raises BudgetSpent."""
    jobs = [
        attempt(client, environment, task, number) for task in environment.tasks.tasks for number in range(attempts)
    ]
    found = iter(await asyncio.gather(*jobs))
    return Solving(
        scenario=environment.name,
        model=client.endpoint.model,
        tasks=[
            TaskSolving(task=task.id, attempts=[next(found) for _ in range(attempts)])
            for task in environment.tasks.tasks
        ],
    )


async def attempt(client: Client, environment: Environment, task: Task, number: int) -> Attempt:
    """One attempt. Raises BudgetSpent; whatever else the endpoint does is an attempt without a reply."""
    episode = environment.start(task.id)
    request = first_request(environment, task)
    calls = 0
    try:
        for _ in range(MAX_TURNS):
            reply = await client.send(request, Purpose("solve", environment.name, task.id, number + 1), sample=number)
            if not reply.tool_calls:
                verdict = episode.verify(reply.text)
                ended = "answered" if reply.text.strip() else "gave_up"
                return Attempt(ended=ended, complete=verdict.complete, calls=calls, answer=reply.text.strip()[:SHOWN])
            results = [_result(episode, call.name, call.arguments) for call in reply.tool_calls]
            calls += len(results)
            if calls > MAX_CALLS:
                break
            request = request.following(
                assistant_message(reply),
                *(
                    {"role": "tool", "tool_call_id": call.id, "content": text}
                    for call, text in zip(reply.tool_calls, results, strict=True)
                ),
            )
        return Attempt(ended="too_many_calls", complete=False, calls=calls)
    except BudgetSpent:
        raise
    except LlmError as error:
        return Attempt(ended="no_reply", complete=False, calls=calls, answer=error.message[:SHOWN])
    finally:
        episode.close()


def first_request(environment: Environment, task: Task) -> ChatRequest:
    """What the model sees: who it works for, the tools, the instruction."""
    context = environment.context
    system = render("solve.system", title=environment.scenario.title, user=context.user, now=context.now)
    return ChatRequest(
        [{"role": "system", "content": system}, {"role": "user", "content": render("solve.user", task=task)}],
        tools=[tool_definition(tool.name, f"{tool.summary}. {tool.description}".strip(), tool.input_schema)
               for tool in environment.tools.values()],
    )  # fmt: skip


def tool_definition(name: str, description: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """A tool as the chat interface wants it."""
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def _result(episode: Episode, name: str, arguments: str) -> str:
    """A call's result as text; arguments that are no JSON are an error that the model reads."""
    try:
        given = json.loads(arguments or "{}")
    except (ValueError, RecursionError) as error:
        return json.dumps({"error": {"kind": "invalid_arguments", "message": f"the arguments are not JSON: {error}"}})
    return json.dumps(episode.call(name, given).plain(), ensure_ascii=False)[:MAX_RESULT]
