"""The vocabulary of compiled server.py files.

A server.py shows each tool as a typed function whose body is its program. Calling the function runs the tool in the
file's own
episode, through the same runtime as everything else; the program in the text is compared with spec.json first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypedDict, TypeVar

from awm_lib.contracts import spec
from awm_lib.errors import AwmError, StaleView
from awm_lib.runtime.environment import Environment
from awm_lib.runtime.episode import Episode

Item = TypeVar("Item")
Function = TypeVar("Function", bound=Callable[..., Any])
Program = list[spec.Step]


class Page(TypedDict, Generic[Item]):
    """Some rows of a list, and how many there are in all."""

    items: list[Item]
    total: int


class Changed(TypedDict):
    """How many rows a call changed."""

    changed: int


class ToolRefused(AwmError):
    """A tool refused a call; ``kind`` is of the closed vocabulary."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


def program(*steps: spec.Step) -> Any:
    """The steps of a tool, in order; they run in one transaction."""
    return list(steps)


def check(sql: str, error: spec.ErrorKind, message: str) -> spec.CheckStep:
    """Refuse the call unless the first column of the first row is true."""
    return spec.CheckStep(check=sql, error=error, message=message)


def let(name: str, sql: str, *, optional: bool = False) -> spec.LetStep:
    """Run a statement that gives one row, and bind its columns as ``:<name>_<column>``."""
    return spec.LetStep(let=name, sql=sql, optional=optional)


def run(sql: str) -> spec.RunStep:
    """Run a statement that writes."""
    return spec.RunStep(run=sql)


def _returns(kind: Any, sql: str, types: dict[str, Any]) -> spec.ReturnStep:
    named = [spec.ResultType(column=column, type=type_) for column, type_ in types.items()]
    return spec.ReturnStep(returns=kind, sql=sql, types=named)


def one(sql: str, **types: spec.ColumnType) -> spec.ReturnStep:
    """Give one row; ``types`` are those of computed columns."""
    return _returns("one", sql, types)


def page(sql: str, **types: spec.ColumnType) -> spec.ReturnStep:
    """Give the rows from offset on, limit at most, and their total."""
    return _returns("all", sql, types)


def rowcount(sql: str) -> spec.ReturnStep:
    """Give the number of rows that a statement changed."""
    return _returns("rowcount", sql, {})


class Server:
    """The tools of one server.py, and the episode that they run in."""

    def __init__(self, file: str) -> None:
        self.directory = Path(file).resolve().parent

    @functools.cached_property
    def environment(self) -> Environment:
        """The environment that the file belongs to."""
        return Environment.load(self.directory)

    @functools.cached_property
    def episode(self) -> Episode:
        """The episode that called functions run in."""
        return self.environment.start()

    def tool(self, **_facts: Any) -> Callable[[Function], Function]:
        """Make a function callable as the tool of its name; the facts are shown, the spec has them."""

        def decorate(function: Function) -> Function:
            name = function.__name__

            @functools.wraps(function)
            def call(**arguments: Any) -> Any:
                tool = self.environment.tools.get(name)
                shown = function(**{**dict.fromkeys(function.__kwdefaults__ or {}), **arguments})
                if tool is None or [_squeezed(step) for step in shown] != [_squeezed(s) for s in tool.contract.program]:
                    raise StaleView(
                        f"the program of {name} in {self.directory / 'server.py'} is not the one of spec.json",
                        hint="delete server.py and build it again",
                    )
                result = self.episode.call(name, arguments)
                if result.error is not None:
                    raise ToolRefused(result.error.kind, result.error.message)
                return result.data

            return call  # type: ignore[return-value]

        return decorate


def _squeezed(step: Any) -> dict[str, Any]:
    """A step without differences of layout in its SQL."""
    from awm_lib import sqltext

    plain: dict[str, Any] = step.model_dump()
    for key in ("check", "sql", "run"):
        if plain.get(key):
            plain[key] = " ".join(
                text for kind, text in sqltext.tokens(sqltext.stripped(plain[key])) if kind not in ("space", "comment")
            )
    return plain
