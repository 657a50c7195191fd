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

SOURCES = ("scenario.json", "tasks.json", "spec.json", "oracle.json", "seed.sqlite")
MAX_BYTES = 20_000_000
"""A file of seals that has grown larger is begun anew."""


def seal_of(directory: Path, text: str) -> str:
    """The seal of a verifier.py's text in an environment's directory. Raises OSError if a source is missing."""
    digest = hashlib.sha256(stage_digest("verifier").encode())
    for name in SOURCES:
        digest.update(b"\0" + hashlib.sha256((directory / name).read_bytes()).digest())
    digest.update(b"\0" + text.encode())
    return digest.hexdigest()


def is_sealed(seal: str) -> bool:
    """Whether this machine has found such a text equal before."""
    return seal in _known()


def keep_seal(seal: str) -> None:
    """Remember a seal. Where the cache directory cannot be written, nothing is remembered."""
    if seal in _known():
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
