"""Answers: what a reply submits, and whether it is the expected value.

Only the submitted value counts: the last ``<answer>`` block, or an unmarked reply if all of it is the value. Prose
around
it never does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

_MARK = re.compile(r"<(/?)answer>", re.I | re.A)
_NUMBER = re.compile(r"[-+]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?([eE][-+]?\d{1,3})?\Z")
_CURRENCY = re.compile(r"^[$€£¥]\s*|\s*[$€£¥]$")
_DAY_LAYOUTS = ("%Y-%m-%d", "%B %d, %Y", "%d %B %Y", "%b %d, %Y", "%d %b %Y", "%m/%d/%Y", "%Y/%m/%d")
_WEEKDAY = re.compile(r"^(mon|tues|wednes|thurs|fri|satur|sun)day,? ", re.I)
_ORDINAL = re.compile(r"\b(\d{1,2})(st|nd|rd|th)\b", re.I)
MAX_LENGTH = 20_000


@dataclass(frozen=True, slots=True)
class Answer:
    """The expected answer: its type, its value, and how it is compared."""

    type: str
    value: Any
    unit: str | None = None
    ordered: bool = False
    tolerance: float = 0

    def accepts(self, reply: str | None) -> bool:
        """Whether a reply submits this value."""
        text = submitted(reply)
        if text is None or not text:
            return False
        if self.type == "list":
            return any(self._same_list(items) for items in _lists(text))
        return self._same(text, self.value, self.type)

    def _same(self, text: str, value: Any, kind: str) -> bool:
        if kind in ("integer", "decimal", "money"):
            given, expected = _number(text, self.unit), _number(str(value), None)
            if given is None or expected is None:
                return False
            slack = Decimal(str(self.tolerance)) or (Decimal("0.0000005") if kind == "decimal" else Decimal(0))
            return abs(given - expected) <= slack
        if kind == "date":
            return _day(text) is not None and _day(text) == _day(str(value))
        if kind == "id":
            return _plain(text).lstrip("# ") == _plain(str(value)).lstrip("# ")
        return _plain(text) == _plain(str(value))

    def _same_list(self, items: Sequence[str]) -> bool:
        expected = list(self.value)
        if len(items) != len(expected):
            return False
        if self.ordered:
            return all(_same_item(item, value) for item, value in zip(items, expected, strict=True))
        rest = list(expected)
        for item in items:
            found = next((at for at, value in enumerate(rest) if _same_item(item, value)), None)
            if found is None:
                return False
            rest.pop(found)
        return True


def submitted(reply: str | None) -> str | None:
    """The value that a reply submits: its last ``<answer>`` block, or all of it (None if that is too long for one)."""
    if reply is None:
        return None
    tail = reply[-MAX_LENGTH:]
    start, block = None, None
    for mark in _MARK.finditer(tail):
        if not mark.group(1):
            start = mark.end()
        elif start is not None:
            start, block = None, tail[start : mark.start()]
    if block is not None:
        return _bare(block)
    whole = reply.strip()
    return _bare(whole) if len(whole) <= MAX_LENGTH else None


def _bare(text: str) -> str:
    """A value without the emphasis that Markdown puts around it."""
    text = text.strip()
    for mark in ("**", "`"):
        inner = text[len(mark) : -len(mark)]
        if text.startswith(mark) and text.endswith(mark) and inner and mark not in inner:
            text = inner.strip()
    return text


def _plain(text: str) -> str:
    text = " ".join(text.split()).casefold()
    if len(text) > 1 and text[0] + text[-1] in ('""', "''", "``", "“”", "‘’"):
        text = text[1:-1].strip()
    return text.removesuffix(".").replace("’", "'")


def _number(text: str, unit: str | None) -> Decimal | None:
    text = text.strip().removesuffix(".") if not text.strip().endswith("..") else text
    for word in (unit, unit.removesuffix("s")) if unit else ():  # "1 day" is said of the unit "days"
        if word and text.casefold().endswith(word.casefold()):
            text = text[: -len(word)]
            break
    if unit and text.casefold().startswith(unit.casefold()):
        text = text[len(unit) :]
    text = text.strip()
    sign = ""
    if text.startswith("-"):
        sign, text = "-", text[1:]
    text = _CURRENCY.sub("", text).strip()
    if not _NUMBER.match(text):
        return None
    try:
        return Decimal(sign + text.replace(",", ""))
    except InvalidOperation:
        return None


def _day(text: str) -> date | None:
    text = _WEEKDAY.sub("", " ".join(text.split()).removesuffix("."))
    text = _ORDINAL.sub(r"\1", text)
    if re.match(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2})?\Z", text):
        text = text[:10]
    for layout in _DAY_LAYOUTS:
        try:
            return datetime.strptime(text, layout).date()
        except ValueError:
            continue
    return None


def _same_item(text: str, value: Any) -> bool:
    given, expected = _number(text, None), _number(str(value), None)
    if given is not None and expected is not None:
        return given == expected
    return _plain(text.lstrip("#")) == _plain(str(value).lstrip("#"))


def _lists(text: str) -> list[list[str]]:
    """The ways to read a text as a list: JSON, lines, semicolons, commas."""
    readings = []
    try:
        decoded = json.loads(text)
        if isinstance(decoded, list):
            return [[str(item) for item in decoded]]
    except (ValueError, RecursionError):
        pass
    for separator in ("\n", ";", ","):
        items = [re.sub(r"^\s*(?:[-*•]|\d+[.)])\s+", "", part).strip() for part in text.split(separator)]
        readings.append([item for item in items if item])
    if text.startswith("[") and text.endswith("]"):  # a list as Python shows it, or without quotes
        readings.append([_unquoted(part.strip()) for part in text[1:-1].split(",") if part.strip()])
    parts = re.split(r",\s*and\s+|,\s*|\s+and\s+", text)
    return [*readings, [part.strip() for part in parts if part.strip()]]


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
