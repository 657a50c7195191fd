"""What a summary needs of a trial, and nothing else: ten thousand of them fit in memory."""

from __future__ import annotations

from typing import NamedTuple

from awm_lib.contracts.trajectory import Trajectory


class Outcome(NamedTuple):
    """One trial, in short."""

    scenario: str
    task: str
    trial: int
    complete: bool
    masked: bool
    partial: float
    failure_class: str | None
    failure: str | None
    """The failure's kind."""
    stop: str
    turns: int
    calls: int
    tools: tuple[str, ...]
    """Distinct tools that it called."""
    tokens: int
    cost: float
    seconds: float
    reward: float | None
    format_reward: float | None
    category: str
    kind: str
    level: str | None
    skills: tuple[str, ...]

    @classmethod
    def of(cls, trial: Trajectory) -> Outcome:
        """In short."""
        facts, failure = trial.facts, trial.failure
        return cls(
            scenario=str(trial.scenario),
            task=str(trial.task),
            trial=trial.trial,
            complete=trial.complete,
            masked=trial.masked,
            partial=trial.verdict.partial if trial.verdict else 0.0,
            failure_class=failure.error_class if failure else None,
            failure=failure.kind if failure else None,
            stop=trial.stop,
            turns=len(trial.turns),
            calls=len(trial.calls),
            tools=tuple(sorted({call.tool for call in trial.calls if call.error != "unknown_tool"})),
            tokens=trial.tokens,
            cost=trial.cost,
            seconds=trial.seconds,
            reward=trial.rewards.outcome,
            format_reward=trial.rewards.format,
            category=facts.category if facts else "",
            kind=facts.kind if facts else "",
            level=facts.level if facts else None,
            skills=tuple(facts.skills) if facts else (),
        )
