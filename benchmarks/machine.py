"""What a run was measured on, as far as it matters and names nobody."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import version

PACKAGES = ("snakemake", "pydantic", "fastmcp", "starlette", "uvicorn")


def describe() -> dict[str, str]:
    """Cores, load, interpreter and versions."""
    return {
        "Cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "System": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        **{name: version(name) for name in PACKAGES},
        "Load average before": f"{os.getloadavg()[0]:.1f}",
    }
