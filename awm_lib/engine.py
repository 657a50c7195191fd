"""What this project asks of Snakemake beyond its settings."""

from __future__ import annotations

import gc
import subprocess
from heapq import nlargest
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from awm_lib.stage_process import open_process

CANDIDATES = 64
"""Of the jobs that are ready, how many are looked at for each choice."""


def relax_collection() -> None:
    """Look for cycles less often: a graph of thousands of jobs has many objects and hardly any that can go."""
    gc.set_threshold(200_000, 50, 1_000)


def schedule_lightly(workflow: Any) -> None:
    """Make the choice of the next jobs cheap in a build on this machine, which may have thousands that are ready.

    - No limit of jobs per timespan (there is no setting for that): with one, every round of Snakemake 9's scheduler
      starts a timer whose end is another round, which starts a timer; after a thousand jobs a thousand threads are made
      each second. Clusters keep the limit, which protects their queues.
    - Only the ready jobs of the highest priority are looked at, so that environments are completed one after the other.
      A random choice (``--scheduler-subsample``) would begin hundreds, and each round prepares all that are ready.
    - The list of all jobs to come, made anew in every round, is left out: only the ``ilp`` scheduler reads it.
    """
    scheduler: Any = getattr(workflow, "scheduler", None)
    if not getattr(workflow, "local_exec", False) or not hasattr(scheduler, "job_rate_limiter"):
        return
    scheduler.job_rate_limiter = None
    if workflow.scheduling_settings.scheduler == "greedy":
        members = {"open_jobs": property(_most_urgent), "remaining_jobs": property(lambda _: [])}
        scheduler.__class__ = type("LightScheduler", (type(scheduler),), members)


def _most_urgent(scheduler: Any) -> list[Any]:
    return nlargest(CANDIDATES, scheduler.workflow.dag.ready_jobs, key=lambda job: job.priority)


def hand_stages_over() -> None:
    """Let the worker run stages without a shell for each (``awm_lib.stage_process``)."""
    shell: Any = import_module("snakemake.shell")
    shell.sp = SimpleNamespace(**{**vars(subprocess), "Popen": open_process})
