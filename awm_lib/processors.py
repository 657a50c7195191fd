"""How many processors this process may use."""

from __future__ import annotations

import contextlib
import os


def processors() -> int:
    """Their number; where a batch system or a container grants some of the machine's, that of those."""
    with contextlib.suppress(AttributeError):  # not on every system
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
