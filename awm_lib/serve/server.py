"""Running the server of one environment: its command line, its socket, its start line and its end."""

from __future__ import annotations

import argparse
import errno
import gc
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from awm_lib.cli import guard
from awm_lib.errors import AwmError

if TYPE_CHECKING:
    from awm_lib.runtime import Environment

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8001


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of every command that serves."""
    parser.add_argument("--host", default=DEFAULT_HOST, help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=_port, default=DEFAULT_PORT, help="port to listen on, 0 for any free one (default: %(default)s)"
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="also answer to this host name, such as a proxy's; may be repeated",
    )


def serve_file(path: str | Path, argv: Sequence[str] | None = None) -> None:
    """Serve the environment of a compiled server.py until the process is told to stop.

    This is what ``python results/<scenario>/server.py`` runs. It ends the process with a message, and no traceback, if
    the file is not what its sources compile to, if the environment does not load, or if the port is taken.
    """
    file = Path(path)
    parser = argparse.ArgumentParser(
        prog=f"python {file}", description=f"Serve {file.resolve().parent.name}: MCP at /mcp, REST, and a page."
    )
    add_options(parser)
    options = parser.parse_args(argv)
    sys.exit(guard(lambda: serve_directory(file.parent, options)))


def serve_directory(directory: Path, options: argparse.Namespace) -> int:
    """Check, load and serve one environment; 0 when told to stop. Raises AwmError if it cannot be served."""
    # First the socket: it costs nothing, and a port in use is the most frequent mistake.
    with listen(options.host, options.port) as listener:
        from awm_lib.compile.server import check_server
        from awm_lib.runtime import Environment

        check_server(directory)
        serve(Environment.load(directory), listener, options.host, options.allow_host)
    return 0


def serve(env: Environment, listener: socket.socket, host: str, allow_hosts: Sequence[str] = ()) -> None:
    """Serve an environment on a bound socket until SIGINT or SIGTERM; print one line once requests are answered."""
    gc.disable()  # the imports make some hundred thousand objects that all stay
    from awm_lib.serve.app import MCP_PATH, build_app
    from awm_lib.serve.running import run

    app = build_app(env, host=host, allow_hosts=allow_hosts)
    gc.freeze()
    gc.enable()

    def started() -> None:
        base = f"http://{_authority(host, listener.getsockname()[1])}"
        print(f"{env.name}  MCP {base}{MCP_PATH}  REST {base}/docs  page {base}/", flush=True)  # noqa: T201

    # An agent thinks between two calls, so an idle connection stays.
    run(app, listener, started, lifespan=True, grace=2, keep_alive=75)


def listen(host: str, port: int) -> socket.socket:
    """Bind a socket. Raises AwmError naming the port and the option that changes it."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise AwmError(
            f"cannot listen on host {host!r}: {error.strerror}", hint="give an address with --host"
        ) from None
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        # Listening at once also refuses a second server that bound the same port and has not listened yet.
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise AwmError(
                f"port {port} of {host} is in use", hint="stop what uses it, or choose another port with --port"
            ) from None
        if error.errno == errno.EACCES:
            raise AwmError(f"port {port} needs more rights", hint="choose one above 1023 with --port") from None
        raise AwmError(f"cannot listen on {host} port {port}: {error.strerror}", hint="see --host and --port") from None
    return listener


def _authority(host: str, port: int) -> str:
    shown = {"0.0.0.0": DEFAULT_HOST, "::": "::1", "": DEFAULT_HOST}.get(host, host)
    return f"[{shown}]:{port}" if ":" in shown else f"{shown}:{port}"


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number from 0 to 65535")
    return int(text)
