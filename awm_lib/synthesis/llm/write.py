"""What ``awm write`` does for each stage: read what is there, take the pinned file or ask, write the stage's files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from awm_lib.compile.database import build_database
from awm_lib.contracts.base import Contract
from awm_lib.contracts.oracle import Oracle, Revision
from awm_lib.contracts.scenario import Scenario
from awm_lib.contracts.seed import Seed
from awm_lib.contracts.spec import Spec
from awm_lib.contracts.tasks import Tasks
from awm_lib.errors import SynthesisError
from awm_lib.llm.client import Client
from awm_lib.llm.ledger import Purpose
from awm_lib.outputs import pinned, write_output
from awm_lib.runtime.database import read_image
from awm_lib.synthesis.llm.repair import ask, must
from awm_lib.synthesis.llm.rows import RowsStage
from awm_lib.synthesis.llm.schema import SchemaStage
from awm_lib.synthesis.llm.solutions import ReplacementStage, SolutionsStage, World
from awm_lib.synthesis.llm.tasks import TasksStage
from awm_lib.synthesis.llm.tools import ToolsStage
from awm_lib.textfile import read_text


@dataclass(frozen=True, slots=True)
class Job:
    """One stage of one environment."""

    home: Path
    overrides: Path
    stage: str

    @property
    def scenario(self) -> Scenario:
        """The scenario. Raises ContractError."""
        return Scenario.read(self.home / "scenario.json")

    @property
    def draft(self) -> Tasks:
        """The drafted tasks. Raises ContractError."""
        return Tasks.read(self.home / "draft.json")

    @property
    def purpose(self) -> Purpose:
        """For the ledger."""
        return Purpose(self.stage, self.home.name)

    def pin(self, name: str, contract: type[Contract] | None = None) -> bytes | None:
        """The content of a pinned file, checked; None if there is none."""
        found = pinned(self.home / name, self.overrides)
        if found is None:
            return None
        if contract is not None:
            contract.read(found)
        return found.read_bytes()

    def write(self, name: str, data: bytes) -> None:
        """Write one of the environment's files."""
        write_output(self.home / name, data)


Ask = Callable[[Callable[[Client], Awaitable[None]]], None]
"""Runs a function with a client; the client is only opened for those who need one."""


def write_tasks(job: Job, with_client: Ask) -> None:
    """draft.json."""
    kept = job.pin("tasks.json", Tasks)
    if kept is not None:
        job.write("draft.json", kept)
        return
    stage = TasksStage(job.scenario)
    with_client(lambda client: must(client, stage, job.purpose, client.settings.attempts))
    assert stage.result is not None
    job.write("draft.json", stage.result.encode())


def write_schema(job: Job, with_client: Ask) -> None:
    """schema.sql."""
    kept = job.pin("schema.sql")
    if kept is not None:
        job.write("schema.sql", kept)
        return
    stage = SchemaStage(job.scenario, job.draft)
    with_client(lambda client: must(client, stage, job.purpose, client.settings.attempts))
    assert stage.result is not None
    job.write("schema.sql", stage.result.encode())


def write_rows(job: Job, with_client: Ask) -> None:
    """seed.json."""
    kept = job.pin("seed.json", Seed)
    if kept is not None:
        job.write("seed.json", kept)
        return
    stage = RowsStage(job.scenario, job.draft, read_text(job.home / "schema.sql"))
    with_client(lambda client: must(client, stage, job.purpose, client.settings.attempts))
    assert stage.result is not None
    build_database(stage.schema, stage.result)
    job.write("seed.json", stage.result.encode())


def write_tools(job: Job, with_client: Ask) -> None:
    """spec.json."""
    kept = job.pin("spec.json", Spec)
    if kept is not None:
        job.write("spec.json", kept)
        return
    image = read_image(job.home / "seed.sqlite")
    stage = ToolsStage(job.scenario, job.draft, read_text(job.home / "schema.sql"), image)
    with_client(lambda client: must(client, stage, job.purpose, client.settings.attempts))
    assert stage.result is not None
    job.write("spec.json", stage.result.encode())


def write_solutions(job: Job, with_client: Ask) -> None:
    """tasks.json and oracle.json."""
    tasks, oracle = job.pin("tasks.json", Tasks), job.pin("oracle.json", Oracle)
    if oracle is not None:
        job.write("tasks.json", tasks or job.draft.encode())
        job.write("oracle.json", oracle)
        return
    home = job.home
    world = World(
        job.scenario, job.draft, read_text(home / "schema.sql"), Seed.read(home / "seed.json"),
        Spec.read(home / "spec.json"), read_image(home / "seed.sqlite"),
    )  # fmt: skip
    stage = SolutionsStage(world, fixed=tasks is not None)
    dropped: list[Revision] = []

    async def solve(client: Client) -> None:
        dropped.extend(await prove_all(client, stage, job.purpose))

    with_client(solve)
    made, solved = stage.finish(dropped)
    job.write("tasks.json", tasks or made.encode())
    job.write("oracle.json", solved.encode())


async def prove_all(client: Client, stage: SolutionsStage, purpose: Purpose) -> list[Revision]:
    """Have every task proven, or replaced, or dropped, as configured; the revisions of those that were dropped.

    Raises SynthesisError if too few are left, or one is not proven and must be kept.
    """
    settings = client.settings
    await ask(client, stage, purpose, settings.attempts)
    if stage.problems and settings.on_unproven == "replace" and not stage.fixed:
        await ask(client, ReplacementStage(stage), Purpose("replace", purpose.scenario), settings.attempts)
    dropped = [
        Revision(task=name, what="dropped", reason=" ".join(problems[0].split())[:300])
        for name, problems in stage.problems.items()
    ]
    fewest = len(stage.world.draft.tasks) if settings.on_unproven == "keep" else settings.min_tasks
    fewest = min(fewest, len(stage.world.draft.tasks))
    if len(stage.proven) < fewest:
        listed = "\n".join(f"  {item.task}: {item.reason}" for item in dropped)
        raise SynthesisError(
            f"{purpose.label}: {len(stage.proven)} tasks are proven, {fewest} are needed; not proven are:\n{listed}",
            hint="raise llm.attempts to go on from here, lower llm.min_tasks, or choose a stronger model",
        )
    return dropped


STAGES: dict[str, Callable[[Job, Ask], None]] = {
    "tasks": write_tasks,
    "schema": write_schema,
    "rows": write_rows,
    "tools": write_tools,
    "solutions": write_solutions,
}
"""Stage -> the function that writes its files."""
