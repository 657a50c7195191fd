"""trajectory.json: one trial of one task: what was said and done, the final state, the verdict, the rewards."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from awm_lib.contracts.base import Contract
from awm_lib.contracts.names import ScenarioName, TaskId

ErrorClass = Literal["agent", "environment", "infrastructure"]
"""Whose fault something is. Only the agent's counts against the agent."""
Stop = Literal["answered", "turns", "tokens", "seconds", "cost", "cut_off", "refused", "violation", "error"]
"""Why a trial ended: its last reply called no tool, a limit, a reply cut off, a refusal, a step against the format, or
an error that is not the agent's."""


class RowChange(Contract):
    """One row that differs. A call's changes have values as agents see them, the final state has SQLite's."""

    table: str
    kind: Literal["insert", "update", "delete"]
    key: list[Any]
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


class ToolCall(Contract):
    """One tool call, and what came of it."""

    turn: Annotated[int, Field(ge=1)]
    """The reply that made it, from 1."""
    tool: str
    arguments: Any
    """As the agent gave them: an object, or a text that is not one."""
    result: Any
    """The data, or {"error": {"kind", "message"}}."""
    error: str | None = None
    """The error's kind."""
    well_formed: bool = True
    """Whether the tool exists and the arguments keep its published schema."""
    seconds: float | None = None
    changes: list[RowChange] = []
    """The rows that this call changed."""


class Turn(Contract):
    """One reply of a model."""

    seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    """Dollars; null if the model's prices are not known."""
    finish: str | None = None


class Problem(Contract):
    """Something that went wrong on the way, or that the verdict found."""

    error_class: ErrorClass
    kind: str
    """A short name, such as unknown_tool, malformed_call, internal, timeout."""
    message: str
    turn: int | None = None


class Final(Contract):
    """The final state: the clock, and the rows that differ from the initial state, in SQLite's values.

    Bytes and infinite numbers, which JSON lacks, stand as {"bytes": hex} and {"number": text}.
    """

    now: str
    changes: list[RowChange] = []


class TrialVerdict(Contract):
    """What the verifier says of the final state and the answer."""

    result: Literal["complete", "others"]
    partial: float
    evidence: dict[str, Any] = {}


class TrialRewards(Contract):
    """The rewards of a trial; null where an error that is not the agent's masks it."""

    masked: bool
    outcome: float | None = None
    format: float | None = None
    """0 or the penalty: what the step-level format reward adds up to."""


class TaskFacts(Contract):
    """What summaries group by."""

    category: str
    kind: str
    level: str | None = None
    skills: list[str] = []


class Trajectory(Contract):
    """One trial."""

    scenario: ScenarioName | None = None
    """Null for a free text at an MCP address."""
    task: TaskId | None = None
    trial: Annotated[int, Field(ge=1)] = 1
    """Which of the trials of this task, from 1."""
    agent: str
    model: str | None = None
    instruction: str
    facts: TaskFacts | None = None
    world: str = ""
    """Digest of the environment's files that a trial depends on; another one makes the trial stale."""
    judged_by: str = ""
    """Digest of the files that the verdict depends on."""
    messages: list[dict[str, Any]] = []
    """The whole conversation, the history that a window hid included."""
    turns: list[Turn] = []
    calls: list[ToolCall] = []
    stop: Stop
    reply: str | None = None
    """The last reply: what the answer is taken from."""
    problems: list[Problem] = []
    final: Final | None = None
    verdict: TrialVerdict | None = None
    failure: Problem | None = None
    """The one reason why the trial does not count as a success; null for a success."""
    rewards: TrialRewards

    @property
    def complete(self) -> bool:
        """Whether it counts as a success."""
        return self.failure is None

    @property
    def masked(self) -> bool:
        """Whether an error that is not the agent's befell it."""
        return self.rewards.masked

    def met(self, error_class: ErrorClass) -> bool:
        """Whether an error of a class happened."""
        return any(problem.error_class == error_class for problem in self.problems)

    @property
    def tokens(self) -> int:
        """All tokens, of prompts and replies."""
        return sum(turn.prompt_tokens + turn.completion_tokens for turn in self.turns)

    @property
    def cost(self) -> float:
        """Dollars, as far as prices are known."""
        return sum(turn.cost or 0.0 for turn in self.turns)

    @property
    def seconds(self) -> float:
        """Seconds that its replies and calls took."""
        return sum(turn.seconds for turn in self.turns) + sum(call.seconds or 0.0 for call in self.calls)
