"""Running an application on a bound socket until the process is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from starlette.applications import Starlette


def run(
    app: Starlette,
    listener: socket.socket,
    started: Callable[[], None],
    *,
    lifespan: bool = False,
    grace: int = 1,
    keep_alive: int = 5,
) -> None:
    """Serve until SIGINT or SIGTERM; call ``started`` once requests are answered.

    ``lifespan`` is whether the application has a beginning and an end of its own, ``grace`` how many seconds open
    requests have at the end, ``keep_alive`` how many seconds a connection may be idle.
    """

    class Server(uvicorn.Server):
        """Says that it listens, and ends without raising the signal that ended it again."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started()

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self.handle_exit, number, None)
            yield

    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="on" if lifespan else "off",
        access_log=False,
        log_level="error",
        server_header=False,
        timeout_graceful_shutdown=grace,
        timeout_keep_alive=keep_alive,
    )
    asyncio.run(Server(config).serve([listener]))
