"""seed.json: the rows of the initial database, compact."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from awm_lib.contracts.base import Contract, Scalar
from awm_lib.contracts.names import Identifier, ScenarioName


class TableRows(Contract):
    """The rows of one table, as lists of values in the order of ``columns``."""

    table: Identifier
    columns: list[Identifier]
    rows: list[list[Scalar]]

    @model_validator(mode="after")
    def _rows_have_all_columns(self) -> Self:
        for number, row in enumerate(self.rows, 1):
            if len(row) != len(self.columns):
                raise ValueError(f"table {self.table}, row {number}: {len(row)} values for {len(self.columns)} columns")
        return self


class Seed(Contract):
    """All rows, in an order that satisfies the foreign keys."""

    scenario: ScenarioName
    tables: list[TableRows]
