"""The ASGI application of one episode."""

from __future__ import annotations

from collections.abc import Collection

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from awm_lib.runtime import Environment
from awm_lib.serve.guard import Addresses, Guard
from awm_lib.serve.mcp import build_mcp
from awm_lib.serve.pages import page_routes
from awm_lib.serve.rest import rest_routes
from awm_lib.serve.wire import refuse

MCP_PATH = "/mcp"


def build_app(env: Environment, *, host: str = "127.0.0.1", allow_hosts: Collection[str] = ()) -> Starlette:
    """Make the application that serves one fresh episode of an environment.

    ``host`` is what the server is bound to; requests that are addressed to another name than it, a loopback name or one
    of ``allow_hosts`` are refused. Run it with any ASGI server that runs lifespans, in one process: the state is in its
    memory.
    """
    episode = env.start()
    # Stateless: this server has nothing to say to a client between calls and keeps nothing per session, so older
    # clients need no session either. None can leak, and a client keeps working when the server is started anew.
    mcp_app = build_mcp(env, episode).http_app(
        path=MCP_PATH, json_response=True, stateless_http=True, host_origin_protection=False
    )
    app = Starlette(
        routes=[*mcp_app.routes, *rest_routes(env, episode), *page_routes()],
        # In this order. FastMCP's own middleware binds the request to its context.
        middleware=[
            Middleware(Guard, addresses=Addresses.of(host, allow_hosts), mcp_path=MCP_PATH),
            *mcp_app.user_middleware,
        ],
        exception_handlers={HTTPException: _http_error, Exception: _fault},
        lifespan=mcp_app.router.lifespan_context,
    )
    app.state.transport_type = mcp_app.state.transport_type
    app.state.episode = episode
    return app


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code
    headers = dict(error.headers) if error.headers else None
    if status == 404:
        return refuse("not_found", f"there is nothing at {request.url.path[:100]!r}: see /docs", 404, headers)
    text = f"{request.method} {request.url.path[:100]}: {error.detail}; see /docs"
    return refuse("invalid_arguments", text, status, headers)


async def _fault(_request: Request, _error: Exception) -> Response:
    # The traceback goes to the server's log (Starlette raises the error again); a client gets none of it.
    return refuse("internal", "the server failed; its log has the reason")
