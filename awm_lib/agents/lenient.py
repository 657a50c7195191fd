"""The answer of a reply that has no <answer> block, for models that were trained without it.

Strictly, such a reply submits an answer only if it is nothing but the value. Here the value is looked for in the prose:
what is set off in it, or the last value of the right type. It may find a wrong value in a reply that has the right one,
and a right one in a reply that hedges; so results with and without it are not to be compared.
"""

from __future__ import annotations

import json
import re

from awm_lib.contracts.tasks import AnswerForm
from awm_lib.verify.answers import submitted

_BLOCK = re.compile(r"<answer>.*?</answer>", re.I | re.S)
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.S | re.I)
_NUMBER = re.compile(r"(?<![\w.])[-+]?[$€£¥]?\d[\d,]*(?:\.\d+)?(?![\w])")
_DATE = re.compile(
    r"\d{4}-\d{2}-\d{2}|\d{1,2}/\d{1,2}/\d{4}|(?:\d{1,2}(?:st|nd|rd|th)? [A-Z][a-z]{2,8}|[A-Z][a-z]{2,8} "
    r"\d{1,2}(?:st|nd|rd|th)?),? \d{4}"
)
_SET_OFF = re.compile(r"\*\*(.+?)\*\*|`(.+?)`|\"(.+?)\"|“(.+?)”")
_ITEM = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+(.+?)\s*$", re.M)
_LIST = re.compile(r"\[[^\[\]]*\]")


def lenient_reply(reply: str | None, form: AnswerForm | None) -> str | None:
    """The reply with the answer that it means marked as one; the reply itself where there is nothing to find."""
    if reply is None or form is None or _BLOCK.search(reply):
        return reply
    text = _THOUGHT.sub("", reply).strip()
    found = _find(text, form)
    return reply if found is None else f"{reply}\n<answer>{found}</answer>"


def _find(text: str, form: AnswerForm) -> str | None:
    if form.type in ("integer", "decimal", "money"):
        return _last(_NUMBER.findall(text.replace("**", " ").replace("`", " ")))
    if form.type == "date":
        return _last(_DATE.findall(text))
    if form.type == "list":
        return _find_list(text)
    set_off = [next(part for part in groups if part) for groups in _SET_OFF.findall(text)]
    if set_off:
        return _last(set_off)
    if form.type == "id":
        return _last(re.findall(r"[A-Z]+-\d+|#?\d+", text))
    line = text.splitlines()[-1] if text else ""
    return line.rsplit(":", 1)[1].strip() if ":" in line else submitted(line)


def _find_list(text: str) -> str | None:
    bracketed = _last(_LIST.findall(text))
    if bracketed is not None:
        return bracketed
    items = [re.sub(r"\*\*|`", "", item) for item in _ITEM.findall(text)]
    if items:
        return json.dumps(items, ensure_ascii=False)
    line = text.splitlines()[-1] if text else ""
    return line.rsplit(":", 1)[1].strip() if ":" in line else None


def _last(found: list[str]) -> str | None:
    return found[-1] if found else None
