"""Files that stages make: written in one step, and remembered, so that a person's edit is recognised."""

from __future__ import annotations

import hashlib
from pathlib import Path

from awm_lib import jsonfile
from awm_lib.errors import AwmError

STAMPS = ".built"
FILES = (
    "scenario.json", "tasks.json", "schema.sql", "seed.json", "seed.sqlite", "spec.json", "server.py", "oracle.json",
    "verifier.py",
)  # fmt: skip
"""The files that a certificate is about."""


def write_output(path: Path, data: bytes) -> None:
    """Write a stage's file and remember its digest.

    Raises AwmError if the directory cannot be written.
    """
    try:
        jsonfile.write_bytes(path, data)
        jsonfile.write_bytes(stamp_of(path), digest(data).encode())
    except OSError as error:
        raise AwmError(
            f"{path} cannot be written: {(error.strerror or str(error)).lower()}",
            hint="check the directory's permissions and the free space; then the same command goes on",
        ) from None


def stamp_of(path: Path) -> Path:
    """Where the digest of a built file is remembered: results/.built/<scenario>/<file>."""
    return path.parent.parent / STAMPS / path.parent.name / path.name


def digest(data: bytes) -> str:
    """The sha256 of a file's bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def is_edited(path: Path) -> bool:
    """Whether a built file is no longer what its stage wrote."""
    try:
        return stamp_of(path).read_text() != digest(path.read_bytes())
    except FileNotFoundError:
        return False


def pinned(path: Path, overrides: Path) -> Path | None:
    """The file that a person pinned in place of a built one, if there is one."""
    candidate = overrides / path.parent.name / path.name
    return candidate if candidate.is_file() else None
