"""What a request must be before anything else looks at it: addressed to us, from us, of bounded size and depth.

A web page that a person happens to have open can send requests to 127.0.0.1, and through DNS rebinding even read the
answers. Both are told by headers that a page cannot forge: Origin and Host.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from awm_lib.serve.wire import Json, refuse

MAX_BODY = 1 << 20
"""Bytes of a request's body. The longest valid call is far below it."""

MAX_DEPTH = 32
"""Levels of arrays and objects in a body. A call needs five, with the protocol's envelope around it."""

DRAIN = 32 << 20
"""Bytes of an oversized body that are read and dropped, so that its sender gets to read the answer."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


@dataclass(frozen=True)
class Addresses:
    """The names under which a server may be addressed."""

    names: frozenset[str]
    any_ip: bool = False
    """Also any literal IP address: DNS rebinding needs a name, so an address in Host is no sign of it."""

    @classmethod
    def of(cls, bound: str, extra: Collection[str] = ()) -> Addresses:
        """The names for a server bound to this host: loopback names, its own, and those given by a person."""
        names = _LOOPBACK | {name.lower() for name in extra}
        if is_loopback(bound):
            return cls(names | {bound.lower()})
        return cls(names | {bound.lower(), socket.gethostname().lower()}, any_ip=True)

    def include(self, host: str) -> bool:
        """Whether a Host header names this server."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self.names or (self.any_ip and _is_ip(name))


def is_loopback(host: str) -> bool:
    """Whether a server bound to this host is reachable from this machine only."""
    return host.lower() == "localhost" or (_is_ip(host) and ipaddress.ip_address(host).is_loopback)


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def too_deep(body: bytes, limit: int = MAX_DEPTH) -> bool:
    """Whether JSON nests deeper than the limit, without parsing it (a parser would recurse)."""
    if body.count(b"[") + body.count(b"{") <= limit:
        return False
    depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        if depth > limit:
            return True
    return False


class Guard:
    """ASGI middleware that refuses what must not reach the application, with a message for the sender."""

    def __init__(self, app: ASGIApp, addresses: Addresses, mcp_path: str) -> None:
        self.app = app
        self.addresses = addresses
        self.mcp_path = mcp_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._check_sender(headers)
        if refusal is None and scope["method"] == "POST":
            body = await self._body(headers, receive)
            if body is None:
                refusal = "limit_exceeded", f"the request is larger than {MAX_BODY:,} bytes: send less", 413
            elif b"\0" in body:
                # UTF-16 and UTF-32, which Python's parser would take; JSON between systems is UTF-8 (RFC 8259).
                refusal = "invalid_arguments", "the body is not JSON in UTF-8", 400
            elif too_deep(body):
                refusal = "invalid_arguments", f"the JSON is nested more than {MAX_DEPTH} levels deep: flatten it", 400
            else:
                receive = _replay(body, receive)
        if refusal is not None:
            await self._response(scope, *refusal)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _check_sender(self, headers: dict[bytes, str]) -> tuple[str, str, int] | None:
        host = headers.get(b"host", "")
        if not self.addresses.include(host):
            return (
                "not_allowed",
                f"this server does not answer for the host {host[:100]!r}: use its address, "
                "or start it with --allow-host",
                421,
            )
        origin = headers.get(b"origin")
        if origin is not None and origin.lower() not in (f"http://{host.lower()}", f"https://{host.lower()}"):
            return "not_allowed", f"requests of web pages from {origin[:100]!r} are not accepted", 403
        return None

    async def _body(self, headers: dict[bytes, str], receive: Receive) -> bytes | None:
        """The whole body, or None if it is too large."""
        announced = headers.get(b"content-length", "")
        if announced.isdecimal() and int(announced) > DRAIN:
            return None
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return b"".join(parts)
            size += len(message.get("body", b""))
            if size <= MAX_BODY:
                parts.append(message.get("body", b""))
            if not message.get("more_body", False) or size > DRAIN:
                return b"".join(parts) if size <= MAX_BODY else None

    def _response(self, scope: Scope, kind: str, message: str, status: int) -> Response:
        if scope["path"] == self.mcp_path:
            error = {"code": -32600, "message": message, "data": {"kind": kind}}
            return Json({"jsonrpc": "2.0", "id": None, "error": error}, status)
        return refuse(kind, message, status)


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
