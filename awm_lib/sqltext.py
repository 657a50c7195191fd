"""SQL as text: its binds, literals in place of binds, and what its shape says, without running it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from awm_lib.errors import SqlError

_TOKEN = re.compile(
    r"""(?P<string>'(?:[^']|'')*')|(?P<quoted>"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\])|(?P<comment>--[^\n]*|/\*.*?\*/)"""
    r"""|(?P<bind>:[A-Za-z_][A-Za-z0-9_]*)|(?P<other_bind>\?\d*|@[A-Za-z_]\w*|\$[A-Za-z_]\w*)|(?P<word>[A-Za-z_]\w*)"""
    r"""|(?P<number>\d+(?:\.\d+)?)|(?P<space>\s+)|(?P<symbol>.)""",
    re.S,
)
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
"""Control characters other than a new line, which Python's source does not keep as they are."""
KEPT = 20_000
"""Texts of which what was found is kept: the statements of all packs, which environments share."""
_WRITING = frozenset({"insert", "update", "delete", "replace"})


@lru_cache(maxsize=KEPT)
def tokens(sql: str) -> tuple[tuple[str, str], ...]:
    """The statement as (kind, text) pairs; comments and white space included."""
    return tuple((str(match.lastgroup), match.group()) for match in _TOKEN.finditer(sql))


def in_docstring(text: str) -> str:
    """A text as it may stand within a triple-quoted docstring, which nothing in it can end or escape."""
    return CONTROL.sub(" ", text).replace("\\", "\\\\").replace('"""', "'''")


@lru_cache(maxsize=KEPT)
def binds(sql: str) -> frozenset[str]:
    """The names bound as ``:name``. Raises SqlError for the other kinds of bind."""
    found = set()
    for kind, text in tokens(sql):
        if kind == "other_bind":
            raise SqlError(f"the bind {text!r} is not supported: write :name")
        if kind == "bind":
            found.add(text[1:])
    return frozenset(found)


def literal(value: Any) -> str:
    """A value as an SQL literal."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int | float):
        shown = repr(value)
        if shown.lstrip("-") in {"inf", "nan"}:
            return {"inf": "9e999", "-inf": "(-9e999)"}.get(shown, "NULL")
        return f"({shown})" if shown.startswith("-") else shown
    return "'" + str(value).replace("'", "''") + "'"


def with_literals(sql: str, values: Mapping[str, Any]) -> str:
    """Put literals in place of the binds that ``values`` names; other binds stay."""
    return "".join(
        literal(values[text[1:]]) if kind == "bind" and text[1:] in values else text for kind, text in tokens(sql)
    )


@lru_cache(maxsize=KEPT)
def with_nulls(sql: str) -> str:
    """Put NULL in place of every bind, for statements that are only prepared."""
    return "".join("NULL" if kind == "bind" else text for kind, text in tokens(sql))


@lru_cache(maxsize=KEPT)
def words(sql: str) -> list[str]:
    """The bare words of a statement, in lower case."""
    return [text.lower() for kind, text in tokens(sql) if kind == "word"]


@lru_cache(maxsize=KEPT)
def is_query(sql: str) -> bool:
    """Whether it is a SELECT (or WITH ... SELECT, or VALUES)."""
    found = words(sql)
    return bool(found) and found[0] in {"select", "with", "values"} and not (_WRITING & set(_top_level(sql)))


def flat(sql: str) -> str:
    """The statement on one line, without comments; texts and names stay as they are."""
    parts: list[str] = []
    for kind, text in tokens(stripped(sql)):
        if kind in ("space", "comment"):
            if parts and parts[-1] != " ":
                parts.append(" ")
        else:
            parts.append(text)
    return "".join(parts).strip()


@lru_cache(maxsize=KEPT)
def is_single(sql: str) -> bool:
    """Whether there is one statement: no semicolon but a last one."""
    significant = [text for kind, text in tokens(sql) if kind not in {"space", "comment"}]
    return ";" not in significant[:-1]


@lru_cache(maxsize=KEPT)
def stripped(sql: str) -> str:
    """Without outer white space, and without semicolons and comments at the end."""
    found = list(tokens(sql))
    while found and (found[-1][0] in {"space", "comment"} or found[-1][1] == ";"):
        found.pop()
    return "".join(text for _, text in found).lstrip()


@lru_cache(maxsize=KEPT)
def _top_level(sql: str) -> list[str]:
    """The words outside of parentheses, in lower case; ``replace(`` is a function, no statement."""
    depth, found = 0, []
    pairs = [(kind, text) for kind, text in tokens(sql) if kind not in {"space", "comment"}]
    for (kind, text), (_, following) in zip(pairs, [*pairs[1:], ("", "")], strict=True):
        if text == "(":
            depth += 1
        elif text == ")":
            depth -= 1
        elif kind == "word" and depth == 0 and not (text.lower() == "replace" and following == "("):
            found.append(text.lower())
    return found


@lru_cache(maxsize=KEPT)
def plain_columns(sql: str) -> dict[str, str] | None:
    """Result column -> source column, of those columns of the outermost query that are plain references.

    None if the query selects ``*``, so that the columns do not stand in its text.
    """
    depth, selecting = 0, False
    items: list[list[str]] = [[]]
    for kind, text in tokens(sql):
        if kind in ("space", "comment"):
            continue
        word = text.lower() if kind == "word" else text
        depth += {"(": 1, ")": -1}.get(text, 0)
        if depth == 0 and word == "select":
            selecting, items = True, [[]]
        elif depth == 0 and word == "from":
            break
        elif selecting and depth == 0 and text == ",":
            items.append([])
        elif selecting and word not in ("distinct", "as"):
            items[-1].append(text.strip('"`[]').lower() if kind == "quoted" else word)
    if any(item[-1:] == ["*"] for item in items):
        return None
    return dict(pair for item in items if (pair := _plain_reference(item)) is not None)


def _plain_reference(item: list[str]) -> tuple[str, str] | None:
    if len(item) >= 3 and item[1] == ".":
        item = item[2:]
    if not 1 <= len(item) <= 2 or not all(_NAME.fullmatch(part) for part in item):
        return None
    return item[-1], item[0]


@lru_cache(maxsize=KEPT)
def has_scalar_subquery(sql: str) -> bool:
    """Whether a column of the outermost query is a query itself, which gives NULL where it finds no row."""
    depth = 0
    for kind, text in tokens(sql):
        if text == "(":
            depth += 1
        elif text == ")":
            depth -= 1
        elif kind == "word" and depth == 0 and text.lower() == "from":
            return False
        elif kind == "word" and depth > 0 and text.lower() == "select":
            return True
    return False


def has_limit(sql: str) -> bool:
    """Whether the outermost query has a LIMIT of its own."""
    return "limit" in _top_level(sql)


@lru_cache(maxsize=KEPT)
def last_order_term(sql: str) -> str | None:
    """The column of the outermost ORDER BY's last term, in lower case, without its table and direction."""
    depth, after = 0, False
    term: list[str] = []
    pairs = [(kind, text) for kind, text in tokens(sql) if kind not in {"space", "comment"}]
    for position, (kind, text) in enumerate(pairs):
        if text == "(":
            depth += 1
        elif text == ")":
            depth -= 1
        elif depth == 0 and kind == "word" and text.lower() == "order":
            following = pairs[position + 1][1].lower() if position + 1 < len(pairs) else ""
            if following == "by":
                after, term = True, []
                continue
        if after and depth == 0:
            if text == ",":
                term = []
            elif kind in {"word", "quoted"} and text.lower() not in {"by", "asc", "desc", "nulls", "first", "last"}:
                term.append(text.strip('"`[]').lower())
    return term[-1] if term else None


_BREAK_BEFORE = frozenset(
    {
        "from",
        "where",
        "group",
        "having",
        "order",
        "limit",
        "union",
        "join",
        "left",
        "set",
        "values",
        "returning",
        "and",
        "on",
    }
)


@lru_cache(maxsize=KEPT)
def pretty(sql: str, width: int = 100) -> str:
    """The statement over several lines: clauses on lines of their own, no break inside a text or a name."""
    lines, line, depth, previous = [], "", 0, ""
    pending_space = within = False
    for kind, text in tokens(stripped(sql)):
        if kind in ("space", "comment"):
            pending_space = True
            continue
        word = text.lower() if kind == "word" else text
        starts = depth == 0 and word in _BREAK_BEFORE and previous not in ("left", "do", "conflict") and not within
        joined = line + (" " if pending_space and line.strip() else "") + text
        if starts and line.strip():
            lines.append(line.rstrip())
            line = text if word not in ("and", "on") else "  " + text
        elif len(joined) > width and line.strip() and pending_space:
            lines.append(line.rstrip())
            line = "    " + text
        else:
            line = joined
        depth += {"(": 1, ")": -1}.get(text, 0)
        within = word == "between" or (within and word != "and")
        previous = word
        pending_space = False
    return "\n".join([*lines, line.rstrip()])
