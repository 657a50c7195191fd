"""In-memory SQLite databases: opened from a seed's bytes, bounded, on the logical clock."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from awm_lib.errors import AwmError, ContractError
from awm_lib.runtime import clock as clocks
from awm_lib.runtime.clock import Clock
from awm_lib.textfile import demand_file

MAX_VALUE_BYTES = 250_000
"""The longest text or blob that a statement may make."""
MAX_PATTERN_BYTES = 5_000
"""The longest pattern of LIKE and GLOB, whose work is the product of two lengths; no argument is longer."""
MAX_IMAGE_BYTES = 64_000_000
"""The largest seed.sqlite."""
MAX_PATTERN_BYTES = 1_000
"""The longest pattern of LIKE and GLOB, which take time that grows with its square."""
STEPS_PER_TICK = 2_000
MAX_TICKS = 10_000
"""A statement may take MAX_TICKS * STEPS_PER_TICK virtual machine steps; steps, not seconds, so runs reproduce."""
MAX_SECONDS = 5.0
"""A backstop in seconds of this thread's processor time, for statements whose single steps do the work of millions (a
replace() in a megabyte). The steps of a statement that anybody would write are used up in one second."""

_TABLE_VALUED = "SELECT 1 FROM json_each('[]'), json_tree('[]')"


class Budget:
    """Stops statements that run away. ``reset`` before each call."""

    __slots__ = ("_began", "ticks")

    def __init__(self) -> None:
        self.ticks = 0
        self._began = 0.0

    def reset(self) -> None:
        """Start the count anew."""
        self.ticks = 0

    def tick(self) -> bool:
        """SQLite's progress handler: true interrupts the statement."""
        self.ticks += 1
        if self.ticks == 1:
            self._began = time.thread_time()
        return self.ticks > MAX_TICKS or time.thread_time() - self._began > MAX_SECONDS


def connect(clock: Clock, budget: Budget | None = None) -> sqlite3.Connection:
    """An empty in-memory database with foreign keys on, explicit transactions, limits, and the logical clock."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA cache_size = 64")
    clocks.install(connection, clock)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 1)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, MAX_PATTERN_BYTES)
    limit(connection, budget)
    return connection


def limit(connection: sqlite3.Connection, budget: Budget | None) -> None:
    """Bound the lengths of values and patterns, and the work of statements."""
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, MAX_PATTERN_BYTES)
    if budget is not None:
        connection.set_progress_handler(budget.tick, STEPS_PER_TICK)


def load(connection: sqlite3.Connection, image: bytes, name: str = "main") -> None:
    """Fill a database of a fresh connection with a database file's bytes.

    A connection that has run statements must not be filled again: SQLite 3.40 crashes if one of them used a
    table-valued function.
    """
    connection.deserialize(image, name=name)


def declare_functions(connection: sqlite3.Connection) -> None:
    """Use the table-valued functions of JSON once, after loading: an authorizer would refuse their first use."""
    connection.execute(_TABLE_VALUED).fetchall()


def read_image(path: Path) -> bytes:
    """The bytes of a seed.sqlite, checked to be a whole database. Raises ContractError."""
    demand_file(path, MAX_IMAGE_BYTES)
    try:
        image = path.read_bytes()
    except FileNotFoundError:
        raise ContractError(f"{path} does not exist", hint=f"build it: snakemake {path}") from None
    check_image(image, str(path))
    return image


def check_image(image: bytes, source: str) -> None:
    """Raise ContractError unless the bytes are a whole, sound SQLite database."""
    remedy = f"delete it and build it again: rm {source} && snakemake {source}"
    page = int.from_bytes(image[16:18], "big") if len(image) >= 100 else 0
    if not image.startswith(b"SQLite format 3\x00") or page < 512:
        raise ContractError(f"{source} is not an SQLite database", hint=remedy)
    if len(image) != page * int.from_bytes(image[28:32], "big"):
        raise ContractError(f"{source} is cut off: {len(image):,} bytes", hint=remedy)
    connection = sqlite3.connect(":memory:")
    limit(connection, Budget())  # the check evaluates CHECK constraints and generated columns
    try:
        connection.deserialize(image)
        found = connection.execute("PRAGMA quick_check").fetchone()[0]
    except sqlite3.Error as error:
        raise ContractError(f"{source} is damaged: {error}", hint=remedy) from None
    finally:
        connection.close()
    if found != "ok":
        raise ContractError(f"{source} is damaged: {found}", hint=remedy)


def serialize(connection: sqlite3.Connection) -> bytes:
    """The database as the bytes of a file."""
    try:
        return connection.serialize()
    except sqlite3.Error as error:
        raise AwmError(f"the episode's database cannot be copied: {error}") from None
