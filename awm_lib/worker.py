"""A warm process that runs stage commands: imports once, then forks children that run them (``awm_lib.worker_pool``).

The client (``awm_lib.worker_client``) starts it and talks to it. For each command a child takes over the client's
arguments, directory, umask, environment and open files, and runs ``awm_lib.cli.main``. What the worker guarantees:

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

import contextlib
import selectors
import shlex
import signal
import socket
import struct
import subprocess
import time

from awm_lib import worker_client as protocol
from awm_lib.worker_child import INTERRUPTED, receive
from awm_lib.worker_pool import Child, Command, Pool
from awm_lib.worker_preload import Fingerprint, fingerprint, preload, preload_for

IDLE = float(os.environ.get("AWM_WORKER_IDLE", "60"))  # seconds without a command, after which the worker ends
GRACE = 2.0  # seconds between interrupting a command whose client has gone, and killing it
REQUEST_TIMEOUT = 5.0  # seconds for a client to send its whole request


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


class Server:
    """Accepts commands on a listening socket until it is idle, stale or unwanted, and ends when the last has ended."""

    def __init__(self, listener: socket.socket, path: str, before: Fingerprint) -> None:
        self.path = path
        self.inode = _inode(path)
        self.code = before
        self.pool = Pool(self._in_child)
        self.listener: socket.socket | None = listener
        self.selector = selectors.DefaultSelector()
        self.selector.register(listener, selectors.EVENT_READ)
        self.wake_read, self.wake_write = socket.socketpair()
        self.wake_read.setblocking(False)
        self.wake_write.setblocking(False)
        self.selector.register(self.wake_read, selectors.EVENT_READ)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # a handler, so that the wake-up descriptor is written
        signal.set_wakeup_fd(self.wake_write.fileno(), warn_on_full_buffer=False)
        self.last_used = time.monotonic()

    def serve(self) -> None:
        """Run until closed and the last command has ended."""
        while self.listener is not None or self.pool.running:
            for key, _ in self.selector.select(self._patience()):
                if key.fileobj is self.listener:
                    self._accept()
                elif key.fileobj is self.wake_read:
                    self._drain()
                elif isinstance(key.data, Child):
                    self._answered(key.data)
                else:
                    self._abandoned(key.data)
            self._reap()
            self._kill_overdue()
            self._start_waiting()
            if self.listener is not None and not self._wanted():
                self._close()

    def _patience(self) -> float:
        overdue = [each.kill_at for each in self.pool.running if each.kill_at is not None]
        limit = min([*overdue, time.monotonic() + min(IDLE, 5.0)])
        return max(0.0, limit - time.monotonic())

    def _wanted(self) -> bool:
        if _inode(self.path) != self.inode:
            return False
        return bool(self.pool.running) or time.monotonic() - self.last_used < IDLE

    def _close(self) -> None:
        """Take no more commands. The name goes first, so that no client replaces it while this one still listens."""
        if self.listener is None:
            return
        if _inode(self.path) == self.inode:
            os.unlink(self.path)  # noqa: PTH108
        self.selector.unregister(self.listener)
        self.listener.close()
        self.listener = None
        while self.pool.waiting:
            self._refuse(self.pool.waiting[0], protocol.STALE)

    def _accept(self) -> None:
        assert self.listener is not None
        connection, _ = self.listener.accept()
        connection.settimeout(REQUEST_TIMEOUT)
        self.last_used = time.monotonic()
        files: list[int] = []
        request = None
        with contextlib.suppress(OSError):  # the client went away
            request = receive(connection, files) if _same_user(connection) else None
        command = Command(connection, files, request or b"")
        if request is None:
            command.close()
            return
        connection.settimeout(None)
        self.pool.waiting.append(command)
        self.selector.register(connection, selectors.EVENT_READ, command)

    def _start_waiting(self) -> None:
        """Start what can be started now; if the code has changed, all that waits is for another worker."""
        while (command := self.pool.next()) is not None:
            # Code may also have changed while what this command needs was imported.
            if fingerprint() != self.code or (preload_for(command.name) and fingerprint() != self.code):
                self._close()
                return
            try:
                child = self.pool.child_for(command)
            except OSError as error:  # no process can be made: the client sees its connection close, and says so
                print(f"not run: {error}", file=sys.stderr, flush=True)
                self._refuse(command)
                continue
            if child.channel not in self.selector.get_map():
                self.selector.register(child.channel, selectors.EVENT_READ, child)
            try:
                child.run(command)
            except OSError:  # it was killed while it was idle: the command goes to another
                self._forget(child)
                continue
            self.pool.waiting.remove(command)
            command.close_files()
            with contextlib.suppress(OSError):  # the client went away, which is seen next
                command.connection.sendall(protocol.STARTED)

    def _in_child(self) -> None:
        """Close, in a new child, what only the worker uses."""
        signal.set_wakeup_fd(-1)
        self.selector.close()
        self.wake_read.close()
        self.wake_write.close()
        if self.listener is not None:
            os.close(self.listener.fileno())

    def _refuse(self, command: Command, reply: bytes = b"") -> None:
        """Leave a command that waits to another worker, or to nobody."""
        self.pool.waiting.remove(command)
        self._reply(command, reply)

    def _reply(self, command: Command, reply: bytes) -> None:
        with contextlib.suppress(OSError):  # nobody waits for it any more
            command.connection.sendall(reply)
        if command.kill_at is None:  # else it is no longer watched
            self.selector.unregister(command.connection)
        command.close()

    def _abandoned(self, command: Command) -> None:
        """The client has closed its end: it was killed, or it wants the command interrupted."""
        if command.child is None:
            self._refuse(command, protocol.STARTED + protocol.EXIT + bytes([INTERRUPTED]))
            return
        self.selector.unregister(command.connection)
        command.kill_at = time.monotonic() + GRACE
        command.child.signal(signal.SIGINT)

    def _kill_overdue(self) -> None:
        now = time.monotonic()
        for command in self.pool.running:
            if command.kill_at is not None and command.kill_at <= now and command.child is not None:
                command.kill_at = now + GRACE
                command.child.signal(signal.SIGKILL)

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self.wake_read.recv(4096):
                pass

    def _answered(self, child: Child) -> None:
        """A child has ended its command, and says whether it can take another; or it has ended itself."""
        reply = b""
        with contextlib.suppress(OSError):
            reply = child.channel.recv(2)
        if len(reply) < 2 and child.command is None:
            self._forget(child)
            return
        if len(reply) < 2:  # how its command ended is known when it is reaped
            self.selector.unregister(child.channel)
            return
        command = child.command
        assert command is not None
        self._ended(child, reply[0])
        if not reply[1] or not command.shares or command.kill_at is not None:
            self._forget(child)

    def _ended(self, child: Child, code: int) -> None:
        command, child.command = child.command, None
        if command is not None:
            self.last_used = time.monotonic()
            self._reply(command, protocol.EXIT + bytes([code]))

    def _forget(self, child: Child) -> None:
        if child.channel in self.selector.get_map():
            self.selector.unregister(child.channel)
        self.pool.forget(child)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            child = self.pool.children.get(pid)
            if child is None:
                continue
            code = os.waitstatus_to_exitcode(status)
            # One that ends of itself while a command runs has not run it to its end.
            self._ended(child, (code or protocol.WORKER_DIED) if code >= 0 else 128 - code)
            self._forget(child)


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
