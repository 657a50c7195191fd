"""Serving the viewer on this machine: the page, its files, and its data."""

from __future__ import annotations

import socket
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
    from awm_lib.serve.pages import HEADERS
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
            return Response(page_file(name), headers=HEADERS, media_type=TYPES[Path(name).suffix])

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
    from awm_lib.serve.running import run

    address = f"http://{host}:{listener.getsockname()[1]}/{fragment}"

    def started() -> None:
        print(f"page {address}", flush=True)  # noqa: T201
        if browse:
            import webbrowser

            webbrowser.open(address)

    run(build_app(evals, host), listener, started)
