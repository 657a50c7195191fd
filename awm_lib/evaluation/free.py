"""A task in a person's words at any MCP server: shown as it goes, and not judged, since nothing says what is right."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from awm_lib.agents.agent import Agent, Ending, Unavailable
from awm_lib.agents.remote import RemoteWorld, connect
from awm_lib.contracts.run import RunSettings
from awm_lib.contracts.trajectory import Problem, ToolCall, Trajectory, TrialRewards
from awm_lib.errors import AwmError

SHOWN = 400
"""Characters of a result that are printed."""
FAILED = 1


def run_free(settings: RunSettings, instruction: str, url: str, save: Path | None) -> int:
    """Do a task, print calls and answer, and write the trajectory if a file is named; 1 if it could not be ended.

    Raises AwmError if there is no server, or the agent knows only built environments.
    """
    if settings.agent == "oracle":
        raise AwmError("the oracle knows only the tasks of built environments", hint="choose --agent llm --model NAME")
    trial = asyncio.run(_run(settings, instruction, url))
    print()  # noqa: T201
    if trial.failure is not None:
        print(f"not done: {trial.failure.message}")  # noqa: T201
    if trial.reply is not None:
        print(trial.reply)  # noqa: T201
    print(f"\n{len(trial.calls)} calls, {trial.tokens:,} tokens, {trial.seconds:.1f} s")  # noqa: T201
    if save is not None:
        trial.write(save)
        print(f"trajectory: {save}")  # noqa: T201
    return 0 if trial.failure is None else FAILED


async def _run(settings: RunSettings, instruction: str, url: str) -> Trajectory:
    async with connect(url, instruction, _print) as world:
        print(f"{len(world.tools)} tools at {url}")  # noqa: T201
        try:
            ending = await _act(settings, world)
        except Unavailable as error:
            world.notes.problem("infrastructure", error.kind, error.message)
            ending = Ending("error")
        notes = world.notes
        return Trajectory(
            agent=settings.agent,
            model=settings.model,
            instruction=instruction,
            messages=notes.messages,
            turns=notes.turns,
            calls=notes.calls,
            stop=ending.stop,
            reply=ending.reply,
            problems=notes.problems,
            failure=_failure(ending, notes.problems),
            rewards=TrialRewards(masked=True),
        )


async def _act(settings: RunSettings, world: RemoteWorld) -> Ending:
    if not settings.asks_model:
        from awm_lib.agents.noop import NoopAgent
        from awm_lib.agents.random import RandomAgent

        agent: Agent = (
            NoopAgent() if settings.agent == "noop" else RandomAgent(str(settings.seed), settings.random_calls)
        )
        return await agent.act(world)
    from awm_lib.agents.llm import LlmAgent
    from awm_lib.evaluation.asking import asker, open_model
    from awm_lib.llm.ledger import Purpose

    async with open_model(settings) as client:
        return await LlmAgent(asker(client, Purpose("free")), settings).act(world)


def _print(call: ToolCall) -> None:
    print(_line(call), flush=True)  # noqa: T201


def _line(call: ToolCall) -> str:
    text = json.dumps(call.result, ensure_ascii=False)
    shown = text if len(text) <= SHOWN else text[:SHOWN] + f" ... ({len(text):,} characters)"
    return f"{call.turn}. {call.tool}({json.dumps(call.arguments, ensure_ascii=False)})\n   {shown}"


def _failure(ending: Ending, problems: list[Problem]) -> Problem | None:
    if ending.stop == "answered":
        return None
    for problem in problems:
        if problem.error_class == "infrastructure":
            return problem
    return Problem(error_class="agent", kind=ending.stop, message=f"it was stopped: {ending.stop}")
