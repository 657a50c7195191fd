"""What the worker imports before it forks, and whether that is still what is on disk."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from importlib import import_module
from pkgutil import iter_modules

from awm_lib import worker_client as protocol

# What the stage commands use, imported once; of a package, every module in it. Nothing heavy that only some commands
# need: no LLM client, FastMCP, DuckDB or torch. "module:function" is also called, to fill a cache whose sources are
# files of this package. What cannot be preloaded is left to the command that needs it, which says why.
PRELOAD = (
    "argparse",
    "json",
    "sqlite3",
    "pydantic",
    "awm_lib.cli",
    "awm_lib.contracts",
    "awm_lib.runtime",
    "awm_lib.compile",
    "awm_lib.verify",
    "awm_lib.certify",
    "unicodedata",
    "awm_lib.failures",
    "awm_lib.recipes:warm",
    "awm_lib.oracles",
    "awm_lib.synthesis.offline",
    "awm_lib.synthesis.offline.load:warm",
    "awm_lib.commands.scenarios",
    "awm_lib.commands.synthesize",
    "awm_lib.commands.database",
    "awm_lib.commands.server",
    "awm_lib.commands.oracle",
    "awm_lib.commands.verifier",
    "awm_lib.commands.certify",
    "awm_lib.commands.gate",
)

# What one command needs and most builds never do: imported when the first command of that name comes, in the worker, so
# that the import is paid once and not by each of its jobs (the LLM client takes more than a second).
_MODEL = (
    "asyncio",
    "awm_lib.llm",
    "awm_lib.llm.live:preload",
    "awm_lib.synthesis.llm",
    "awm_lib.synthesis.llm.warm:warm",
    "awm_lib.commands.write",
    "awm_lib.commands.solve",
)
PRELOAD_FOR: dict[str, tuple[str, ...]] = {"write": _MODEL, "solve": _MODEL}
_preloaded: set[str] = set()

Fingerprint = tuple[tuple[str, int, int], ...]


def fingerprint() -> Fingerprint:
    """Name, size and time of every file of the package, and the times of the folders of installed packages."""
    found: list[tuple[str, int, int]] = []
    folders = [protocol.PACKAGE]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.name == "__pycache__" or entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    folders.append(entry.path)
                else:
                    status = entry.stat()
                    found.append((entry.path, status.st_size, status.st_mtime_ns))
    for folder in sys.path:
        if folder.endswith(("site-packages", "dist-packages")):
            with contextlib.suppress(FileNotFoundError):
                found.append((folder, 0, os.stat(folder).st_mtime_ns))  # noqa: PTH116
    return tuple(sorted(found))


def preload() -> None:
    """Import what the stage commands use, and set it apart from garbage collection so that children share it."""
    for entry in PRELOAD:
        _preload(entry)
    gc.collect()
    gc.freeze()


def preload_for(command: str) -> bool:
    """Import what a command needs beyond the rest, once. Whether anything was imported now."""
    entries = PRELOAD_FOR.get(command, ())
    if not entries or command in _preloaded:
        return False
    _preloaded.add(command)
    for entry in entries:
        _preload(entry)
    gc.collect()
    gc.freeze()
    return True


def _preload(entry: str) -> None:
    name, _, function = entry.partition(":")
    try:
        module = import_module(name)
        if function:
            getattr(module, function)()
    except Exception as error:  # noqa: BLE001 - any fault of any module; the command that needs it reports it
        print(f"not preloaded: {entry}: {error!r}", file=sys.stderr, flush=True)
        return
    if name.startswith("awm_lib."):
        for found in iter_modules(getattr(module, "__path__", ())):
            _preload(f"{name}.{found.name}")
