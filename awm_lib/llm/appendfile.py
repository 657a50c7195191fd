"""Files that only grow: whole lines, each appended in one write by whichever process comes."""

from __future__ import annotations

import os
from pathlib import Path


def append(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Append whole lines; ``durable`` ones are on the disk when this returns.

    A line that a full disk cut off before stays by itself.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            data = b"\n" + data
        os.write(handle, data)
        if durable:
            os.fsync(handle)
    finally:
        os.close(handle)
