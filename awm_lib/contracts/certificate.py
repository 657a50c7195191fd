"""certificate.json: what was executed to show that an environment's tasks can be trusted, and what came out."""

from __future__ import annotations

from typing import Literal

from awm_lib.contracts.base import Contract
from awm_lib.contracts.names import ScenarioName, TaskId
from awm_lib.contracts.oracle import Revision

CheckName = Literal["schema", "tools", "oracle", "no_op", "accepts", "mutants", "grounded", "unique", "load_bearing"]
Status = Literal["passed", "failed", "not_shown"]


class Check(Contract):
    """One check's outcome."""

    check: CheckName
    status: Status
    findings: list[str] = []
    """What failed, or why nothing is shown."""


class Runs(Contract):
    """Runs of one family, of variants or of mutants."""

    family: str
    made: int
    passed: int
    """Variants accepted; mutants killed."""
    equivalent: int = 0
    """Mutants that leave the same rows and the same answer as the oracle does."""


class Difficulty(Contract):
    """How much a task asks of an agent, from its oracle."""

    calls: int
    tools: int
    """Distinct tools."""
    tables: int
    """Tables that its calls read or write."""
    branches: int
    """Refused calls and stated conditions."""
    selections: int
    """Choices among candidates ("the cheapest ...")."""
    score: float
    """All of these in points (``awm_lib.oracles.difficulty``)."""
    level: Literal["easy", "middle", "hard"]


class Solved(Contract):
    """How a model fared that saw only the instruction and the tools."""

    model: str
    attempts: int
    """Those in which the endpoint replied."""
    answered: int
    """Attempts in which the model thought that it was done."""
    complete: int
    """Attempts that the verifier accepts; the share of ``answered`` is the agreement of model and verifier."""


class TaskCertificate(Contract):
    """The proof of one task."""

    task: TaskId
    passed: bool
    difficulty: Difficulty
    checks: list[Check]
    variants: list[Runs]
    mutants: list[Runs]
    survivors: list[str] = []
    """Mutants that were judged complete though they are not equivalent."""
    solved: Solved | None = None
    """Independent solving, if it was asked for."""


class FileDigest(Contract):
    """A file that the certificate is about."""

    file: str
    sha256: str


class Counts(Contract):
    """Sizes of the environment."""

    tables: int
    rows: int
    tools: int
    business_tools: int
    """Tools written as programs with rules or several statements; neither shorthand nor a single query."""
    tasks: int
    fuzz_calls: int
    internal_errors: int
    variants: int
    variants_accepted: int
    mutants: int
    mutants_killed: int
    mutants_equivalent: int


class Certificate(Contract):
    """The proof of one environment."""

    scenario: ScenarioName
    passed: bool
    reasons: list[str] = []
    """Why it did not pass."""
    checks: list[Check]
    """The checks of the environment as a whole: schema and tools."""
    tasks: list[TaskCertificate]
    counts: Counts
    files: list[FileDigest]
    content_digest: str
    """Of the seed's rows in order; equal under every SQLite version."""
    sqlite_version: str
    recipe: str
    """The hash of what the checks themselves depend on."""
    revisions: list[Revision] = []
    """Tasks that a language model had to word anew, replace or leave out before they could be proven, and why."""
    for_review: list[str] = []
    """Tasks that no independent attempt solved; a person should look at them. They do not fail the certificate."""
