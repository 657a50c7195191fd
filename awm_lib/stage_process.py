"""A stage command of a rule, run by the worker without a shell and a client in between.

The shell and the client take longer than some of the stages do, and a build has thousands of them. What a rule says
stays a shell line, which does the same when it is run by hand, or where there is no worker.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from typing import Any

from awm_lib import worker_client
from awm_lib.worker import stage_command
from awm_lib.worker_pool import STAGES

_LINE = re.compile(
    r"(?:set -euo pipefail;)?\s*(?P<words>[^>]*?)\s+(?P<which>2?)>\s*(?P<log>[^\s>&]+)(?P<both> 2>&1)?\s*"
)
_SHELL = re.compile(r"[^A-Za-z0-9_@%+=:,./'\s-]")
"""Characters that a shell may take for more than themselves."""

UMASK = worker_client.current_umask()
"""This process's, found while it has one thread."""


class StageProcess:
    """What ``subprocess.Popen`` is to a command: its exit code, once there is one."""

    def __init__(self, line: str, arguments: list[str], log: str, *, both: bool, options: dict[str, Any]) -> None:
        self.pid = os.getpid()
        self._line, self._arguments, self._log, self._both, self._options = line, arguments, log, both, options

    def wait(self) -> int:
        """Have the command run to its end; its exit code."""
        try:
            log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        except OSError:
            return self._in_a_shell()  # which says what is wrong
        environment = {os.fsencode(name): os.fsencode(value) for name, value in self._options["env"].items()}
        try:
            code = worker_client.ask(self._arguments, environment, (0, log if self._both else 1, log), UMASK)
        finally:
            os.close(log)
        return self._in_a_shell() if code is None else code

    def _in_a_shell(self) -> int:
        return subprocess.run(self._line, check=False, **self._options).returncode

    def kill(self) -> None:
        """Nothing: a stage is over in less than a second, and what it writes replaces whole files."""

    terminate = kill


def open_process(line: str, **options: Any) -> Any:
    """A process for a shell line: of the worker if the line is one stage and no more, else of a shell."""
    found = _stage(line) if options.get("shell") and not isinstance(options.get("stdout"), int) else None
    if found is None:
        return subprocess.Popen(line, **options)
    arguments, log, both = found
    return StageProcess(line, arguments, log, both=both, options=options)


def _stage(line: str) -> tuple[list[str], str, bool] | None:
    """Arguments, log, and whether all output goes there, of a line that runs one stage; None for other lines."""
    match = _LINE.fullmatch(line)
    if match is None or os.environ.get("AWM_WORKER") == "0" or _SHELL.search(match["words"] + match["log"]):
        return None
    words, command = shlex.split(match["words"]), shlex.split(stage_command())
    (log,) = shlex.split(match["log"])
    arguments = words[len(command) :]
    if words[: len(command)] != command or not arguments or arguments[0] not in STAGES:
        return None
    if bool(match["which"]) == bool(match["both"]):
        return None
    return arguments, log, bool(match["both"])
