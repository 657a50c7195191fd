"""The floor of a server: the same web stack and settings, answering every POST to /mcp with the bytes of a file."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def main(file: str) -> None:
    """Serve on any free port of the loopback interface, and say which."""
    content = Path(file).read_bytes()

    async def answer(request: Request) -> Response:
        await request.body()
        return Response(content, media_type="application/json")

    # asyncio sets TCP_NODELAY only on sockets that say they are TCP; without it each answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    app = Starlette(routes=[Route("/mcp", answer, methods=["POST"])])
    config = uvicorn.Config(app, http="h11", ws="none", access_log=False, log_level="error", server_header=False)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    asyncio.run(uvicorn.Server(config).serve([listener]))


if __name__ == "__main__":
    main(sys.argv[1])
