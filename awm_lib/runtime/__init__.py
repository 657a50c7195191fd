"""Environments and episodes: loading, tool calls, clock, snapshots, differences of state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from awm_lib.runtime.environment import Environment
    from awm_lib.runtime.episode import Episode
    from awm_lib.runtime.results import ToolError, ToolResult

__all__ = ["Environment", "Episode", "ToolError", "ToolResult"]

_HOMES = {"Environment": "environment", "Episode": "episode", "ToolError": "results", "ToolResult": "results"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing the package costs nothing."""
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
