"""Expected values of cells: constants, and relations for what cannot be known in advance.

A generated key, a moment, or a reference made of them differs from run to run. It is matched by its relation to the
other
rows and to the episode's clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


@dataclass(slots=True)
class Scene:
    """What relations refer to: the clock's span, and the keys found for new rows so far."""

    start: str
    end: str
    keys: dict[str, Any] = field(default_factory=dict)
    """Label of an expected new row -> its key in the final state."""

    def bind(self, label: str, value: Any) -> bool:
        """Take a value as the key of a new row; false if that contradicts what was found."""
        if label in self.keys:
            return bool(self.keys[label] == value)
        table = label.split("#")[0]
        if any(found == value and other.split("#")[0] == table for other, found in self.keys.items()):
            return False
        self.keys[label] = value
        return True


class Matcher:
    """A relation that a cell's value must satisfy."""

    def matches(self, value: Any, scene: Scene) -> bool:
        """Whether the value satisfies the relation; may bind keys in the scene."""
        raise TypeError(f"{type(self).__name__} does not say what it matches")


@dataclass(frozen=True, slots=True)
class key(Matcher):  # noqa: N801 - reads as a function in verifier.py
    """The generated key of an expected new row ('orders#1'), plus a constant."""

    label: str
    plus: int = 0

    def matches(self, value: Any, scene: Scene) -> bool:
        """Whether it is that row's key, in agreement with all other cells."""
        return type(value) is int and scene.bind(self.label, value - self.plus)


def _shift(moment: str, seconds: int) -> str:
    return str(datetime.fromisoformat(moment) + timedelta(seconds=seconds))


@dataclass(frozen=True, slots=True)
class moment(Matcher):  # noqa: N801
    """A moment of the episode, plus ``after`` seconds (and up to ``slack`` seconds more)."""

    after: int = 0
    slack: int = 0

    def matches(self, value: Any, scene: Scene) -> bool:
        """Whether it lies within the episode, shifted."""
        if not isinstance(value, str):
            return False
        return _shift(scene.start, self.after) <= value <= _shift(scene.end, self.after + self.slack)


@dataclass(frozen=True, slots=True)
class day(Matcher):  # noqa: N801
    """A day of the episode, plus ``after`` days."""

    after: int = 0

    def matches(self, value: Any, scene: Scene) -> bool:
        """Whether it is a day of the episode, shifted."""
        if not isinstance(value, str) or len(value) != 10:
            return False
        return _shift(scene.start, self.after * 86_400)[:10] <= value <= _shift(scene.end, self.after * 86_400)[:10]


@dataclass(frozen=True, slots=True)
class like(Matcher):  # noqa: N801
    """A text made of constant parts and keys: ``like("ORD-", key("orders#1"), width=5)``; None stands for any
    digits.
    """

    parts: tuple[str | key | None, ...]

    def __init__(self, *parts: str | key | None) -> None:
        object.__setattr__(self, "parts", parts)

    def matches(self, value: Any, scene: Scene) -> bool:
        """Whether the text has the parts in order, its digits being the keys."""
        if not isinstance(value, str):
            return False
        at = 0
        for part in self.parts:
            if isinstance(part, str):
                if not value.startswith(part, at):
                    return False
                at += len(part)
                continue
            end = at
            while end < len(value) and value[end].isdigit():
                end += 1
            if end == at or (part is not None and not part.matches(int(value[at:end]), scene)):
                return False
            at = end
        return at == len(value)


@dataclass(frozen=True, slots=True)
class varies(Matcher):  # noqa: N801
    """A value that depends on clock or keys in a way that is not known; it must be there."""

    def matches(self, value: Any, scene: Scene) -> bool:
        """Whether there is a value."""
        return value is not None


@dataclass(frozen=True, slots=True)
class contains(Matcher):  # noqa: N801
    """A text that contains another one; case and white space do not matter."""

    text: str

    def matches(self, value: Any, scene: Scene) -> bool:
        """Whether it does."""
        return isinstance(value, str) and folded(self.text) in folded(value)


@dataclass(frozen=True, slots=True)
class non_empty(Matcher):  # noqa: N801
    """Any text that is not blank."""

    def matches(self, value: Any, scene: Scene) -> bool:
        """Whether it is."""
        return isinstance(value, str) and bool(value.strip())


@dataclass(frozen=True, slots=True)
class near(Matcher):  # noqa: N801
    """A number within a tolerance (in the column's own unit)."""

    value: float
    within: float

    def matches(self, value: Any, scene: Scene) -> bool:
        """Whether it is near enough."""
        return type(value) in (int, float) and abs(value - self.value) <= self.within


def folded(text: str) -> str:
    """Text without differences of case and white space."""
    return " ".join(text.split()).casefold()


def matches(expected: Any, actual: Any, scene: Scene) -> bool:
    """Whether a cell's value is the expected one. Texts are equal up to white space at line ends and around them."""
    if isinstance(expected, Matcher):
        return expected.matches(actual, scene)
    if isinstance(expected, str) and isinstance(actual, str):
        return expected == actual or " ".join(expected.split()) == " ".join(actual.split())
    return bool(expected == actual) and (expected is None) == (actual is None)
