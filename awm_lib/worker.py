"""A warm process that runs stage commands: imports once, then forks a child for each command.

The client (``awm_lib.worker_client``) starts it and talks to it. A child takes over the client's arguments, directory,
umask, environment and open files, runs ``awm_lib.cli.main`` and ends: nothing that a command does outlives it. What the
worker guarantees:

- **No stale code.** Before each command the size and time of every file of the package, and of the installed packages'
  folders, are compared with what they were before the imports. On any difference it refuses, and ends.
- **No orphans.** A command whose client has gone is interrupted, then killed. If the worker is killed, its commands are
  killed with it, and their clients report failure.
- **No leftovers.** It ends after ``IDLE`` seconds without a command, and when its socket was removed or replaced.

One thread only: forking is safe, and there is nothing to lock.
"""

from __future__ import annotations

import os
import sys

if not __package__:  # started by its path: import the package beside it, not one that is installed elsewhere
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120

import array
import contextlib
import selectors
import shlex
import signal
import socket
import struct
import subprocess
import time

from awm_lib import worker_client as protocol
from awm_lib.worker_child import run_command
from awm_lib.worker_preload import Fingerprint, fingerprint, preload, preload_for

IDLE = float(os.environ.get("AWM_WORKER_IDLE", "60"))  # seconds without a command, after which the worker ends
GRACE = 2.0  # seconds between interrupting a command whose client has gone, and killing it
REQUEST_TIMEOUT = 5.0  # seconds for a client to send its whole request
LARGEST_REQUEST = 64 * 2**20


def stage_command() -> str:
    """The words that a rule's shell line begins with, in place of ``awm``, quoted for the shell."""
    script = os.path.join(protocol.PACKAGE, "stage.py")  # noqa: PTH118
    return shlex.join([sys.executable, "-I", "-S", script])


def start_early(*arguments: str) -> None:
    """Start the worker in the background, so that it is warm when the first stage asks for it.

    ``arguments`` are of a command whose own imports it is to have as well.
    """
    subprocess.Popen(
        [*shlex.split(stage_command()), *(arguments or ("--version",))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


class Running:
    """A command that runs: its child process, its client's connection, and when to kill it if it was abandoned."""

    __slots__ = ("connection", "kill_at", "pid")

    def __init__(self, pid: int, connection: socket.socket) -> None:
        self.pid = pid
        self.connection = connection
        self.kill_at: float | None = None

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


class Server:
    """Accepts commands on a listening socket until it is idle, stale or unwanted, and ends when the last has ended."""

    def __init__(self, listener: socket.socket, path: str, before: Fingerprint) -> None:
        self.path = path
        self.inode = _inode(path)
        self.code = before
        self.running: dict[int, Running] = {}
        self.listener: socket.socket | None = listener
        self.selector = selectors.DefaultSelector()
        self.selector.register(listener, selectors.EVENT_READ)
        self.wake_read, wake_write = socket.socketpair()
        self.wake_read.setblocking(False)
        wake_write.setblocking(False)
        self.wake_write = wake_write
        self.selector.register(self.wake_read, selectors.EVENT_READ)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # a handler, so that the wake-up descriptor is written
        signal.set_wakeup_fd(wake_write.fileno(), warn_on_full_buffer=False)
        self.last_used = time.monotonic()

    def serve(self) -> None:
        """Run until closed and the last command has ended."""
        while self.listener is not None or self.running:
            for key, _ in self.selector.select(self._patience()):
                if key.fileobj is self.listener:
                    self._accept()
                elif key.fileobj is self.wake_read:
                    self._drain()
                else:
                    self._abandoned(key.data)
            self._reap()
            self._kill_overdue()
            if self.listener is not None and not self._wanted():
                self._close()

    def _patience(self) -> float:
        overdue = [each.kill_at for each in self.running.values() if each.kill_at is not None]
        limit = min([*overdue, time.monotonic() + min(IDLE, 5.0)])
        return max(0.0, limit - time.monotonic())

    def _wanted(self) -> bool:
        if _inode(self.path) != self.inode:
            return False
        return bool(self.running) or time.monotonic() - self.last_used < IDLE

    def _close(self) -> None:
        """Take no more commands. The name goes first, so that no client replaces it while this one still listens."""
        if self.listener is None:
            return
        if _inode(self.path) == self.inode:
            os.unlink(self.path)  # noqa: PTH108
        self.selector.unregister(self.listener)
        self.listener.close()
        self.listener = None

    def _accept(self) -> None:
        assert self.listener is not None
        connection, _ = self.listener.accept()
        connection.settimeout(REQUEST_TIMEOUT)
        self.last_used = time.monotonic()
        descriptors: list[int] = []
        started = False
        try:
            request = _receive(connection, descriptors) if _same_user(connection) else None
            if request is None:
                return
            # Code may also have changed while what this command needs was imported.
            if fingerprint() != self.code or (preload_for(_command(request)) and fingerprint() != self.code):
                connection.sendall(protocol.STALE)
                self._close()
                return
            connection.sendall(protocol.STARTED)
            self._fork(connection, descriptors, request)
            started = True
        except OSError as error:
            # The client went away, or no process can be made: it sees its connection close, and says so.
            print(f"not run: {error}", file=sys.stderr, flush=True)
        finally:
            for number in descriptors:
                os.close(number)
            if not started:
                connection.close()

    def _fork(self, connection: socket.socket, descriptors: list[int], request: bytes) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            if self.listener is not None:
                os.close(self.listener.fileno())
            run_command(parent, descriptors, request)  # does not return
        with contextlib.suppress(OSError):  # the child does the same; whoever is first
            os.setpgid(pid, pid)
        connection.settimeout(None)
        self.running[pid] = Running(pid, connection)
        self.selector.register(connection, selectors.EVENT_READ, self.running[pid])

    def _abandoned(self, command: Running) -> None:
        """The client has closed its end: it was killed, or it wants the command interrupted."""
        self.selector.unregister(command.connection)
        command.kill_at = time.monotonic() + GRACE
        command.signal(signal.SIGINT)

    def _kill_overdue(self) -> None:
        now = time.monotonic()
        for command in self.running.values():
            if command.kill_at is not None and command.kill_at <= now:
                command.kill_at = now + GRACE
                command.signal(signal.SIGKILL)

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self.wake_read.recv(4096):
                pass

    def _reap(self) -> None:
        while self.running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            command = self.running.pop(pid, None)
            if command is None:
                continue
            self.last_used = time.monotonic()
            code = os.waitstatus_to_exitcode(status)
            with contextlib.suppress(OSError):  # nobody waits for it any more
                command.connection.sendall(protocol.EXIT + bytes([code if code >= 0 else 128 - code]))
            if command.kill_at is None:
                self.selector.unregister(command.connection)
            command.connection.close()


def _command(request: bytes) -> str:
    """The name of the command that a request asks for; empty if it names none."""
    fields = request.split(b"\0", 4)
    return os.fsdecode(fields[3]) if len(fields) > 3 and fields[2] != b"0" else ""


def _inode(path: str) -> int | None:
    try:
        return os.lstat(path).st_ino
    except FileNotFoundError:
        return None


def _same_user(connection: socket.socket) -> bool:
    """Whether the client runs as this user. The directory admits nobody else; this is the second lock."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return bool(uid == os.getuid())


def _receive(connection: socket.socket, descriptors: list[int]) -> bytes | None:
    """The request, its three open files added to ``descriptors``; None if it is not one."""
    header, ancillary, _, _ = connection.recvmsg(8, socket.CMSG_SPACE(16 * 4))
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            numbers = array.array("i")
            numbers.frombytes(data[: len(data) - len(data) % numbers.itemsize])
            descriptors.extend(numbers)
    if len(header) != 8 or len(descriptors) != 3:
        return None
    length = int.from_bytes(header, "big")
    if length > LARGEST_REQUEST:
        return None
    parts = bytearray()
    while len(parts) < length:
        piece = connection.recv(min(length - len(parts), 1 << 20))
        if not piece:
            return None
        parts += piece
    return bytes(parts)


def main(path: str) -> None:
    """Serve on the inherited listening socket, whose name is ``path``."""
    with contextlib.suppress(PermissionError):  # a session of its own: signals of the client's terminal are not for it
        os.setsid()
    os.closerange(protocol.LISTENER + 1, 4096)
    listener = socket.socket(fileno=protocol.LISTENER)
    listener.set_inheritable(False)
    before = fingerprint()
    preload()
    os.chdir("/")
    Server(listener, path, before).serve()
    with contextlib.suppress(FileNotFoundError):  # it ended well: nobody needs what it had to say
        os.unlink(path.removesuffix(".sock") + ".log")  # noqa: PTH108


if __name__ == "__main__":
    main(sys.argv[1])
