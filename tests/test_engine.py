"""What is asked of Snakemake beyond its settings: still there, and asked of local runs alone."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

from snakemake import shell
from snakemake.scheduling import greedy, job_scheduler

from awm_lib.engine import CANDIDATES, schedule_lightly
from tests.conftest import Project


class Scheduler:
    """As much of Snakemake's as is changed."""

    def __init__(self, workflow: SimpleNamespace) -> None:
        self.workflow = workflow
        self.job_rate_limiter: object = "100/1s"
        self.open_jobs: list[Any]
        self.remaining_jobs: list[Any]


def workflow(*priorities: int, local: bool = True, scheduler: str = "greedy") -> SimpleNamespace:
    found = SimpleNamespace(
        local_exec=local,
        scheduling_settings=SimpleNamespace(scheduler=scheduler),
        dag=SimpleNamespace(ready_jobs=[SimpleNamespace(priority=number) for number in priorities]),
    )
    found.scheduler = Scheduler(found)
    return found


def test_local_runs_have_no_limit_and_clusters_keep_theirs() -> None:
    local, cluster = workflow(), workflow(local=False)
    schedule_lightly(local)
    schedule_lightly(cluster)
    assert local.scheduler.job_rate_limiter is None
    assert cluster.scheduler.job_rate_limiter == "100/1s"
    assert type(cluster.scheduler) is Scheduler


def test_the_most_urgent_jobs_are_looked_at() -> None:
    many = workflow(*[0] * 1000, 4, 1)
    schedule_lightly(many)
    priorities = [job.priority for job in many.scheduler.open_jobs]
    assert len(priorities) == CANDIDATES
    assert priorities[:3] == [4, 1, 0]
    few = workflow(0, 3)
    schedule_lightly(few)
    assert [job.priority for job in few.scheduler.open_jobs] == [3, 0]


def test_a_scheduler_that_plans_ahead_sees_all_jobs() -> None:
    planned = workflow(0, scheduler="ilp")
    schedule_lightly(planned)
    assert type(planned.scheduler) is Scheduler
    assert planned.scheduler.job_rate_limiter is None


def test_a_workflow_of_another_make_is_left_alone() -> None:
    other = SimpleNamespace(local_exec=True, scheduler=SimpleNamespace())
    schedule_lightly(other)
    assert vars(other.scheduler) == {}


def test_snakemake_has_what_is_changed() -> None:
    source = inspect.getsource(job_scheduler.JobScheduler)
    assert "if self.job_rate_limiter is None" in source
    assert "needrun = set(self.open_jobs)" in source
    assert isinstance(job_scheduler.JobScheduler.open_jobs, property)
    assert isinstance(job_scheduler.JobScheduler.remaining_jobs, property)
    assert "remaining_jobs" not in inspect.getsource(greedy.Scheduler.select_jobs).partition('"""')[2]
    assert "sp.Popen(" in inspect.getsource(shell)


def test_a_real_run_starts_no_timers(project: Project) -> None:
    project.edit(
        "rules/common.smk",
        "    schedule_lightly(workflow)\n",
        "    schedule_lightly(workflow)\n    print('limiter', workflow.scheduler.job_rate_limiter, file=sys.stderr)\n",
    )
    done = project.snakemake("results/e_commerce_33/scenario.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "limiter None" in done.stderr
