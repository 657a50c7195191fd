"""Characters that a scripted model server plays over whole trials, in both protocols.

A character says what to do in each turn; ``script`` turns that into replies of the protocol that a request is in. Which
task a request is about is found in its messages, as a model would.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from awm_lib.contracts.oracle import Oracle
from awm_lib.contracts.tasks import Tasks
from awm_lib.oracles.replay import answer_text
from awm_lib.runtime import Environment
from tests.llmserver import Body, Reply, Script, failure
from tests.servers import arguments

CallOf = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Known:
    """A task as a character knows it: the oracle's calls and the answer."""

    id: str
    instruction: str
    calls: list[CallOf]
    answer: str | None

    @property
    def ending(self) -> str:
        """A last reply that is right."""
        return "Done." if self.answer is None else f"It is <answer>{self.answer}</answer>."


@dataclass
class Step:
    """What a character does in a turn: calls, a text, a text where arguments belong, or an HTTP error."""

    calls: Sequence[CallOf] = ()
    text: str = ""
    raw: str | None = None
    """In place of the first call's arguments."""
    delay: float = 0.0
    error: Reply | None = None
    refusal: str | None = None


Character = Callable[[Known, int], Step]
"""Task and turn (from 0, a listing of tools apart) -> step."""


def known_tasks(home: Path) -> list[Known]:
    """The tasks of a built environment."""
    solutions = {item.task: item for item in Oracle.read(home / "oracle.json").solutions}
    return [
        Known(
            task.id,
            task.instruction,
            [(call.tool, arguments(call)) for call in solutions[task.id].calls],
            answer_text(solutions[task.id].answer.value) if solutions[task.id].answer else None,  # type: ignore[union-attr]
        )
        for task in Tasks.read(home / "tasks.json").tasks
    ]


def two_writes(home: Path) -> str:
    """A task that begins with a look around and ends with the last of several changes, and of which a part is a part.

    That is, its verifier gives credit for all calls but the last.
    """
    env = Environment.load(home)
    for item in env.oracle.solutions:
        writes = [env.tools[call.tool].writes for call in item.calls]
        if sum(writes) > 1 and not writes[0] and writes[-1] and not any(call.refused for call in item.calls):
            episode = env.start(item.task)
            for call in item.calls[:-1]:
                episode.call(call.tool, arguments(call))
            if 0 < episode.verify("Done.").partial < 1:
                return item.task
    raise AssertionError("no task takes two changes")


def harm(home: Path, task: str) -> CallOf:
    """A write that has no place in a task: one of another task's solution."""
    env = Environment.load(home)
    known = {item.id: item for item in known_tasks(home)}
    for other in known.values():
        for call in other.calls:
            if other.id != task and env.tools[call[0]].writes:
                episode = env.start(task)
                before = len(episode.changes())
                done = episode.call(*call)
                if done.ok and len(episode.changes()) > before:
                    for step in known[task].calls:
                        episode.call(*step)
                    if episode.verify(known[task].ending).evidence["unexpected"]:
                        return call
    raise AssertionError("no write does harm")


def solver(task: Known, turn: int) -> Step:
    """Follows the oracle's calls."""
    return Step([task.calls[turn]]) if turn < len(task.calls) else Step(text=task.ending)


def half(task: Known, turn: int) -> Step:
    """Stops before the last call."""
    return Step([task.calls[turn]]) if turn < len(task.calls) - 1 else Step(text="Done.")


def stranger(task: Known, turn: int) -> Step:
    """Calls tools that do not exist."""
    return Step([("summon_genie", {"wish": turn})]) if turn < 3 else Step(text="Done.")


def garbler(task: Known, turn: int) -> Step:
    """Sends broken JSON."""
    return Step([(task.calls[0][0], {})], raw='{"id": 1, "name": ') if turn < 3 else Step(text="Done.")


def talker(task: Known, turn: int) -> Step:
    """Answers without acting."""
    return Step(text="I have done all of it for you. <answer>everything</answer>")


def looper(task: Known, turn: int) -> Step:
    """Does the same over and over."""
    return Step([task.calls[0]])


def slow(task: Known, turn: int) -> Step:
    """Thinks for long before each call."""
    return Step([task.calls[0]], delay=0.25)


def refuser(task: Known, turn: int) -> Step:
    """Refuses."""
    return Step(refusal="I cannot help with that.")


def overloaded(task: Known, turn: int) -> Step:
    """Has no time for anybody."""
    return Step(error=failure(429, "slow down", retry_after="0.05"))


def broken(task: Known, turn: int) -> Step:
    """Fails inside."""
    return Step(error=failure(500, "out of memory"))


def vandal(extra: CallOf) -> Character:
    """Solves the task, and writes where it should not."""

    def step(task: Known, turn: int) -> Step:
        return Step([extra]) if turn == 0 else solver(task, turn - 1)

    return step


@dataclass
class Flaky:
    """Solves the task, though each request fails twice first, with 429 and with 500."""

    failed: dict[tuple[str, int], int] = field(default_factory=dict)

    def __call__(self, task: Known, turn: int) -> Step:
        """429, then 500, then what the solver does."""
        times = self.failed[task.id, turn] = self.failed.get((task.id, turn), 0) + 1
        if times == 1:
            return Step(error=failure(429, "slow down", retry_after="0.01"))
        if times == 2:
            return Step(error=failure(500))
        del self.failed[task.id, turn]  # whoever asks next meets the same
        return solver(task, turn)


def script(home: Path, characters: dict[str, Character]) -> Script:
    """The script of a server on which each character is a model of its name."""
    tasks = [task for path in ([home] if (home / "tasks.json").is_file() else sorted(home.iterdir()))
             if (path / "oracle.json").is_file() for task in known_tasks(path)]  # fmt: skip
    tasks.sort(key=lambda task: -len(task.instruction))

    def answer(body: Body) -> Reply:
        said = [message for message in body["messages"] if message["role"] == "assistant"]
        prompt = next(message["content"] for message in body["messages"] if message["role"] == "user")
        task = next(task for task in tasks if prompt.startswith(task.instruction))
        character = characters[body["model"]]
        if "tools" in body:
            return native(character(task, len(said)))
        if not said:
            return meta(Step([("list_tools", {})]))
        return meta(character(task, len(said) - 1))

    return answer


def native(step: Step) -> Reply:
    """A step by function calling."""
    if step.error is not None:
        return step.error
    calls = [{"name": name, "arguments": given} for name, given in step.calls]
    reply = Reply(step.text, tool_calls=calls or None, delay=step.delay, refusal=step.refusal)
    if step.raw is not None:
        made = {"id": "call_0", "type": "function", "function": {"name": calls[0]["name"], "arguments": step.raw}}
        message = {"role": "assistant", "content": None, "tool_calls": [made]}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        reply.body = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
    return reply


def meta(step: Step) -> Reply:
    """A step in <tool_call> blocks."""
    if step.error is not None:
        return step.error
    text = step.text
    for name, given in step.calls:
        inner: dict[str, Any] = {"name": name, "arguments": None}
        if name != "list_tools":
            text_arguments = step.raw if step.raw is not None else json.dumps(given)
            inner = {"name": "call_tool", "arguments": {"tool_name": f"mcp_tool_{name}", "arguments": text_arguments}}
        text += f"<think>so</think>\n<tool_call>\n{json.dumps(inner)}\n</tool_call>"
    return Reply(text, delay=step.delay, refusal=step.refusal)
