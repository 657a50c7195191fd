"""Stage solutions: for each task the calls that solve it, executed, resolved and certified before they are accepted.

A task whose proof fails goes back with exact findings. Past the attempts it is replaced or dropped, as configured, and
oracle.json says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import ValidationError

from awm_lib.certify.tasks import certify_task
from awm_lib.contracts.base import explain
from awm_lib.contracts.oracle import (
    Alternative,
    Call,
    Expect,
    ExpectedAnswer,
    History,
    Oracle,
    Revision,
    Selection,
    Solution,
    TextRule,
)
from awm_lib.contracts.scenario import Scenario
from awm_lib.contracts.seed import Seed
from awm_lib.contracts.spec import Spec
from awm_lib.contracts.tasks import Task, Tasks
from awm_lib.errors import AwmError
from awm_lib.llm.chat import ChatRequest
from awm_lib.llm.strict import output_schema, parse_reply
from awm_lib.oracles.proof import prove
from awm_lib.runtime.environment import Environment
from awm_lib.synthesis.llm.calls import read_call
from awm_lib.synthesis.llm.listing import rows_text, schema_text, tasks_text, tools_text
from awm_lib.synthesis.llm.prompts import messages, render
from awm_lib.synthesis.llm.replies import CallReply, ReplacementsReply, SolutionReply, SolutionsReply
from awm_lib.synthesis.llm.tasks import task_of, task_problems

MAX_PER_TASK = 4
"""Findings that are told of one task."""


@dataclass(slots=True)
class Proven:
    """A task with its certified solution."""

    task: Task
    solution: Solution
    revision: Revision | None = None


@dataclass(slots=True)
class World:
    """What solutions are proposed for."""

    scenario: Scenario
    draft: Tasks
    schema: str
    seed: Seed
    spec: Spec
    image: bytes
    environment: Environment = field(init=False)

    def __post_init__(self) -> None:
        self.environment = Environment(self.scenario, self.draft, self.spec, self.image)


class SolutionsStage:
    """Asks for solutions; ``proven`` has the tasks that are certified, ``problems`` what is wrong with the others."""

    again = "Give only the solutions of these tasks, each whole; the others are proven."

    def __init__(self, world: World, *, fixed: bool = False) -> None:
        """``fixed`` tasks (pinned by a person) keep their wording."""
        self.world = world
        self.fixed = fixed
        self.proven: dict[str, Proven] = {}
        self.problems: dict[str, list[str]] = {task.id: ["no solution was given"] for task in world.draft.tasks}
        self._history: list[History] = []

    def request(self) -> ChatRequest:
        """The first request."""
        return self._request("solutions", None)

    def correction(self, findings: list[str]) -> ChatRequest:
        """A correction gives the solutions of the tasks that are not proven yet."""
        return self._request("solutions", list(self.problems))

    def _request(self, stage: str, only: list[str] | None) -> ChatRequest:
        world = self.world
        shown = messages(
            stage, scenario=world.scenario, tasks=tasks_text(world.draft, only), schema=schema_text(world.schema),
            tools=tools_text(world.environment.tools.values()), rows=rows_text(world.seed), fixed=self.fixed,
        )  # fmt: skip
        return ChatRequest(shown, output_schema(SolutionsReply))

    def judge(self, text: str) -> list[str]:
        """What is wrong with a reply: each solution is run and certified."""
        reply = parse_reply(SolutionsReply, text)
        known = {task.id: task for task in self.world.draft.tasks}
        if reply.history:
            self._history = [History(table=item.table, reason=item.reason[:400]) for item in reply.history
                             if item.table in self.world.environment.schema]  # fmt: skip
        for item in reply.solutions:
            if item.task in known and item.task not in self.proven:
                self._judge_one(known[item.task], item)
        return self._told()

    def _told(self) -> list[str]:
        order = [task.id for task in self.world.draft.tasks if task.id in self.problems]
        return [f"{name}: {problem}" for name in order for problem in self.problems[name][:MAX_PER_TASK]]

    def _judge_one(self, task: Task, reply: SolutionReply) -> None:
        revision = None
        try:
            if reply.instruction and reply.instruction.strip() != task.instruction:
                if self.fixed:
                    self.problems[task.id] = ["its wording is fixed by a person; leave instruction null"]
                    return
                reason = self.problems[task.id][0] if task.id in self.problems else "the data"
                task = Task.model_validate({**task.model_dump(), "instruction": reply.instruction})
                revision = Revision(task=task.id, what="reworded", reason=_line(reason))
            solution = solution_of(task, reply, self._history)
        except (ValidationError, AwmError) as error:
            self.problems[task.id] = [_plain(error)]
            return
        self.settle(task, solution, revision)

    def settle(self, task: Task, solution: Solution, revision: Revision | None) -> None:
        """Certify a task's solution: it is proven from then on, or has problems."""
        problems = [*task_problems(task), *_missing(task, solution)]
        resolved = None
        if not problems:
            resolved, problems = certified(self.world, task, solution)
        if resolved is not None and not problems:
            self.proven[task.id] = Proven(task, resolved, revision)
            self.problems.pop(task.id, None)
        else:
            self.problems[task.id] = problems

    def finish(self, dropped: list[Revision]) -> tuple[Tasks, Oracle]:
        """tasks.json and oracle.json of what is proven, in the draft's order."""
        order = [task.id for task in self.world.draft.tasks if task.id in self.proven]
        chosen = [self.proven[name] for name in order]
        revisions = [item.revision for item in chosen if item.revision is not None]
        tasks = self.world.draft.model_copy(update={"tasks": [item.task for item in chosen]})
        oracle = Oracle(
            scenario=self.world.scenario.name,
            solutions=[item.solution for item in chosen],
            revisions=sorted([*revisions, *dropped], key=lambda item: item.task),
        )
        return tasks, oracle


class ReplacementStage:
    """Asks for other tasks in place of those that could not be proven."""

    again = "Give only the tasks that are still missing, as many as are named above."

    def __init__(self, solutions: SolutionsStage) -> None:
        self.solutions = solutions
        self.failed = {name: list(problems) for name, problems in solutions.problems.items()}

    def request(self) -> ChatRequest:
        """The request: everything that solutions are made from, and why the old tasks failed."""
        base = self.solutions.request()
        proven = [item.task for item in self.solutions.proven.values()]
        text = render("solutions.replace", failed=self.failed, count=len(self.solutions.problems), proven=proven)
        asked = base.following({"role": "user", "content": text})
        return ChatRequest(asked.messages, output_schema(ReplacementsReply))

    def correction(self, findings: list[str]) -> ChatRequest:
        """A correction asks for what is still missing."""
        return self.request()

    def judge(self, text: str) -> list[str]:
        """What is wrong with a reply; each new task takes the place of the next one that failed."""
        reply = parse_reply(ReplacementsReply, text)
        stage = self.solutions
        for name, item in zip(list(stage.problems), reply.tasks, strict=False):
            revision = Revision(task=name, what="replaced", reason=_line(self.failed[name][0]))
            try:
                task = task_of(name, item)
                solution = solution_of(task, item.solution, stage._history)
            except (ValueError, AwmError) as error:
                stage.problems[name] = [_plain(error)]
                continue
            stage.settle(task, solution, revision)
        return stage._told()


def _missing(task: Task, solution: Solution) -> list[str]:
    """What a task of its kind cannot do without."""
    found = []
    if task.kind != "question" and solution.goal is None:
        found.append(f"a task of kind {task.kind!r} needs a goal")
    if task.answer is not None and solution.answer is None:
        found.append(f"a task of kind {task.kind!r} needs an answer, with source and sql")
    return found


def certified(world: World, task: Task, solution: Solution) -> tuple[Solution | None, list[str]]:
    """A solution with its values resolved, and what keeps it from being proven: first run, then every check."""
    first = prove(world.environment, task, solution)
    if first.solution is None:
        return None, first.problems
    tasks = world.draft.model_copy(update={"tasks": [task]})
    oracle = Oracle(scenario=world.scenario.name, solutions=[first.solution])
    environment = Environment(world.scenario, tasks, world.spec, world.image, oracle=oracle)
    certificate = certify_task(environment, task, first.solution, world.scenario.name)
    problems = [
        f"{check.check}: {finding}"
        for check in certificate.checks
        if check.status == "failed" and check.check != "mutants"
        for finding in check.findings
    ]
    return first.solution, problems


def solution_of(task: Task, reply: SolutionReply, history: list[History]) -> Solution:
    """A solution from its reply, its values not known yet. Raises ValidationError, ExpressionError."""
    wants_answer = task.answer is not None
    return Solution(
        task=task.id,
        calls=_calls(reply.calls),
        goal=reply.goal if task.kind != "question" else None,
        answer=(
            ExpectedAnswer(value=None, source=reply.answer.source, sql=reply.answer.sql)
            if reply.answer is not None and wants_answer
            else None
        ),
        selections=[Selection(name=item.name, sql=item.sql) for item in reply.selections],
        expect=Expect(
            alternatives=[Alternative(name=item.name, calls=_calls(item.calls)) for item in reply.alternatives],
            text=[TextRule(table=item.table, column=item.column, rule=item.rule) for item in reply.texts],
            history=history,
        ),
    )


def _calls(replies: list[CallReply]) -> list[Call]:
    return [read_call(call, number) for number, call in enumerate(replies, 1)]


def _plain(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return explain(error, 4).strip().replace("\n", ";")
    return str(error).replace("\n  ", "; ")


def _line(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 300 else flat[:297] + "..."
