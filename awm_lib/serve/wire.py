"""How results look outside the process: one JSON form, one error body, one mapping to HTTP statuses."""

from __future__ import annotations

import json
from importlib import metadata
from typing import Any

from starlette.responses import Response

# The closed vocabulary of tool errors, as HTTP statuses.
STATUS = {
    "unknown_tool": 404,
    "invalid_arguments": 422,
    "not_found": 404,
    "conflict": 409,
    "not_allowed": 403,
    "limit_exceeded": 429,
    "internal": 500,
}


def dump(value: Any) -> str:
    """Compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def version() -> str:
    """The version of this package, or 0 when it runs from a checkout that is not installed."""
    try:
        return metadata.version("awm-lib")
    except metadata.PackageNotFoundError:
        return "0"


def printable(text: str) -> str:
    """The text without lone surrogates.

    A message may quote an argument, JSON escapes can put half a character into one, and UTF-8 cannot carry that.
    """
    return text.encode("utf-8", "replace").decode()


def error_body(kind: str, message: str) -> dict[str, Any]:
    """The body of every error, over REST and as the structured content of an MCP tool error."""
    return {"error": {"kind": kind, "message": printable(message)}}


class Json(Response):
    """A JSON response; nothing that this server says is to be cached."""

    media_type = "application/json"

    def __init__(self, value: Any, status_code: int = 200, headers: dict[str, str] | None = None) -> None:
        super().__init__(
            dump(value).encode(), status_code, {"cache-control": "no-store", **(headers or {})}, self.media_type
        )


def refuse(kind: str, message: str, status_code: int | None = None, headers: dict[str, str] | None = None) -> Json:
    """An error as a response; the status follows from the kind unless it is given."""
    return Json(error_body(kind, message), status_code or STATUS[kind], headers)
