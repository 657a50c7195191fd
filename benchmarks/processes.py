"""Running and watching processes: wall time, CPU time, memory."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from awm_lib.errors import AwmError

PATIENCE = 1_800.0
"""Seconds after which a measured command is given up."""
EVERY = 0.1
"""Seconds between two looks at the memory of a command."""


@dataclass(frozen=True)
class Run:
    """What a command took."""

    command: str
    seconds: float
    cpu: float
    """Seconds of CPU of the command and everything it waited for, and of the worker that served it."""
    peak: int
    """Bytes: the most that all its processes held together at one time, shared pages counted once where possible."""
    code: int
    output: str

    def checked(self) -> Run:
        """Itself. Raises AwmError with the last lines of its output if it failed."""
        if self.code != 0:
            last = "\n".join(f"    {line}" for line in self.output.strip().splitlines()[-12:])
            raise AwmError(f"exit code {self.code}: {self.command}\n{last}")
        return self


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    marker: str = "",
    check: bool = True,
) -> Run:
    """Run a command to its end. ``marker`` is what the command lines of processes have that it uses, but did not start
    itself (a worker). Raises AwmError with its last lines if it fails and ``check`` is set.
    """
    before = _children_cpu()
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watch = Watch(process.pid, marker)
    watch.start()
    try:
        output, _ = process.communicate(timeout=PATIENCE)
        seconds = time.perf_counter() - began
    except subprocess.TimeoutExpired:
        raise AwmError(f"not over after {PATIENCE:.0f} s: {shown(command)}") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        watch.stop()
    worker = watch.worker_cpu()
    done = Run(
        command=shown(command),
        seconds=seconds,
        cpu=_children_cpu() - before + worker,
        peak=watch.peak,
        code=process.returncode,
        output=output,
    )
    return done.checked() if check else done


def python(*arguments: str) -> list[str]:
    """A command line of this interpreter."""
    return [sys.executable, *arguments]


def shown(command: Sequence[str]) -> str:
    """A command line for a person."""
    return " ".join("python" if word == sys.executable else word for word in command)


def cpu_milliseconds(
    command: Sequence[str], *, cwd: Path, repeats: int, environment: Mapping[str, str] | None = None
) -> float:
    """The mean CPU time of a command, without processes that it leaves behind. Raises AwmError if it fails."""
    before = _children_cpu()
    for _ in range(repeats):
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        if done.returncode != 0:
            raise AwmError(f"exit code {done.returncode}: {shown(command)}: {done.stderr.strip()[-500:]}")
    return (_children_cpu() - before) / repeats * 1_000


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def find(marker: str) -> list[psutil.Process]:
    """The processes whose command lines have a text."""
    return [process for process in psutil.process_iter() if marker in _command_line(process)]


def total_cpu(process: psutil.Process) -> float:
    """Seconds of CPU of a process and of those of its children that have ended."""
    used = process.cpu_times()
    return float(used.user + used.system + used.children_user + used.children_system)


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


class Watch(threading.Thread):
    """Looks at the memory of a command's processes until it is stopped."""

    def __init__(self, root: int, marker: str) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._marker = marker
        self._over = threading.Event()
        self._members = {root: psutil.Process(root)}
        self._strangers = {pid for pid in psutil.pids() if pid != root}
        self._before = {process.pid: total_cpu(process) for process in self._workers(self._strangers)}

    def run(self) -> None:
        """Look, until stopped."""
        while not self._over.wait(EVERY):
            self._look()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self.join()

    def worker_cpu(self) -> float:
        """Seconds of CPU that workers used meanwhile."""
        pids = {*self._members, *self._before}
        return sum(total_cpu(process) - self._before.get(process.pid, 0.0) for process in self._workers(pids))

    def _workers(self, pids: set[int]) -> list[psutil.Process]:
        """The worker processes among some; not the children that they forked, which are added up in them."""
        if not self._marker:
            return []
        found = {}
        for pid in pids:
            try:
                process = psutil.Process(pid)
                if self._marker in _command_line(process):
                    found[pid] = process
            except psutil.NoSuchProcess:
                continue
        return [process for process in found.values() if process.ppid() not in found]

    def _look(self) -> None:
        for pid in psutil.pids():
            if pid in self._members or pid in self._strangers:
                continue
            try:
                process = psutil.Process(pid)
                ours = process.ppid() in self._members or (self._marker and self._marker in _command_line(process))
            except psutil.Error:
                continue
            if ours:
                self._members[pid] = process
            else:
                self._strangers.add(pid)
        held = 0
        for pid, process in list(self._members.items()):
            try:
                held += _memory(process)
            except psutil.Error:
                if not psutil.pid_exists(pid):
                    del self._members[pid]
        self.peak = max(self.peak, held)


def _memory(process: psutil.Process) -> int:
    """Bytes of a process: its share of shared pages where the system tells, else its resident set."""
    held = process.memory_full_info()
    return int(getattr(held, "pss", held.rss))
