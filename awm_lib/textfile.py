"""Reading text files of an environment."""

from __future__ import annotations

import stat
from pathlib import Path

from awm_lib.errors import ContractError

MAX_BYTES = 4_000_000


def demand_file(path: Path, most: int = MAX_BYTES) -> None:
    """Raise ContractError unless a path is a plain file of a bearable size, or nothing.

    A device or a pipe in a directory from a stranger would never end.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        raise ContractError(f"{path} is not a plain file", hint="remove it and build it again")
    if found.st_size > most:
        raise ContractError(f"{path} is larger than {most:,} bytes", hint="a file of an environment is small")


def read_text(path: Path) -> str:
    """A text file's content. Raises ContractError if it is missing, too large, or not UTF-8."""
    try:
        demand_file(path)
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ContractError(f"{path} does not exist", hint=f"build it: snakemake {path}") from None
    except UnicodeDecodeError as error:
        raise ContractError(f"{path} is not UTF-8 text: {error}") from None
