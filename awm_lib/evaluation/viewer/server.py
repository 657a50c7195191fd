"""Serving the viewer on this machine: the page, its files, and its data."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from awm_lib.errors import AwmError, UnknownName
from awm_lib.evaluation.viewer.data import Viewer

if TYPE_CHECKING:
    from starlette.applications import Starlette

SCRIPTS = ("dom.js", "source.js", "runs.js", "trial.js", "main.js")
"""In the order in which the page loads them."""
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}


@cache
def page_file(name: str) -> str:
    """One of the page's files."""
    return resources.files(__package__).joinpath("page", name).read_text(encoding="utf-8")


def build_app(evals: Path, host: str) -> Starlette:
    """The application over a directory of runs."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from awm_lib.serve.guard import Addresses, Guard
    from awm_lib.serve.wire import Json, refuse

    viewer = Viewer(evals)

    def data(request: Request) -> Response:  # in a worker thread: a large run takes a second to read
        try:
            return Json(viewer.get(request.path_params["path"]))
        except UnknownName as error:
            return refuse("not_found", str(error))
        except AwmError as error:
            return refuse("invalid_arguments", str(error))

    def file(name: str) -> Route:
        async def endpoint(_request: Request) -> Response:
            return Response(page_file(name), headers=_HEADERS, media_type=TYPES[Path(name).suffix])

        return Route("/" if name == "index.html" else f"/{name}", endpoint, methods=["GET"])

    return Starlette(
        routes=[
            *(file(name) for name in ("index.html", "viewer.css", *SCRIPTS)),
            Route("/data/{path:path}", data, methods=["GET"]),
        ],
        middleware=[Middleware(Guard, addresses=Addresses.of(host), mcp_path="/mcp")],
    )


def serve(evals: Path, listener: socket.socket, host: str, fragment: str, browse: bool) -> None:
    """Serve until SIGINT or SIGTERM; print the address once requests are answered, and open it if ``browse``."""
    import uvicorn

    address = f"http://{host}:{listener.getsockname()[1]}/{fragment}"

    class Server(uvicorn.Server):
        """Says where it listens, and ends without raising the signal that ended it again."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            print(f"page {address}", flush=True)  # noqa: T201
            if browse:
                import webbrowser

                webbrowser.open(address)

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self.handle_exit, number, None)
            yield

    config = uvicorn.Config(
        build_app(evals, host), http="h11", ws="none", lifespan="off", access_log=False, log_level="error",
        server_header=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    asyncio.run(Server(config).serve([listener]))
