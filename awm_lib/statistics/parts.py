"""The parts of large files that statistics need. The rest was checked by the certificate, and is not read again."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict

from awm_lib.contracts.base import Contract


class _Part(Contract):
    model_config = ConfigDict(extra="ignore")


class TableSize(_Part):
    """Some rows of a table."""

    table: str
    rows: list[Any]


class SeedParts(_Part):
    """seed.json: how many rows tables have."""

    tables: list[TableSize]


class TemplateOfTask(_Part):
    """What a task was made from."""

    task: str
    template: str


class PlanParts(_Part):
    """plan.json: the template of each task."""

    bindings: list[TemplateOfTask]
