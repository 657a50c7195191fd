"""A crew of processes that calibrate or score environments, one at a time each.

A member is a process of its own (``python -m awm_lib.evaluation.crew``): it reads names of environments from its
standard input, a line for each, and writes their outcomes to its standard output, a line for each. When its input ends,
because the command is done or was killed, it ends too.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from awm_lib.contracts.run import RunSettings
from awm_lib.errors import AwmError
from awm_lib.evaluation.outcome import Outcome
from awm_lib.evaluation.store import Store

Work = Literal["calibrate", "rescore"]
Report = Callable[[Sequence[Outcome]], None]
ALONE = 6
"""So few environments are done sooner by this process than by others that have to start first."""


def share(work: Work, homes: Sequence[Path], settings: RunSettings, store: Store, jobs: int, report: Report) -> None:
    """Calibrate or score all environments; ``report`` is told of each environment's outcomes.

    Raises AwmError for the first environment that cannot be used.
    """
    members = min(jobs or os.cpu_count() or 1, len(homes))
    if members <= 1 or len(homes) <= ALONE:
        do = _worker(work)
        for home in homes:
            report(do(home, settings, store))
        return
    asyncio.run(_share(work, homes, settings, store, members, report))


def _worker(work: Work) -> Callable[[Path, RunSettings, Store], list[Outcome]]:
    if work == "calibrate":
        from awm_lib.evaluation.calibration import calibrate_environment

        return calibrate_environment
    from awm_lib.evaluation.rescoring import rescore_environment

    return rescore_environment


async def _share(
    work: Work, homes: Sequence[Path], settings: RunSettings, store: Store, members: int, report: Report
) -> None:
    waiting = [str(home) for home in reversed(homes)]
    head = json.dumps({"work": work, "settings": settings.plain(), "run": str(store.home)})

    async def member() -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "awm_lib.evaluation.crew",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([_home(), os.environ.get("PYTHONPATH", "")])},
            limit=64_000_000,
        )
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(head.encode() + b"\n")
            while waiting:
                name = waiting.pop()
                process.stdin.write(name.encode() + b"\n")
                line = await process.stdout.readline()
                if not line:
                    raise AwmError(f"{name}: the process that worked on it ended", hint="run the same command again")
                found = json.loads(line)
                if "error" in found:
                    raise AwmError(found["error"], hint=found["hint"])
                report([_outcome(item) for item in found["outcomes"]])
            process.stdin.close()
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(members):
                group.create_task(member())
    except* AwmError as errors:
        raise errors.exceptions[0] from None


def _home() -> str:
    return str(Path(__file__).resolve().parents[2])


def _outcome(values: list[object]) -> Outcome:
    found = Outcome(*values)  # type: ignore[arg-type]
    return found._replace(tools=tuple(found.tools), skills=tuple(found.skills))


def _member() -> int:
    """The life of a member."""
    import gc

    head = json.loads(sys.stdin.readline())
    do = _worker(head["work"])
    settings, store = RunSettings.parse(head["settings"], "run.json"), Store(Path(head["run"]))
    gc.freeze()
    for line in sys.stdin:
        try:
            outcomes = do(Path(line.rstrip("\n")), settings, store)
            answer = {"outcomes": outcomes}
        except AwmError as error:
            answer = {"error": error.message, "hint": error.hint}  # type: ignore[dict-item]
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(_member())
    except KeyboardInterrupt:
        sys.exit(130)
