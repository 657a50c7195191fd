"""What an agent is, what it is told, and what it leaves behind.

An agent acts in a world: it reads the brief, calls tools, and ends with a reply. Everything that it sees is public; the
oracle alone, which calibrates, looks further.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from awm_lib.contracts.tasks import AnswerForm, User
from awm_lib.contracts.trajectory import ErrorClass, Problem, Stop, ToolCall, Turn
from awm_lib.runtime.results import ToolResult


@dataclass(frozen=True, slots=True)
class Brief:
    """What an agent is told of its task."""

    instruction: str
    now: str | None = None
    """The clock at the start; None where no environment tells it."""
    user: User | None = None
    """For whom it acts; logged in."""
    answer: AnswerForm | None = None
    """The form of the answer that is asked for, if one is."""


@dataclass(frozen=True, slots=True)
class ToolView:
    """A tool as agents see it."""

    name: str
    description: str
    schema: dict[str, Any]
    """JSON Schema of the arguments."""


@dataclass(slots=True)
class Notes:
    """What a trial leaves behind, kept as it comes so that an error loses none of it."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    listed: bool = False
    """Whether the agent has been shown the tools."""
    turn: int = 0
    """The turn that is going on, from 1."""

    def problem(self, error_class: ErrorClass, kind: str, message: str) -> None:
        """Note something that went wrong in this turn."""
        self.problems.append(Problem(error_class=error_class, kind=kind, message=message, turn=self.turn or None))


class World(Protocol):
    """Where an agent acts: an episode in this process, or a server at an address."""

    @property
    def brief(self) -> Brief:
        """The task."""

    @property
    def notes(self) -> Notes:
        """Where its calls are kept."""

    @property
    def tools(self) -> Sequence[ToolView]:
        """The tools that there are."""

    async def call(self, tool: str, arguments: Any) -> ToolResult:
        """Call a tool, and note the call. What an agent does wrong is a result with an error."""

    def sample(self, tool: str, chance: random.Random) -> dict[str, Any]:
        """Some arguments that a tool's schema accepts."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an agent ended."""

    stop: Stop
    reply: str | None = None
    """The last reply, which the answer is taken from."""


class Agent(Protocol):
    """Something that acts in a world until it is done, or may not go on."""

    async def act(self, world: World) -> Ending:
        """Do the task. Raises Unavailable if what the agent needs does not answer."""


class Unavailable(Exception):
    """What an agent needs to act does not answer: the infrastructure's fault, after all retries."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
