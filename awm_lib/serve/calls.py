"""Calling a tool for a client, whichever way the call came."""

from __future__ import annotations

import logging
from typing import Any

from awm_lib.runtime import Episode, ToolResult
from awm_lib.runtime.results import ToolError

log = logging.getLogger(__name__)


def call(episode: Episode, name: str, arguments: Any) -> ToolResult:
    """Call a tool with a client's arguments as they came; what they must be, the episode says.

    A fault of ours is logged and is an ``internal`` error, as over every other surface, never a broken connection.
    """
    try:
        result = episode.call(name, arguments)
    except Exception as fault:
        log.exception("%s failed", name[:100])
        return ToolResult(error=ToolError("internal", f"{type(fault).__name__}; the server's log has the reason"))
    if result.error is not None and result.error.kind == "internal":
        log.error("%s: %s", name[:100], result.error.message)
    return result
