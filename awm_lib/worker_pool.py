"""The worker's commands that wait or run, and its children, which run them.

A child that has run one of the stages of an environment takes the next: forking costs more than many of the stages do,
and what was compiled for one stage of an environment serves the next (``awm_lib.memo``). No more of them run at once
than there are processors, however many jobs the build has; those that wait for a language model run all at once.
"""

from __future__ import annotations

import array
import contextlib
import os
import socket
from collections.abc import Callable

from awm_lib.processors import processors
from awm_lib.worker_child import serve

STAGES = frozenset({"synthesize", "database", "server", "oracle", "verifier", "certify"})
"""Commands that compute."""
WAITING_STAGES = frozenset({"write", "solve"})
"""Commands that wait for a language model."""
REMEMBERED = 12
"""Environments of which a child is expected to know what it compiled."""


class Command:
    """A command that waits or runs: its client's connection, the client's open files, and when to kill it."""

    __slots__ = ("about", "child", "computes", "connection", "files", "kill_at", "name", "request", "shares")

    def __init__(self, connection: socket.socket, files: list[int], request: bytes) -> None:
        words = _words(request)
        self.connection = connection
        self.files = files
        self.request = request
        self.name = words[0] if words else ""
        self.computes = self.name in STAGES
        self.shares = self.computes or self.name in WAITING_STAGES
        """Whether it leaves nothing behind, so that its child can take another; the rest get one of their own."""
        self.about = words[1] if len(words) > 1 else ""
        """The environment's directory, for a stage."""
        self.child: Child | None = None
        self.kill_at: float | None = None

    def close_files(self) -> None:
        """Close this process's copies of the client's files."""
        while self.files:
            os.close(self.files.pop())

    def close(self) -> None:
        """Let go of the client."""
        self.close_files()
        self.connection.close()


class Child:
    """A process that runs one command at a time."""

    __slots__ = ("channel", "command", "knows", "pid")

    def __init__(self, pid: int, channel: socket.socket) -> None:
        self.pid = pid
        self.channel = channel
        self.command: Command | None = None
        self.knows: dict[str, None] = {}
        """The environments that it was asked about, the newest last."""

    def signal(self, number: int) -> None:
        """Signal its whole process group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def run(self, command: Command) -> None:
        """Hand it a command. Raises OSError if it is gone."""
        size = len(command.request).to_bytes(8, "big")
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", command.files))]
        self.channel.sendmsg([size], rights)
        self.channel.sendall(command.request)
        self.command, command.child = command, self
        self.knows.pop(command.about, None)
        self.knows[command.about] = None
        if len(self.knows) > REMEMBERED:
            del self.knows[next(iter(self.knows))]


class Pool:
    """The commands that wait, in the order in which they came, and the children."""

    def __init__(self, in_child: Callable[[], None]) -> None:
        """``in_child`` is called first in each new child, to close what only the worker uses."""
        self.in_child = in_child
        self.limit = processors()
        self.waiting: list[Command] = []
        self.children: dict[int, Child] = {}

    @property
    def running(self) -> list[Command]:
        """The commands that run."""
        return [child.command for child in self.children.values() if child.command is not None]

    @property
    def idle(self) -> list[Child]:
        """The children that could take a command."""
        return [child for child in self.children.values() if child.command is None]

    def next(self) -> Command | None:
        """The command to start now, if any: one whose environment an idle child knows, or else the oldest."""
        free = sum(command.computes for command in self.running) < self.limit
        ready = [command for command in self.waiting if free or not command.computes]
        known = {about for child in self.idle for about in child.knows}
        elsewhere = {about for child in self.children.values() if child.command for about in child.knows} - known
        return min(ready, key=lambda one: (one.about not in known, one.about in elsewhere), default=None)

    def child_for(self, command: Command) -> Child:
        """An idle child, best one that knows the environment, or a new one. Raises OSError if none can be made."""
        if not command.shares or not self.idle:
            return self._fork()
        return next((child for child in self.idle if command.about in child.knows), self.idle[0])

    def _fork(self) -> Child:
        here, there = socket.socketpair()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            here.close()
            for child in self.children.values():
                child.channel.close()
            for command in [*self.waiting, *self.running]:
                command.close()
            self.in_child()
            serve(parent, there)  # does not return
        there.close()
        with contextlib.suppress(OSError):  # the child does the same; whoever is first
            os.setpgid(pid, pid)
        self.children[pid] = Child(pid, here)
        return self.children[pid]

    def forget(self, child: Child) -> None:
        """Take no more notice of a child; it ends when its channel is closed."""
        self.children.pop(child.pid, None)
        child.channel.close()


def _words(request: bytes) -> list[str]:
    """The first two arguments of the command that a request asks for."""
    fields = request.split(b"\0", 5)
    if len(fields) < 4 or not fields[2].isdigit():
        return []
    return [os.fsdecode(field) for field in fields[3:5]][: int(fields[2])]
