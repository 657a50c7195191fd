"""All measurements, in the order in which they run: what builds comes first, because the others use what it built."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence

from awm_lib.errors import AwmError, UnknownName
from benchmarks.bench import Bench
from benchmarks.builds import measure_build, measure_nothing, measure_one
from benchmarks.calls import measure_read
from benchmarks.certificates import measure_certificates
from benchmarks.environments import measure_environments
from benchmarks.episodes import measure_open, measure_reset
from benchmarks.evaluation import measure_calibration, measure_concurrency
from benchmarks.figure import Figure
from benchmarks.identity import measure_identity
from benchmarks.profile import measure_profile
from benchmarks.serving import measure_calls, measure_listing, measure_ready
from benchmarks.stages import measure_start

Measurement = Callable[[Bench], list[Figure]]

MEASUREMENTS: dict[str, Measurement] = {
    "build": measure_build,
    "nothing": measure_nothing,
    "one": measure_one,
    "start": measure_start,
    "profile": measure_profile,
    "identity": measure_identity,
    "certificates": measure_certificates,
    "environments": measure_environments,
    "reset": measure_reset,
    "open": measure_open,
    "read": measure_read,
    "mcp": measure_calls,
    "ready": measure_ready,
    "listing": measure_listing,
    "calibration": measure_calibration,
    "concurrency": measure_concurrency,
}
"""Name -> what measures one or more figures; the names that ``--only`` takes."""


def chosen(names: Sequence[str]) -> list[str]:
    """The measurements of these names in their order; all, if none are named. Raises UnknownName."""
    for name in names:
        if name not in MEASUREMENTS:
            raise UnknownName("measurement", name, MEASUREMENTS)
    return [name for name in MEASUREMENTS if not names or name in names]


def measure(bench: Bench, names: Sequence[str], report: Callable[[str], None]) -> tuple[list[Figure], dict[str, str]]:
    """Run measurements, one after the other. ``report`` gets lines for a person.

    Returns the figures, and for each measurement that failed the reason; a failure does not stop the others.
    """
    figures: list[Figure] = []
    failed: dict[str, str] = {}
    for name in chosen(names):
        began = time.monotonic()
        try:
            found = MEASUREMENTS[name](bench)
        except AwmError as error:
            failed[name] = str(error)
            report(f"{name}: not measured: {error}")
            continue
        except Exception as error:  # noqa: BLE001 - a fault of ours must not lose what the others measured
            failed[name] = f"{type(error).__name__}: {error}"
            report(f"{name}: not measured:\n{traceback.format_exc()}")
            continue
        figures += found
        report(f"{name} ({time.monotonic() - began:.0f} s)")
        for figure in found:
            mark = {True: "met", False: "MISSED", None: ""}[figure.met]
            wanted = f"required {figure.required}" if figure.required else ""
            report(f"  {figure.title:58} {figure.measured:30} {wanted:28} {mark}".rstrip())
            if figure.beside:
                report(f"  {'':58} {figure.beside}")
    return figures, failed
