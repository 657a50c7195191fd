"""The JSON in a reply: also within prose and code fences, with single quotes, trailing commas or Python's constants."""

from __future__ import annotations

import json
import re
from typing import Any

from awm_lib.llm.errors import MalformedReply

MAX_LENGTH = 2_000_000
_FENCE = re.compile(r"```[A-Za-z0-9_-]*[ \t]*\n(.*?)\n?[ \t]*```", re.S)
_THINKING = re.compile(r"\A\s*<think>.*?</think>", re.S)
_OBJECT, _ARRAY = re.compile(r"\{\s*[\"'}]"), re.compile(r"\[\s*[\"'{\[\]\d]")
"""How a value begins; a bracket in prose begins otherwise."""
_TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*"'  # a text
    r"|'(?:[^'\\]|\\.)*'"
    r"|//[^\n]*|/\*.*?\*/"  # a comment
    r"|\b(?:True|False|None)\b"
    r"|,(?=\s*[}\]])",  # a trailing comma
    re.S,
)
_CONSTANTS = {"True": "true", "False": "false", "None": "null"}


def read_json_text(text: str) -> Any:
    """The JSON value of a reply. Raises MalformedReply with line and column of what cannot be read."""
    if len(text) > MAX_LENGTH:
        raise MalformedReply(f"the reply has {len(text):,} characters, more than any reply should")
    problem = None
    for candidate in _candidates(_THINKING.sub("", text).strip().removeprefix("\ufeff")):
        for form in (candidate, mended(candidate)):
            try:
                return json.loads(form, strict=False, parse_constant=_no_number)
            except (ValueError, RecursionError) as error:
                problem = problem or error
    raise MalformedReply(f"the reply is not JSON: {problem}")


def _candidates(text: str) -> list[str]:
    """Where the JSON may be: all of the text, a code fence, from the first bracket to the last."""
    found = [text, *sorted(_FENCE.findall(text), key=len, reverse=True)]
    for opening, closing in ((_OBJECT, "}"), (_ARRAY, "]")):
        start, end = opening.search(text), text.rfind(closing)
        if start is not None and start.start() < end:
            found.append(text[start.start() : end + 1])
    return list(dict.fromkeys(found))


def mended(text: str) -> str:
    """A text with the slips of those who write JSON by hand put right; its texts are left as they are."""
    return _TOKEN.sub(_mend, text)


def _mend(match: re.Match[str]) -> str:
    token = match.group()
    if token.startswith("'"):
        inner = token[1:-1].replace("\\'", "'")
        return '"' + re.sub(r'(?<!\\)"', r"\"", inner) + '"'
    if token.startswith(("//", "/*")) or token == ",":
        return ""
    return _CONSTANTS.get(token, token)


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number")
