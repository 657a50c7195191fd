"""The logical clock: nothing in an episode reads the wall clock, however it is asked."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awm_lib.compile.database import build_database
from awm_lib.contracts.seed import Seed
from awm_lib.runtime import database
from awm_lib.runtime.clock import Clock
from tests.shop import SCHEMA, shop

NOW = "2031-07-09 08:05:03"


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """An empty database at a moment that is not today."""
    made = database.connect(Clock(NOW))
    yield made
    made.close()


@pytest.fixture
def elsewhere() -> Iterator[None]:
    """A machine in another time zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Pacific/Kiritimati"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


ASKED = {
    "CURRENT_TIMESTAMP": NOW,
    "current_timestamp": NOW,
    "Current_Date": NOW[:10],
    "CURRENT_TIME": NOW[11:],
    "datetime('now')": NOW,
    "DateTime('NOW')": NOW,
    "DATETIME()": NOW,
    "datetime('now', '+1 day')": "2031-07-10 08:05:03",
    "datetime('now', 'start of month', '-1 second')": "2031-06-30 23:59:59",
    "date('now')": NOW[:10],
    "date()": NOW[:10],
    "Date('Now', '+7 days')": "2031-07-16",
    "time('now')": NOW[11:],
    "strftime('%Y/%m/%d %H', 'now')": "2031/07/09 08",
    "strftime('%Y')": "2031",
    "strftime('%s', 'now')": "1941350703",
    "unixepoch('now')": 1941350703,
    "unixepoch()": 1941350703,
    "julianday('now') - julianday('2031-07-09')": pytest.approx(8.0842 / 24, abs=1e-5),
    "datetime(x'6e6f77')": NOW,
    "date((SELECT 'now'))": NOW[:10],
    "date('no' || 'w')": NOW[:10],
    "datetime(datetime('now'), '+1 hour')": "2031-07-09 09:05:03",
    "datetime('2024-02-28', '+1 day')": "2024-02-29 00:00:00",
    "date(NULL)": None,
    "date('nowhere')": None,
    "date('now', 'whenever')": None,
}


@pytest.mark.parametrize("expression", ASKED)
def test_time_is_logical(connection: sqlite3.Connection, expression: str) -> None:
    assert connection.execute(f"SELECT {expression}").fetchone()[0] == ASKED[expression]


@pytest.mark.parametrize(
    "expression", ["datetime('now', 'localtime')", "datetime('now', 'utc')", "time('now', 'LocalTime')"]
)
def test_the_machines_time_zone_does_not_matter(
    elsewhere: None, connection: sqlite3.Connection, expression: str
) -> None:
    assert connection.execute(f"SELECT {expression}").fetchone()[0] in (NOW, NOW[11:])


def test_time_follows_the_clock_within_a_connection() -> None:
    clock = Clock(NOW)
    connection = database.connect(clock)
    ask = "SELECT datetime('now'), CURRENT_TIMESTAMP"
    assert connection.execute(ask).fetchone() == (NOW, NOW)
    clock.advance(58)
    assert connection.execute(ask).fetchone() == ("2031-07-09 08:06:01",) * 2


_MOMENTS = st.datetimes().map(lambda moment: str(moment.replace(microsecond=0)))
_MODIFIERS = st.lists(
    st.sampled_from(
        ["+3 days", "-2 months", "start of year", "weekday 0", "+90 minutes", "unixepoch", "nonsense", "+1.5 hours"]
    ),
    max_size=3,
)


@settings(deadline=None)
@given(st.sampled_from(["datetime", "date", "time", "julianday", "unixepoch"]), _MOMENTS, _MODIFIERS)
def test_given_moments_mean_what_they_mean_in_sqlite(function: str, moment: str, modifiers: list[str]) -> None:
    arguments = [moment, *modifiers]
    query = f"SELECT {function}({', '.join('?' * len(arguments))})"
    plain, ours = sqlite3.connect(":memory:"), database.connect(Clock(NOW))
    assert ours.execute(query, arguments).fetchone() == plain.execute(query, arguments).fetchone()
    plain.close()
    ours.close()


TIMES = """
CREATE TABLE log (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  day DATE NOT NULL DEFAULT (date('now')),
  due DATE GENERATED ALWAYS AS (date(at, '+7 days')) STORED,
  year TEXT GENERATED ALWAYS AS (strftime('%Y', at)) VIRTUAL,
  label TEXT
);
CREATE INDEX log_by_day ON log(date(at));
"""


def test_defaults_generated_columns_and_indexes_are_on_the_clock() -> None:
    spec = {
        "scenario": "shop_1",
        "tools": [
            {
                "name": "write_log", "summary": "Write a line", "effect": "write",
                "parameters": [{"name": "label", "type": "string", "description": "Text"}],
                "program": [
                    {"let": "line", "sql": "INSERT INTO log (label) VALUES (:label) RETURNING id"},
                    {"return": "one", "sql": "SELECT id, at, day, due, year FROM log WHERE id = :line_id"},
                ],
            },
            {
                "name": "list_log", "summary": "List lines", "effect": "read",
                "program": [{"return": "all", "sql":
                    "SELECT id FROM log WHERE date(at) = date('now') ORDER BY id"}],
            },
        ],
    }  # fmt: skip
    environment = shop(schema=SCHEMA + TIMES, spec=spec)
    episode = environment.start()
    first = episode.call("write_log", {"label": "a"}).data
    assert first == {
        "id": 1, "at": "2025-03-04 10:00:01", "day": "2025-03-04", "due": "2025-03-11", "year": "2025",
    }  # fmt: skip
    other = episode.fork()
    assert other.call("list_log").data["total"] == 1
    episode.reset()
    assert episode.call("write_log", {"label": "b"}).data == first


def test_a_seed_with_clock_defaults_is_the_same_bytes_every_time() -> None:
    seed = Seed.parse(
        {"scenario": "x", "tables": [{"table": "log", "columns": ["label"], "rows": [["a"], ["b"]]}]}, "x"
    )
    first = build_database(TIMES, seed)
    time.sleep(1.1)
    assert build_database(TIMES, seed) == first


def test_a_clock_counts_from_its_epoch() -> None:
    clock = Clock("2024-02-28 23:59:59")
    clock.advance()
    assert (clock.now, clock.ticks) == ("2024-02-29 00:00:00", 1)
    clock.set(0)
    assert clock.now == "2024-02-28 23:59:59"
    assert Clock("2024-02-28 23:59:59", 86_400).now == "2024-02-29 23:59:59"
