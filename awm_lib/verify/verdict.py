"""What a verifier says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal


class Verdict:
    """The result for one task, with what it rests on."""

    __slots__ = ("_evidence", "partial", "result")

    def __init__(
        self,
        result: Literal["complete", "others"],
        partial: float,
        evidence: Callable[[], dict[str, Any]] | dict[str, Any] | None = None,
    ) -> None:
        """``evidence`` may be a function that is called when somebody asks: most verdicts are only counted."""
        self.result = result
        self.partial = partial
        """The share of the expected changes made, 0..1; 0 if anything else changed."""
        self._evidence = evidence or {}

    @property
    def complete(self) -> bool:
        """Whether the task was done, wholly and without side effects."""
        return self.result == "complete"

    @property
    def evidence(self) -> dict[str, Any]:
        """``goal`` (true, false, or null for a question), ``expected``, ``missing``, ``unexpected``, ``answer``."""
        if callable(self._evidence):
            self._evidence = self._evidence()
        return self._evidence

    def plain(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {"result": self.result, "partial": self.partial, "evidence": self.evidence}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Verdict) and self.plain() == other.plain()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Verdict({self.result!r}, {self.partial!r}, {self.evidence!r})"
