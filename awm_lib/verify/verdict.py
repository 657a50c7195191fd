"""What a verifier says."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result for one task, with what it rests on."""

    result: Literal["complete", "others"]
    partial: float
    """The share of the expected changes made, 0..1; 0 if anything else changed."""
    evidence: dict[str, Any] = field(default_factory=dict)
    """``goal`` (true, false, or null for a question), ``expected``, ``missing``, ``unexpected``, ``answer``."""

    @property
    def complete(self) -> bool:
        """Whether the task was done, wholly and without side effects."""
        return self.result == "complete"

    def plain(self) -> dict[str, Any]:
        """As JSON-able data."""
        return asdict(self)
