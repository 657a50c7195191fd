"""What this machine has recompiled and found equal, so that it need not be done again for each run of an agent.

Recompiling an environment's verifiers runs its solutions, which takes longer than ten trials of the oracle. A seal is
the hash of all that a verifier.py follows from (the sources, the compiler's code) and of its own text; it is kept
in the user's cache directory, where nothing that comes with an environment can put one. With a seal the text is the one
that recompilation gives; without one it is recompiled. Certificates always recompile.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

from awm_lib.recipes import stage_digest
from awm_lib.runtime.environment import Environment
from awm_lib.textfile import demand_file

SOURCES = ("scenario.json", "tasks.json", "spec.json", "oracle.json", "seed.sqlite")
MAX_BYTES = 20_000_000
"""A file of seals that has grown larger is begun anew."""


def load_sealed(directory: Path) -> Environment:
    """An environment to judge runs in; its verifiers are recompiled only if this machine has not done that before.

    Raises AwmError if it cannot be used, or verifier.py is not what its sources compile to.
    """
    seal, text = _seal(directory)
    if seal is not None and seal in _known():  # then all of its tools have been compiled before, too
        environment = Environment.load(directory, lazy=True)
        environment.known_verifier = text
        return environment
    environment = Environment.load(directory)
    environment.verifier(environment.tasks.tasks[0].id)
    keep_seal(directory, seal)
    return environment


def seal_of(directory: Path) -> str | None:
    """The seal of an environment's verifier.py as it is now; None for files that cannot be read."""
    return _seal(directory)[0]


def keep_seal(directory: Path, seal: str | None) -> None:
    """Remember that a verifier.py is what its sources compile to, as a caller has found after it took the seal.

    If the files have changed meanwhile, or the cache directory cannot be written, nothing is remembered.
    """
    if seal is None or seal in _known() or seal_of(directory) != seal:
        return
    _known().add(seal)
    try:
        _file().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        mode = os.O_TRUNC if _size() > MAX_BYTES else 0
        handle = os.open(_file(), os.O_WRONLY | os.O_APPEND | os.O_CREAT | mode, 0o600)
        try:
            os.write(handle, seal.encode() + b"\n")
        finally:
            os.close(handle)
    except OSError:
        return


def _seal(directory: Path) -> tuple[str | None, str]:
    """The seal of a directory's verifier.py, and the text that it is about; None for a file that cannot be read."""
    path = directory / "verifier.py"
    digest = hashlib.sha256(stage_digest("verifier").encode())
    try:
        demand_file(path)
        text = path.read_text(encoding="utf-8")
        for name in SOURCES:
            digest.update(b"\0" + hashlib.sha256((directory / name).read_bytes()).digest())
    except (OSError, UnicodeDecodeError):
        return None, ""
    digest.update(b"\0" + text.encode())
    return digest.hexdigest(), text


def _file() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "awm" / "verifiers"


def _size() -> int:
    return _file().stat().st_size if _file().exists() else 0


@cache
def _known() -> set[str]:
    try:
        return set(_file().read_text(encoding="ascii").split())
    except (OSError, UnicodeDecodeError):
        return set()
