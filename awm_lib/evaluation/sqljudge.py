"""The judge that is a language model: it reads a trial and the evidence that code computed, and votes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import Any

from pydantic import ValidationError

from awm_lib.contracts.judgement import Judgement, Vote
from awm_lib.contracts.run import RunSettings
from awm_lib.contracts.trajectory import Trajectory
from awm_lib.errors import AwmError
from awm_lib.evaluation.asking import open_model
from awm_lib.evaluation.judgements import settle
from awm_lib.llm.chat import ChatRequest, OutputSchema
from awm_lib.llm.client import Client
from awm_lib.llm.errors import UnusableReply
from awm_lib.llm.ledger import Purpose

MAX_RESULT = 2_000
"""Characters of one result that the judge reads."""
MAX_CALLS = 40_000
"""Characters of all calls that it reads; the middle of a longer trial is left out."""
MAX_EVIDENCE = 12_000
SPARE = 2
"""More requests than votes that are made where a reply is not one."""


async def judge_trials(
    trials: Sequence[Trajectory], judge: RunSettings, votes: int, done: Callable[[], None]
) -> tuple[list[Judgement], int]:
    """Judge trials by so many votes each; also the number of trials of which no vote could be had.

    Votes are kept for all later requests, so the same command goes on where it stopped, for free. Raises AwmError if
    the endpoint does not answer.
    """
    gate = asyncio.Semaphore(judge.concurrency)
    async with open_model(judge, keep=True) as client:

        async def one(trial: Trajectory) -> Judgement | None:
            async with gate:
                found = await _votes(client, trial, judge, votes)
            done()
            return _judgement(trial, client.endpoint.model, found) if found else None

        tasks = [asyncio.create_task(one(trial)) for trial in trials]
        try:
            judged = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
    found = [item for item in judged if item is not None]
    return found, len(trials) - len(found)


async def _votes(client: Client, trial: Trajectory, judge: RunSettings, votes: int) -> list[Vote]:
    request = ChatRequest(
        messages=[
            {"role": "system", "content": instructions()},
            {"role": "user", "content": case(trial)},
        ],
        output=OutputSchema("vote", _schema()),
        temperature=judge.temperature,
        max_tokens=judge.max_tokens,
    )
    purpose = Purpose("judge", str(trial.scenario), f"{trial.task}-{trial.trial}")
    found: list[Vote] = []
    for sample in range(votes + SPARE):
        if len(found) == votes:
            break
        reply = await client.send(request, purpose, sample=sample)
        try:
            found.append(read_vote(reply.usable_text()))
        except (UnusableReply, ValueError):
            continue
    return found


def read_vote(text: str) -> Vote:
    """A reply as a vote. Raises ValueError if it is none."""
    start, end = text.find("{"), text.rfind("}")
    try:
        return Vote.model_validate_json(text[start : end + 1])
    except ValidationError as error:
        raise ValueError(str(error)) from None


def _judgement(trial: Trajectory, model: str, votes: list[Vote]) -> Judgement:
    verdict, confidence = settle(votes)
    return Judgement(
        scenario=str(trial.scenario),
        task=str(trial.task),
        trial=trial.trial,
        world=trial.world,
        model=model,
        verdict=verdict,
        confidence=confidence,
        unanimous=len({vote.verdict for vote in votes}) == 1,
        votes=votes,
        code_complete=trial.verdict is not None and trial.verdict.result == "complete",
    )


def case(trial: Trajectory) -> str:
    """What the judge reads of a trial."""
    parts = [f"# Task\n\n{trial.instruction}"]
    lines = [
        f"{number}. {call.tool}({_text(call.arguments, MAX_RESULT)})\n   -> {_text(call.result, MAX_RESULT)}"
        for number, call in enumerate(trial.calls, 1)
    ]
    parts.append(f"# Calls\n\n{_shortened(lines) if lines else 'The agent called no tool.'}")
    parts.append(f"# Last reply\n\n{_cut(trial.reply or 'There is none.', MAX_RESULT)}")
    if trial.stop != "answered":
        parts.append(f"# End\n\nThe agent was stopped: {trial.stop}.")
    evidence = dict(trial.verdict.evidence) if trial.verdict else {}
    if trial.final is not None:
        evidence["rows_changed"] = [change.plain() for change in trial.final.changes]
    parts.append(f"# Evidence\n\n{_text(evidence, MAX_EVIDENCE)}")
    return "\n\n".join(parts)


def _shortened(lines: list[str]) -> str:
    """The calls, without those in the middle if they are too long together."""
    kept, size = list(lines), sum(map(len, lines))
    left_out = 0
    while size > MAX_CALLS and len(kept) > 2:
        size -= len(kept.pop(len(kept) // 2))
        left_out += 1
    if left_out:
        kept.insert((len(kept) + 1) // 2, f"({left_out} calls are left out here)")
    return "\n".join(kept)


def _text(value: Any, most: int) -> str:
    return _cut(json.dumps(value, ensure_ascii=False), most)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]} ... ({len(text):,} characters in all)"


@cache
def instructions() -> str:
    """What the judge is told."""
    return resources.files("awm_lib.evaluation").joinpath("prompts", "judge.txt").read_text(encoding="utf-8").strip()


@cache
def _schema() -> dict[str, Any]:
    """A vote as a strict JSON Schema. Bounds of numbers are left out: not all endpoints take them."""
    schema = Vote.model_json_schema()
    for name, part in schema["properties"].items():
        schema["properties"][name] = {key: part[key] for key in ("type", "enum") if key in part}
    return {
        "type": "object",
        "properties": schema["properties"],
        "required": list(schema["properties"]),
        "additionalProperties": False,
    }


def demand_votes(votes: int) -> None:
    """Raise AwmError for a number of votes that makes no sense."""
    if not 1 <= votes <= 99:
        raise AwmError(f"{votes} votes make no judgement", hint="give --votes 1 to 99; an odd number has no ties")
