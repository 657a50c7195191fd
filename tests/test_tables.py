"""Filling tables: every value arrives as it is, wherever it stands among those that are missing."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from awm_lib.tables import Row, insert, reference, table

TABLE = table(
    "things",
    "It's a table.",
    ("name", "VARCHAR", "a text"),
    ("share", "DOUBLE", "a number"),
    ("tags", "VARCHAR[]", "texts"),
    ("passed", "BOOLEAN", "a truth value"),
    ("seed", "BIGINT", "a whole number"),
    ("arguments", "JSON", "an object"),
    ("vector", "FLOAT[]", "numbers"),
    ("moment", "TIMESTAMP", "a time"),
)
FULL: Row = ("12", 0.5, ["it's", None, "[b, c]"], True, 2**62, '{"a":  1}', [0.5, 2], "2026-01-02T03:04:05Z")


def filled(*batches: list[Row]) -> list[tuple[Any, ...]]:
    """What a table holds after the batches."""
    import duckdb

    with duckdb.connect(":memory:", config={"threads": "1"}) as connection:
        connection.execute(TABLE.ddl)
        for rows in batches:
            insert(connection, TABLE, rows)
        return connection.execute("FROM things").fetchall()


@pytest.mark.parametrize("missing", [0, 1, 5_000])
def test_values_that_come_late_arrive_as_they_are(missing: int) -> None:
    nothing: Row = (None,) * 8
    whole: Row = ("x\0y", 1, [], False, -(2**62), "null", [1e-7], None)
    found = filled([nothing] * missing + [FULL, whole])
    assert found[:missing] == [nothing] * missing
    assert found[missing] == (*FULL[:7], datetime.datetime.fromisoformat("2026-01-02T03:04:05"))
    assert found[missing + 1] == (*whole[:6], [pytest.approx(1e-7)], None)


def test_batches_stand_in_their_order_and_none_is_no_batch() -> None:
    rows = [(f"n{number}", *FULL[1:]) for number in range(30)]
    assert [row[0] for row in filled(rows[:10], [], rows[10:11], rows[11:])] == [row[0] for row in rows]


def test_the_documentation_is_in_the_file_and_in_markdown() -> None:
    assert "COMMENT ON TABLE things IS 'It''s a table.'" in TABLE.ddl
    assert "| `tags` | VARCHAR[] | texts |" in reference([TABLE])
