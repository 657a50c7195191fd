"""A crew of processes that share work which is done item by item.

A member is a process of its own (``python -m`` a module that calls ``serve``): it reads items from its standard input,
a line for each, and writes what it made of them to its standard output, a line for each. When its input ends, because
the command is done or was killed, it ends too.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from awm_lib.errors import AwmError
from awm_lib.processors import processors

ALONE = 6
"""So few items are done sooner by this process than by others that have to start first."""
_LONGEST = 64_000_000
"""Bytes of a member's line."""


def members(jobs: int, items: int) -> int:
    """How many processes to share so many items among; ``jobs`` is the most, 0 for one on each core. 1 is this one."""
    return 1 if items <= ALONE else min(jobs or processors(), items)


def share(module: str, head: Any, items: Sequence[str], count: int, report: Callable[[int, Any], None]) -> None:
    """Have all items done by ``count`` processes of a module; ``head`` is what each is told first.

    ``report`` is told the place of an item and what was made of it, in the order in which they are done. Raises
    AwmError for the first item that cannot be done.
    """
    asyncio.run(_share(module, json.dumps(head), items, count, report))


async def _share(module: str, head: str, items: Sequence[str], count: int, report: Callable[[int, Any], None]) -> None:
    waiting = list(enumerate(items))[::-1]

    async def member() -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([_home(), os.environ.get("PYTHONPATH", "")])},
            limit=_LONGEST,
        )
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(head.encode() + b"\n")
            while waiting:
                place, item = waiting.pop()
                process.stdin.write(item.encode() + b"\n")
                line = await process.stdout.readline()
                if not line:
                    raise AwmError(f"{item}: the process that worked on it ended", hint="run the same command again")
                found = json.loads(line)
                if "error" in found:
                    raise AwmError(found["error"], hint=found["hint"])
                report(place, found["made"])
            process.stdin.close()
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(member())
    except* AwmError as errors:
        raise errors.exceptions[0] from None


def serve(begin: Callable[[Any], Callable[[str], Any]]) -> None:
    """Be a member until the input ends: ``begin`` makes of the head what is called with each item. Ends the process."""
    try:
        do = begin(json.loads(sys.stdin.readline()))
        gc.freeze()
        gc.set_threshold(100_000, 20, 100)  # what an item leaves has few cycles
        for line in sys.stdin:
            try:
                answer = {"made": do(line.rstrip("\n"))}
            except AwmError as error:
                answer = {"error": error.message, "hint": error.hint}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)


def _home() -> str:
    return str(Path(__file__).resolve().parents[1])
