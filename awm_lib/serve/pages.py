"""The pages for people: a look at the episode, and the documentation of the REST interface.

They are plain files of this package, with no reference to any other host. Data reaches them as text only, and the
policy in their headers forbids inline scripts, so a stranger's environment cannot make a page run anything.
"""

from __future__ import annotations

from importlib import resources

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_FILES = {
    "/": ("index.html", "text/html"),
    "/docs": ("docs.html", "text/html"),
    "/assets/style.css": ("style.css", "text/css"),
    "/assets/dom.js": ("dom.js", "text/javascript"),
    "/assets/form.js": ("form.js", "text/javascript"),
    "/assets/page.js": ("page.js", "text/javascript"),
    "/assets/docs.js": ("docs.js", "text/javascript"),
}

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}
"""What goes with every page: it takes scripts, styles and data from its own server only."""


def page_routes() -> list[Route]:
    """The routes of the pages and of their files."""
    return [_route(path, *file) for path, file in _FILES.items()]


def _route(path: str, name: str, media_type: str) -> Route:
    content = resources.files(__package__).joinpath("static", name).read_bytes()

    async def endpoint(_request: Request) -> Response:
        return Response(content, headers=HEADERS, media_type=media_type)

    return Route(path, endpoint, methods=["GET"])
