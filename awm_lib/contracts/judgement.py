"""judgements.jsonl: what a language model says of stored trials."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from awm_lib.contracts.base import Contract
from awm_lib.contracts.names import ScenarioName, TaskId

JudgeVerdict = Literal["complete", "incomplete", "server_error", "agent_error"]


class Vote(Contract):
    """One reply of the judge. This is the structure that it is asked for."""

    reasoning: str
    """What speaks for the verdict, in a few sentences."""
    verdict: JudgeVerdict
    """complete: all that was asked for is done, and nothing else. incomplete: a part of it is. server_error: tools or
    environment kept the agent from it. agent_error: the agent did something else, or nothing."""
    confidence: Annotated[float, Field(ge=0, le=1)]
    """How sure the judge is."""


class Judgement(Contract):
    """The votes on one trial."""

    scenario: ScenarioName
    task: TaskId
    trial: int
    world: str
    """Digest of the environment's files that the trial depends on."""
    model: str
    verdict: JudgeVerdict
    """What most votes say; on a tie, the one with more confidence."""
    confidence: float
    """The mean confidence of the votes for it."""
    unanimous: bool
    votes: list[Vote]
    code_complete: bool
    """What the verifier says."""
