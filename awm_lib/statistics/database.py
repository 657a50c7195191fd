"""Building results/stats.duckdb, in one step."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from awm_lib.embeddings import can_embed
from awm_lib.errors import AwmError
from awm_lib.statistics.diversity import cosine_measures, map_of, measure_structure, nearest, shuffled
from awm_lib.statistics.facts import Row, gather
from awm_lib.statistics.requests import ledger_rows
from awm_lib.statistics.tables import TABLES, Table
from awm_lib.statistics.vectors import KINDS, environment_vectors
from awm_lib.timings import read_timings

if TYPE_CHECKING:
    import duckdb

BATCH = 100
"""Environments whose rows are inserted at once; bounds the memory."""


def build(
    results: Path, names: Iterable[str], left_out: Mapping[str, str], target: Path, llm: Path | None = None
) -> int:
    """Write the database of all named environments, and return how many there are.

    ``left_out`` has the scenarios that failed, with the reason; ``llm`` is where the ledger of language models is, if
    there is one. Readers see the old file or the whole new one. Raises AwmError for a file of an environment that
    cannot be read, and if the database cannot be written.
    """
    import duckdb

    present = [name for name in names if name not in left_out]
    with tempfile.TemporaryDirectory(dir=_existing(target.parent), prefix=f".{target.name}.") as folder:
        part = Path(folder) / target.name
        try:
            connection = duckdb.connect(str(part), config={"threads": "1"})
            try:
                for table in TABLES:
                    connection.execute(table.ddl)
                for start in range(0, len(present), BATCH):
                    _insert_environments(connection, results, present[start : start + BATCH])
                _insert(connection, _by_name("left_out"), list(left_out.items()))
                _insert(connection, _by_name("stage_timings"), [*read_timings(results, set(present))])
                for table_name, rows in zip(
                    ("llm_requests", "llm_attempts"), ledger_rows(llm) if llm else ([], []), strict=True
                ):
                    _insert(connection, _by_name(table_name), rows)
                _compare(connection)
            finally:
                connection.close()
            part.chmod(0o644)
            part.replace(target)
        except (duckdb.IOException, OSError) as error:
            raise AwmError(
                f"{target} cannot be written: {error}",
                hint="check the directory's permissions and the free space; then the same command goes on",
            ) from None
    return len(present)


def _compare(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill the tables about environments beside each other."""
    names = shuffled(str(row[0]) for row in connection.execute("SELECT scenario FROM environments").fetchall())
    measures = measure_structure(connection, names)
    if can_embed() and names:
        vectors = environment_vectors(connection, names)
        places = map_of(vectors["text"])
        columns = [vectors[kind].tolist() for kind in KINDS]
        rows = list(zip(names, *columns, *places.T.tolist(), strict=True))
        _insert(connection, _by_name("vectors"), rows)
        for kind in KINDS:
            measures += cosine_measures(kind, vectors[kind])
            pairs = [(name, kind, other, cosine) for name, other, cosine in nearest(names, vectors[kind])]
            _insert(connection, _by_name("nearest"), pairs)
    _insert(connection, _by_name("diversity"), [tuple(measure) for measure in measures])


def _existing(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _by_name(name: str) -> Table:
    return next(table for table in TABLES if table.name == name)


def _insert_environments(connection: duckdb.DuckDBPyConnection, results: Path, names: list[str]) -> None:
    rows: dict[str, list[Row]] = {table.name: [] for table in TABLES}
    for name in names:
        for kind, found in gather(results / name).items():
            rows[kind] += found
    for table in TABLES:
        _insert(connection, table, rows[table.name])


def _insert(connection: duckdb.DuckDBPyConnection, table: Table, rows: list[Row]) -> None:
    """Insert rows by one statement: a list for each column, much faster than a statement for each row."""
    if rows:
        lists = ", ".join(f"unnest(?::{column.type}[])" for column in table.columns)
        connection.execute(
            f"INSERT INTO {table.name} SELECT {lists}", [list(column) for column in zip(*rows, strict=True)]
        )
