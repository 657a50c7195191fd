"""The one reason why a trial is not a success, and whose fault that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from awm_lib.contracts.trajectory import Problem, Stop, ToolCall, TrialVerdict

LIMITS: dict[str, tuple[str, str]] = {
    "tokens": ("token_limit", "it used up the tokens of a trial"),
    "seconds": ("time_limit", "its replies took longer than a trial may"),
    "cost": ("cost_limit", "it used up the money of a trial"),
    "cut_off": ("cut_off", "its reply was cut off at the limit of a reply's length"),
    "refused": ("refused", "the model, or the filter of its endpoint, refused to reply"),
    "violation": ("violation", "a step went against the format, which ends an episode here"),
}
REPEATS = 3
"""So many equal calls at the end make a loop."""


def failure(
    stop: Stop, problems: Sequence[Problem], calls: Sequence[ToolCall], verdict: TrialVerdict | None
) -> Problem | None:
    """Why a trial is not a success; None if it is one.

    Errors of the infrastructure and the environment come first, whatever the verdict: they count for nobody. A step
    against the format that ended the episode is a failure too. Then the verdict decides; of a failed agent, what it did
    last or never did is told, from the limit that it ran into to the wrong answer.
    """
    for error_class in ("infrastructure", "environment"):
        found = next((problem for problem in problems if problem.error_class == error_class), None)
        if found is not None:
            return found
    if verdict is None:
        return Problem(error_class="environment", kind="unjudged", message="there is no verdict")
    if "unproven" in verdict.evidence:
        return Problem(error_class="environment", kind="unproven", message=str(verdict.evidence["unproven"]))
    if verdict.result == "complete" and stop != "violation":
        return None
    return _agents(stop, problems, calls, verdict.evidence)


def _agents(stop: Stop, problems: Sequence[Problem], calls: Sequence[ToolCall], evidence: dict[str, Any]) -> Problem:
    def blame(kind: str, message: str) -> Problem:
        return Problem(error_class="agent", kind=kind, message=message)

    if stop in LIMITS:
        return blame(*LIMITS[stop])
    if stop == "turns":
        if _loops(calls):
            return blame("loop", f"it called {calls[-1].tool} with the same arguments until its turns were used up")
        if all(problem.kind == "malformed_call" for problem in problems) and problems and not calls:
            return problems[-1]
        return blame("turn_limit", "it used up the turns of a trial")
    if evidence.get("unexpected"):
        tables = sorted({str(change["table"]) for change in evidence["unexpected"]})
        return blame("side_effect", f"it changed rows that it should not have: {', '.join(tables)}")
    succeeded = any(call.error is None for call in calls)
    if not succeeded:
        mistaken = [problem for problem in problems if problem.error_class == "agent"]
        if mistaken:
            return mistaken[-1]
    if not calls:
        return blame("no_action", "it called no tool")
    if evidence.get("missing"):
        count, wanted = len(evidence["missing"]), len(evidence.get("expected", []))
        return blame("incomplete", f"{count} of {wanted} expected changes are missing")
    if evidence.get("goal") is False:
        return blame("goal_missed", "the goal does not hold")
    answer = evidence.get("answer") or {}
    if not answer.get("submitted"):
        return blame("no_answer", "it submitted no answer")
    return blame("wrong_answer", "the answer is not the expected one")


def _loops(calls: Sequence[ToolCall]) -> bool:
    last = calls[-REPEATS:]
    return len(last) == REPEATS and all(
        (call.tool, call.arguments) == (last[0].tool, last[0].arguments) for call in last
    )
