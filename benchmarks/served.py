"""Server processes: started, found by their start line, stopped."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from awm_lib.errors import AwmError
from benchmarks.processes import total_cpu

PATIENCE = 60.0


@dataclass(frozen=True)
class Served:
    """A running server."""

    base: str
    """Its address, without a path."""
    process: subprocess.Popen[str]

    def cpu(self) -> float:
        """Seconds of CPU that it has used."""
        return total_cpu(psutil.Process(self.process.pid))


@contextlib.contextmanager
def serving(command: Sequence[str], *, cwd: Path, environment: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Run a server until the block ends. Raises AwmError if it says no address."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            address = re.search(r"http://[\w.:]+", line)
            if address is None:
                process.wait(PATIENCE)
                errors.seek(0)
                raise AwmError(f"the server did not start: {errors.read().strip()[-500:]}")
            yield Served(address.group(), process)
        finally:
            if process.poll() is None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(10)
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
