"""Worlds in which time and generated keys are others: what depends on them shows itself."""

from __future__ import annotations

from awm_lib.runtime import database
from awm_lib.runtime.clock import Clock
from awm_lib.runtime.environment import Environment
from awm_lib.runtime.episode import Episode, Snapshot

HOUR_SHIFT = 3_723
"""Seconds by which the clock of the shifted run is ahead: 1:02:03."""
DAY_SHIFT = 86_400
KEY_SHIFT = 1_000


def start_shifted(environment: Environment, task: str, *, seconds: int = 0, keys: bool = False) -> Episode:
    """An episode whose clock is ahead by some seconds, and whose generated keys are shifted."""
    image = shifted_keys(environment) if keys else environment.image
    return Episode(environment, task, Snapshot(image, seconds, 0))


def shifted_keys(environment: Environment) -> bytes:
    """The seed with each table's next generated key moved up, by another distance for each table."""
    if environment.recurring:
        return environment.recurring[0]
    connection = database.connect(Clock(environment.context.now))
    database.load(connection, environment.image)
    for number, table in enumerate(environment.schema.values()):
        if not table.autoincrement:
            continue
        distance = KEY_SHIFT + 37 * number
        updated = connection.execute("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = ?", (distance, table.name))
        if updated.rowcount == 0:
            connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table.name, distance))
    image = database.serialize(connection)
    connection.close()
    environment.recurring.append(image)
    return image
