"""The child's side of the worker: become the process that a client asked for, run its command, stay for the next."""

from __future__ import annotations

import array
import atexit
import gc
import io
import os
import resource
import signal
import socket
import sys
import threading
import time
import traceback
from typing import NoReturn

PR_SET_PDEATHSIG = 1
INTERRUPTED = 130
LARGEST_REQUEST = 64 * 2**20
UNCOLLECTED = 30_000
"""Containers that have become more since the last collection, after which a child looks for cycles among them."""
MEMORY = 600
"""MiB at the peak, after which a child is replaced."""


def _memory() -> float:
    """The most memory that this process has had so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def _load_prctl() -> object | None:
    """Linux's ``prctl``, found before the first fork so that a child pays nothing for it."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    return getattr(ctypes.CDLL(None), "prctl", None)


_prctl = _load_prctl()


def serve(parent: int, channel: socket.socket) -> NoReturn:
    """Run the commands that come by ``channel``, one at a time, until it is closed.

    After each the exit code is sent in a byte, and in another whether this process can take one more.
    """
    try:
        # A stage lives for less than a second; collecting cycles meanwhile costs a tenth of it and frees nothing.
        gc.disable()
        os.setpgid(0, 0)
        _die_with(parent)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stays = True
        while stays:
            files: list[int] = []
            request = receive(channel, files)
            if request is None:
                break
            code, stays = run_command(files, request)
            stays = stays and threading.active_count() == 1 and _memory() < MEMORY
            channel.sendall(bytes([code & 0xFF, stays]))
            if gc.get_count()[0] > UNCOLLECTED:
                gc.collect()
                gc.freeze()  # what is kept from here on is freed by its references, and not looked at again
        os._exit(0)
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)
    finally:
        os._exit(1)


def receive(connection: socket.socket, descriptors: list[int]) -> bytes | None:
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


def run_command(files: list[int], request: bytes) -> tuple[int, bool]:
    """Take over the client's surroundings and run the command. Its exit code, and whether it simply returned."""
    code, usual = 1, False
    try:
        arguments = _take_over(files, request)
        code = _run(arguments)
        usual = True
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BaseException:  # noqa: BLE001 - shown as the interpreter would show it
        traceback.print_exc()
    code = _finish(code)
    _let_go()
    return code, usual


def _run(arguments: list[str]) -> int:
    from awm_lib.cli import main

    return main(arguments)


def _take_over(descriptors: list[int], request: bytes) -> list[str]:
    """Make files, directory, umask and environment the client's; return the arguments of the command."""
    for target, number in enumerate(descriptors):
        os.dup2(number, target)
    for number in descriptors:
        os.close(number)
    _reopen_streams()
    umask, cwd, count, *rest = request.split(b"\0")
    words, variables = rest[: int(count)], rest[int(count) :]
    os.umask(int(umask))
    arguments = [os.fsdecode(word) for word in words]
    _set_environment(variables)
    sys.argv = ["awm", *arguments]
    os.chdir(cwd)
    return arguments


def _let_go() -> None:
    """Keep neither the client's files nor its directory."""
    empty = os.open(os.devnull, os.O_RDWR)
    for target in range(3):
        os.dup2(empty, target)
    os.close(empty)
    os.chdir("/")


def _set_environment(variables: list[bytes]) -> None:
    wanted = dict(variable.split(b"=", 1) for variable in variables)
    current = os.environb
    for name in [name for name in current if name not in wanted]:
        del current[name]
    for name, value in wanted.items():
        if current.get(name) != value:
            current[name] = value
    time.tzset()


def _reopen_streams() -> None:
    """Text streams over the new descriptors, set up as the interpreter sets up its own."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        old = getattr(sys, f"__{name}__")
        raw = io.FileIO(number, mode, closefd=False)
        buffer = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
        stream = io.TextIOWrapper(
            buffer,
            encoding=old.encoding,
            errors=old.errors,
            line_buffering=name == "stderr" or raw.isatty(),
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _die_with(parent: int) -> None:
    """Have this process killed when the worker is killed: by the kernel on Linux, elsewhere by a watching thread."""
    if _prctl is not None:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # type: ignore[operator]
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it was killed in between
        os._exit(1)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGKILL)


def _finish(code: int) -> int:
    """What the interpreter does at its end: wait for threads, run exit functions, flush."""
    try:
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        return code or 141
    except BaseException:  # noqa: BLE001 - as above
        traceback.print_exc()
        return code or 120
    return code
