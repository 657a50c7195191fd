"""What all contracts share: strict models, and reading and writing them as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from awm_lib import jsonfile
from awm_lib.errors import ContractError
from awm_lib.textfile import demand_file

MAX_BYTES = 32_000_000

Scalar = str | int | float | bool | None
Value = Scalar | list[Scalar]


class Contract(BaseModel):
    """A shape that a file keeps: no unknown keys, no silent change of type, immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @classmethod
    def parse(cls, value: Any, source: str) -> Self:
        """Validate a decoded value.

        ``source`` names the file for messages. Raises ContractError with each place that is wrong.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise ContractError(f"{source} does not keep its contract:\n{explain(error)}") from None

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read and validate a JSON file. Raises ContractError with file, place and remedy."""
        return cls.parse(read_json(path), str(path))

    def plain(self) -> dict[str, Any]:
        """The value as JSON-able data, without the fields that are at their defaults."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    def encode(self) -> bytes:
        """The bytes of the file that holds this value."""
        return jsonfile.encode(self.plain())

    def write(self, path: Path) -> None:
        """Write the file in one step."""
        jsonfile.write_bytes(path, self.encode())


def read_json(path: Path) -> Any:
    """Decode a JSON file. Raises ContractError if it is missing, too large, or not JSON."""
    try:
        demand_file(path, MAX_BYTES)
        return json.loads(path.read_bytes(), parse_constant=_no_number)
    except FileNotFoundError:
        raise ContractError(f"{path} does not exist", hint=f"build it: snakemake {path}") from None
    except (ValueError, RecursionError) as error:
        raise ContractError(
            f"{path} is not JSON: {error}", hint="mend the file, or delete it to have it built anew"
        ) from None


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number")


def explain(error: ValidationError, most: int = 12) -> str:
    """A pydantic error as lines of 'place: what is wrong'."""
    found = error.errors(include_url=False)
    lines = []
    for item in found[:most]:
        place = ".".join(str(part) for part in item["loc"] if not str(part).startswith("function-")) or "the file"
        given = item.get("input")
        shown = "" if isinstance(given, dict | list) or item["type"] == "missing" else f" (given {str(given)[:60]!r})"
        lines.append(f"  {place}: {item['msg'].removeprefix('Value error, ')}{shown}")
    if len(found) > most:
        lines.append(f"  ... and {len(found) - most} more")
    return "\n".join(lines)
