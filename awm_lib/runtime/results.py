"""What a tool call gives: data, or an error of a closed vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

ErrorKind = Literal[
    "unknown_tool", "invalid_arguments", "not_found", "conflict", "not_allowed", "limit_exceeded", "internal"
]


@dataclass(frozen=True, slots=True)
class ToolError:
    """Why a call was refused, and what to do next. ``internal`` is our fault, never the agent's."""

    kind: ErrorKind
    message: str

    def plain(self) -> dict[str, Any]:
        """As JSON-able data, the same on every surface."""
        return {"error": {"kind": self.kind, "message": self.message}}


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The outcome of one call: ``data`` if ``ok``, else ``error``."""

    data: Any = None
    error: ToolError | None = None

    @property
    def ok(self) -> bool:
        """Whether the call was carried out."""
        return self.error is None

    def plain(self) -> Any:
        """As JSON-able data: the data itself, or ``{"error": {"kind", "message"}}``."""
        return self.data if self.error is None else self.error.plain()


class Refusal(Exception):
    """Ends a call with an error; inside the runtime only."""

    def __init__(self, kind: ErrorKind, message: str) -> None:
        super().__init__(message)
        self.error = ToolError(kind, message)
