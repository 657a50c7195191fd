"""The errors that this project raises for a person to read.

AwmError
├── ContractError      a file does not keep its contract (file, place, what is wrong)
├── UnknownName        a scenario, tool, task or table that does not exist; names the nearest
├── SqlError           a statement that does not prepare, or does what it may not
├── ExpressionError    an expression of a pack or an oracle that cannot be read or evaluated
├── StaleView          server.py or verifier.py is not what its sources compile to
└── SynthesisError     a provider could not make a stage's result

An agent's mistakes are not exceptions: they are tool results (``awm_lib.runtime.results``).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable


class AwmError(Exception):
    """What was wrong and where (``message``), and what to do (``hint``)."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str | Callable[[], str | None] | None = None) -> None:
        """A ``hint`` that takes a search is given as a function: most errors of a check are never shown."""
        super().__init__(message)
        self.message = message
        self._hint = hint

    @property
    def hint(self) -> str | None:
        """What to do."""
        if callable(self._hint):
            self._hint = self._hint()
        return self._hint

    @hint.setter
    def hint(self, text: str | None) -> None:
        self._hint = text

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class ContractError(AwmError):
    """A file of an environment, or a configuration, does not keep its contract."""


class UnknownName(AwmError):
    """A name that does not exist, with the nearest that does."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = list(known)
        super().__init__(f"there is no {kind} {name!r}", hint=lambda: nearest(name, names))


class SqlError(AwmError):
    """A statement that does not prepare, or that does what it may not."""


class ExpressionError(AwmError):
    """An expression that cannot be read or evaluated."""


class StaleView(AwmError):
    """A compiled file differs from what its sources compile to; the message has the difference."""


class SynthesisError(AwmError):
    """A provider could not make a stage's result; the message has its findings."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Suggest the closest of the known names, or list a few of them."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    if not names:
        return "there are none"
    return "there are: " + ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
