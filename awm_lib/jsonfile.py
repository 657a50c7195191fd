"""JSON files: the same value gives the same bytes, short values on one line, whole files or none."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

WIDTH = 116


def encode(value: Any) -> bytes:
    """Format a JSON value as people would: what fits in a line stays in a line. Ends in a newline."""
    return (_format(value, 0, 0) + "\n").encode()


_flat = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_LONG = WIDTH // 3
"""Parts of a list or record that do not fit in a line, whatever they are: each takes three characters, as in "0, "."""


def _format(value: Any, indent: int, lead: int) -> str:
    length = len(value) if isinstance(value, dict | list) else 0
    if length <= _LONG:
        flat = _flat(value)
        if not length or len(flat) + indent + lead <= WIDTH:
            return flat
    pad = " " * (indent + 2)
    if isinstance(value, dict):
        parts = []
        for key, item in value.items():
            label = _flat(key) + ": "
            parts.append(pad + label + _format(item, indent + 2, len(label) + 1))
        return "{\n" + ",\n".join(parts) + "\n" + " " * indent + "}"
    return "[\n" + ",\n".join(pad + _format(item, indent + 2, 1) for item in value) + "\n" + " " * indent + "]"


def write_bytes(path: Path, data: bytes) -> None:
    """Replace a file in one step: readers see the old file or the whole new one, also after a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
