"""What a model reads first: the rules of the game, the task with its context, and the form of the answer."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

from awm_lib.agents.agent import Brief
from awm_lib.contracts.tasks import AnswerForm


@cache
def system_prompt(protocol: str) -> str:
    """The rules, for native or meta."""
    return _file(f"{protocol}.txt").strip()


def task_prompt(brief: Brief) -> str:
    """The user's message: the instruction, then what the agent has to know of time, user and answer."""
    parts = [brief.instruction]
    context = []
    if brief.now is not None:
        context.append(f"It is {brief.now}.")
    if brief.user is not None:
        email = f", {brief.user.email}" if brief.user.email else ""
        context.append(f"The user is {brief.user.name} (user id {brief.user.id}{email}).")
    if context:
        parts.append(" ".join(context))
    if brief.answer is not None:
        parts.append(
            f"Submit your answer at the end of your last reply as <answer>VALUE</answer>, where VALUE is "
            f"{answer_form(brief.answer)}, and nothing else."
        )
    return "\n\n".join(parts)


def answer_form(form: AnswerForm) -> str:
    """The form of an answer in words, such as 'an amount such as 12.50, in USD'."""
    text = _forms()[form.type]
    if form.unit:
        text += f", in {form.unit}" if form.type in ("integer", "decimal", "money") else f" ({form.unit})"
    if form.type == "list":
        text += ", in the order that is asked for" if form.ordered else ", in any order"
    return text


@cache
def _forms() -> dict[str, str]:
    found: dict[str, str] = json.loads(_file("answer_forms.json"))
    return found


def _file(name: str) -> str:
    return resources.files(__package__).joinpath("prompts", name).read_text(encoding="utf-8")
