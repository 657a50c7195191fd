"""Rewards of a trial. Each is a function of its own, for whoever trains or scores by other means.

Outcome: 1 for a complete task, 0.1 for a part of it and nothing else, 0 otherwise (the scale can be changed). Format,
step by step: a model lists the tools once and first (where the protocol has such a call), calls listed tools only, and
gives arguments that keep their schemas; the first step against this gets -1 and ends the episode in training. A trial
that met an error of the environment or the infrastructure is masked: it gets no reward, and belongs in no gradient.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from awm_lib.contracts.judgement import JudgeVerdict
from awm_lib.contracts.run import RewardScale
from awm_lib.contracts.trajectory import Problem, TrialRewards, TrialVerdict

VIOLATIONS = frozenset({"not_listed", "listed_again", "unknown_tool", "invalid_arguments", "malformed_call"})
"""The kinds of problems that are steps against the format."""


def outcome_reward(verdict: TrialVerdict, scale: RewardScale | None = None) -> float:
    """The reward of a verdict: complete, partial (a share of the expected changes and no other), or none of it."""
    chosen = scale or RewardScale()
    if verdict.result == "complete":
        return chosen.complete
    return chosen.partial if verdict.partial > 0 else chosen.others


def judged_reward(verdict: JudgeVerdict, scale: RewardScale | None = None) -> float | None:
    """The reward of a language model's verdict, as in the paper; None (masked) where it blames the environment."""
    chosen = scale or RewardScale()
    rewards = {"complete": chosen.complete, "incomplete": chosen.partial, "agent_error": chosen.others}
    return rewards.get(verdict)


def first_violation(problems: Iterable[Problem]) -> Problem | None:
    """The first step against the format, if there is one."""
    return next((problem for problem in problems if problem.kind in VIOLATIONS), None)


def format_reward(problems: Iterable[Problem], scale: RewardScale | None = None) -> float:
    """The penalty if a step went against the format, else 0."""
    chosen = scale or RewardScale()
    return chosen.violation if first_violation(problems) else 0.0


def step_rewards(
    turns: int, problems: Sequence[Problem], outcome: float, scale: RewardScale | None = None
) -> list[float]:
    """The reward of each turn, as the paper trains with: 0 on the way, the outcome's at the last turn.

    A step against the format gets the penalty and ends the episode there: neither later turns nor the outcome count.
    """
    violation = first_violation(problems)
    if violation is not None:
        end = min(violation.turn or turns, turns)
        return [0.0] * (end - 1) + [(scale or RewardScale()).violation] if end else []
    return [0.0] * (turns - 1) + [outcome] if turns else []


def is_masked(problems: Iterable[Problem]) -> bool:
    """Whether an error that is not the agent's happened."""
    return any(problem.error_class != "agent" for problem in problems)


def reward(verdict: TrialVerdict | None, problems: Sequence[Problem], scale: RewardScale | None = None) -> TrialRewards:
    """All rewards of a trial. A trial without a verdict is masked: nothing is known of it."""
    if verdict is None or is_masked(problems):
        return TrialRewards(masked=True)
    return TrialRewards(masked=False, outcome=outcome_reward(verdict, scale), format=format_reward(problems, scale))
