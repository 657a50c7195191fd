"""Times the stages of a build without Snakemake: stage_work.py DIRECTORY..., each a built environment to work on.

As in a build, every command runs in a forked child of a process that has imported what it needs; the kernel says what
the child used.
"""

from __future__ import annotations

import json
import os
import statistics
import sys

from awm_lib.cli import main as awm
from awm_lib.worker_preload import preload

STAGES = ("synthesize", "database", "server", "oracle", "verifier", "certify")


def forked(arguments: list[str]) -> float:
    """Milliseconds of CPU of a command in a child; of a child that does nothing, if there are no arguments."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os._exit(awm(arguments) if arguments else 0)
    _, status, used = os.wait4(child, 0)
    if status:
        raise SystemExit(f"awm {' '.join(arguments)} failed: exit code {os.waitstatus_to_exitcode(status)}")
    return (used.ru_utime + used.ru_stime) * 1_000


def main(directories: list[str]) -> None:
    """Print the mean milliseconds of each stage as JSON."""
    preload()
    found = {stage: statistics.fmean(forked([stage, directory]) for directory in directories) for stage in STAGES}
    found["fork"] = statistics.fmean(forked([]) for _ in range(20))
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
