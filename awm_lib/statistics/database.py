"""Building results/stats.duckdb, in one step."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from awm_lib.embeddings import can_embed
from awm_lib.errors import AwmError
from awm_lib.statistics.diversity import Measure, cosine_measures, cosines_of, measure_structure, nearest, shuffled
from awm_lib.statistics.facts import Facts
from awm_lib.statistics.gathering import gather_all
from awm_lib.statistics.requests import ledger_rows
from awm_lib.statistics.tables import TABLES
from awm_lib.statistics.vectors import KINDS, environment_texts, vectors_and_map
from awm_lib.tables import Row, Table, insert
from awm_lib.timings import read_timings

if TYPE_CHECKING:
    import duckdb

BATCH = 20_000
"""Rows of all tables that are inserted at once; bounds the memory."""


def build(
    results: Path,
    names: Iterable[str],
    left_out: Mapping[str, str],
    target: Path,
    llm: Path | None = None,
    jobs: int = 0,
) -> int:
    """Write the database of all named environments, and return how many there are.

    ``left_out`` has the scenarios that failed, with the reason; ``llm`` is where the ledger of language models is, if
    there is one; ``jobs`` is how many processor cores to use, 0 for all. Readers see the old file or the whole new one.
    Raises AwmError for a file of an environment that cannot be read, and if the database cannot be written.
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
                _insert_environments(connection, [results / name for name in present], jobs)
                insert(connection, _by_name("left_out"), list(left_out.items()))
                insert(connection, _by_name("stage_timings"), [*read_timings(results, set(present))])
                for table_name, rows in zip(
                    ("llm_requests", "llm_attempts"), ledger_rows(llm) if llm else ([], []), strict=True
                ):
                    insert(connection, _by_name(table_name), rows)
                _compare(connection, jobs)
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


def _compare(connection: duckdb.DuckDBPyConnection, jobs: int) -> None:
    """Fill the tables about environments beside each other."""
    names = shuffled(str(row[0]) for row in connection.execute("SELECT scenario FROM environments").fetchall())
    near: list[Measure] = []
    if can_embed() and names:
        vectors, places = vectors_and_map(environment_texts(connection, names), jobs)
        rows = list(zip(names, *(vectors[kind] for kind in KINDS), *places.T, strict=True))
        insert(connection, _by_name("vectors"), rows)
        for kind in KINDS:
            cosines = cosines_of(vectors[kind])
            near += cosine_measures(kind, vectors[kind], cosines)
            pairs = [(name, kind, other, cosine) for name, other, cosine in nearest(names, cosines)]
            insert(connection, _by_name("nearest"), pairs)
    insert(connection, _by_name("diversity"), [*measure_structure(connection, names), *near])


def _existing(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _by_name(name: str) -> Table:
    return next(table for table in TABLES if table.name == name)


def _insert_environments(connection: duckdb.DuckDBPyConnection, homes: list[Path], jobs: int) -> None:
    rows: dict[str, list[Row]] = {table.name: [] for table in TABLES}

    def flush() -> None:
        for table in TABLES:
            insert(connection, table, rows[table.name])
            rows[table.name] = []

    def add(facts: Facts) -> None:
        for kind, found in facts.items():
            rows[kind] += found
        if sum(map(len, rows.values())) >= BATCH:
            flush()

    gather_all(homes, jobs, add)
    flush()
