"""The child's side of the worker: become the process that the client asked for, and run its command."""

from __future__ import annotations

import atexit
import gc
import io
import os
import signal
import sys
import threading
import time
import traceback
from typing import NoReturn

PR_SET_PDEATHSIG = 1


def _load_prctl() -> object | None:
    """Linux's ``prctl``, found before the first fork so that a child pays nothing for it."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    return getattr(ctypes.CDLL(None), "prctl", None)


_prctl = _load_prctl()


def run_command(parent: int, descriptors: list[int], request: bytes) -> NoReturn:
    """Take over the client's surroundings, run the command, and end this process with its exit code."""
    code = 1
    try:
        # A stage lives for less than a second; collecting cycles meanwhile costs a tenth of it and frees nothing.
        gc.disable()
        os.setpgid(0, 0)
        _die_with(parent)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        arguments = _take_over(descriptors, request)
        code = _run(arguments)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
    except KeyboardInterrupt:
        code = 130
    except BaseException:  # noqa: BLE001 - the last frame of this process: shown as the interpreter would show it
        traceback.print_exc()
    finally:
        code = _finish(code)
        os._exit(code & 0xFF)


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
