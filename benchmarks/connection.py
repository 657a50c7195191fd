"""A raw keep-alive HTTP connection: as little client as there can be, so that the server is what is measured."""

from __future__ import annotations

import json
import re
import socket
from typing import Any, Self
from urllib.parse import urlsplit

from awm_lib.errors import AwmError

PATIENCE = 60.0
PROTOCOL = "2026-07-28"
_META = {"io.modelcontextprotocol/protocolVersion": PROTOCOL, "io.modelcontextprotocol/clientCapabilities": {}}
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)


class Connection:
    """One TCP connection to a server; requests go one after the other."""

    def __init__(self, base: str) -> None:
        address = urlsplit(base)
        self.host = address.netloc
        self._socket = socket.create_connection((address.hostname, address.port or 80), timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def request(self, method: str, **params: Any) -> bytes:
        """The bytes of an MCP request of the sessionless protocol."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": _META}}
        data = json.dumps(body).encode()
        lines = [
            "POST /mcp HTTP/1.1",
            f"host: {self.host}",
            "content-type: application/json",
            "accept: application/json, text/event-stream",
            f"mcp-protocol-version: {PROTOCOL}",
            f"mcp-method: {method}",
            *([f"mcp-name: {params['name']}"] if "name" in params else []),
            f"content-length: {len(data)}",
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + data

    def exchange(self, request: bytes) -> bytes:
        """Send a request and return the body of its answer. Raises AwmError unless that is 200 with a length."""
        self._socket.sendall(request)
        received = b""
        while True:
            piece = self._socket.recv(1 << 18)
            if not piece:
                raise AwmError("the server closed the connection")
            received += piece
            head, separator, body = received.partition(b"\r\n\r\n")
            if not separator:
                continue
            length = _LENGTH.search(head)
            if not head.startswith(b"HTTP/1.1 200") or length is None:
                raise AwmError(f"the server answers {received[:300].decode(errors='replace')}")
            if len(body) >= int(length.group(1)):
                return body
