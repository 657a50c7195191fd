"""Serving one environment: MCP, REST with documentation, and a page to look at it.

``build_app`` makes the ASGI application of one episode; ``serve_file`` is what a compiled ``server.py`` runs.
Importing this package is cheap: FastMCP, which takes most of a second, is imported when an application is built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from awm_lib.serve.app import build_app
    from awm_lib.serve.server import serve_file

__all__ = ["build_app", "serve_file"]


def __getattr__(name: str) -> Any:
    if name == "build_app":
        from awm_lib.serve.app import build_app

        return build_app
    if name == "serve_file":
        from awm_lib.serve.server import serve_file

        return serve_file
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
