"""A figure: one measured number beside what is required, and beside what the same thing costs at least."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One row of the page. Texts are for people; ``values`` are the raw numbers, in the units of their names."""

    name: str
    group: str
    """The heading under which the page shows it, a key of ``report.GROUPS``."""
    title: str
    measured: str
    how: str
    required: str = ""
    """Empty for a figure that nobody asked for, but that explains another one."""
    beside: str = ""
    """The floor (what the work costs at least, without this project) or the peer, measured in the same run."""
    met: bool | None = None
    values: dict[str, float] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """The figure as JSON-able data."""
        return asdict(self)


def at_least(value: float, required: float) -> bool:
    """Whether a figure that should be high is."""
    return value >= required


def at_most(value: float, required: float) -> bool:
    """Whether a figure that should be low is."""
    return value <= required


def count(value: float) -> str:
    """A number for people, with as many digits as mean something: 31,400 or 12.3 or 0.42."""
    if abs(value) >= 1_000:
        return f"{round(value, 2 - len(str(int(abs(value)))) + 1):,.0f}"
    if float(value).is_integer():
        return f"{value:.0f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def exact(value: float) -> str:
    """A number of things, all its digits."""
    return f"{value:,.0f}"


def percent(share: float) -> str:
    """A share for people. Never rounded up to 100 %."""
    text = f"{share:.1%}"
    return "99.9 %" if text == "100.0%" and share < 1 else text.replace(".0%", "%").replace("%", " %")
