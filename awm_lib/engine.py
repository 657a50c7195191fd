"""What this project asks of Snakemake beyond its settings."""

from __future__ import annotations

from typing import Any


def lift_rate_limit(workflow: Any) -> None:
    """Let jobs on this machine start as fast as they can.

    With a limit of jobs per timespan (there is no setting for none), every round of Snakemake 9's scheduler starts a
    timer whose end is another round, which starts a timer: after a thousand jobs a thousand threads are made each
    second, and the scheduler takes longer than the jobs. Clusters keep the limit, which protects their queues.
    """
    scheduler: Any = getattr(workflow, "scheduler", None)
    if getattr(workflow, "local_exec", False) and hasattr(scheduler, "job_rate_limiter"):
        scheduler.job_rate_limiter = None
