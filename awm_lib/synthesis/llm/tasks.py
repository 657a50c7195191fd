"""Stage tasks: what the users of a scenario ask of an agent, before there is any data."""

from __future__ import annotations

import hashlib
import re
from datetime import date, timedelta

from pydantic import ValidationError

from awm_lib.contracts.base import explain
from awm_lib.contracts.scenario import Scenario
from awm_lib.contracts.tasks import AnswerForm, Context, Task, Tasks, User
from awm_lib.llm.chat import ChatRequest
from awm_lib.llm.strict import output_schema, parse_reply
from awm_lib.synthesis.llm.prompts import messages
from awm_lib.synthesis.llm.replies import TaskReply, TasksReply

USER_ID = 1
FIRST_DAY = date(2025, 1, 6)
DAYS = 700
_ACCOUNT = re.compile(r"\b(log ?in|sign ?(in|up)|log ?out|password|two-factor|create (an|my) account)\b", re.I)
_NOTHING = re.compile(r"\b(some|any|appropriate|suitable|relevant) (one|item|option)s?\b", re.I)


class TasksStage:
    """Asks for tasks; ``result`` is the draft once a reply is right."""

    again = "Give all tasks again."

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.now = moment_of(scenario)
        self.result: Tasks | None = None

    def request(self) -> ChatRequest:
        """The first request."""
        return ChatRequest(messages("tasks", scenario=self.scenario, now=self.now), output_schema(TasksReply))

    def correction(self, findings: list[str]) -> ChatRequest:
        """Tasks are short: a correction gives all of them again."""
        return self.request()

    def judge(self, text: str) -> list[str]:
        """What is wrong with a reply."""
        reply = parse_reply(TasksReply, text)
        findings, tasks = [], []
        if len(reply.tasks) != self.scenario.tasks:
            findings.append(f"give exactly {self.scenario.tasks} tasks, not {len(reply.tasks)}")
        for number, item in enumerate(reply.tasks, 1):
            try:
                task = task_of(f"t{number:02d}", item)
            except ValueError as error:
                findings.append(f"task {number}: {error}")
                continue
            findings += [f"task {number}: {problem}" for problem in task_problems(task)]
            tasks.append(task)
        texts = [" ".join(task.instruction.lower().split()) for task in tasks]
        for number, wording in enumerate(texts, 1):
            if wording in texts[: number - 1]:
                findings.append(f"task {number} is the same as task {texts.index(wording) + 1}")
        if len(tasks) >= 5 and not any(task.kind != "action" for task in tasks):
            findings.append("at least one task in five asks a question (kind 'question' or 'both')")
        if len(tasks) >= 5 and not any(task.kind != "question" for task in tasks):
            findings.append("at least one task in two changes something (kind 'action' or 'both')")
        if not findings:
            user = User(id=USER_ID, name=reply.user.name, email=reply.user.email)
            self.result = Tasks(scenario=self.scenario.name, context=Context(now=self.now, user=user), tasks=tasks)
        return findings


def task_of(name: str, reply: TaskReply) -> Task:
    """A task from its reply. Raises ValueError that says what is wrong."""
    try:
        return Task(
            id=name,
            instruction=reply.instruction,
            kind=reply.kind,
            skills=[skill for skill in reply.skills if skill][:6],
            answer=None if reply.answer is None or reply.kind == "action" else AnswerForm(**reply.answer.model_dump()),
        )
    except ValidationError as error:
        raise ValueError(explain(error, 3).strip().replace("\n", ";")) from None


def task_problems(task: Task) -> list[str]:
    """What no task may be."""
    found = []
    if _ACCOUNT.search(task.instruction):
        found.append("the user is logged in already; ask nothing about accounts or passwords")
    if _NOTHING.search(task.instruction):
        found.append("it leaves open what exactly is wanted; name it, or give a criterion with one winner")
    return found


def moment_of(scenario: Scenario) -> str:
    """The clock at the start of every episode: a weekday's working hours, from the scenario's name and seed."""
    number = int.from_bytes(hashlib.sha256(f"{scenario.name}/{scenario.seed}".encode()).digest()[:6], "big")
    day = FIRST_DAY + timedelta(days=number % DAYS)
    day -= timedelta(days=max(0, day.weekday() - 4))
    return f"{day} {8 + number // DAYS % 9:02d}:{number // 9_000 % 12 * 5:02d}:00"
