"""Reading text files of an environment."""

from __future__ import annotations

from pathlib import Path

from awm_lib.errors import ContractError

MAX_BYTES = 4_000_000


def read_text(path: Path) -> str:
    """A text file's content. Raises ContractError if it is missing, too large, or not UTF-8."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ContractError(f"{path} is larger than {MAX_BYTES:,} bytes")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ContractError(f"{path} does not exist", hint=f"build it: snakemake {path}") from None
    except UnicodeDecodeError as error:
        raise ContractError(f"{path} is not UTF-8 text: {error}") from None
