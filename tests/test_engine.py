"""What is asked of Snakemake beyond its settings: still there, and asked of local runs alone."""

from __future__ import annotations

import inspect
from types import SimpleNamespace

from snakemake.scheduling import job_scheduler

from awm_lib.engine import lift_rate_limit
from tests.conftest import Project


def test_local_runs_have_no_limit_and_clusters_keep_theirs() -> None:
    local, cluster = (
        SimpleNamespace(local_exec=here, scheduler=SimpleNamespace(job_rate_limiter="100/1s")) for here in (True, False)
    )
    lift_rate_limit(local)
    lift_rate_limit(cluster)
    assert local.scheduler.job_rate_limiter is None
    assert cluster.scheduler.job_rate_limiter == "100/1s"


def test_a_workflow_of_another_make_is_left_alone() -> None:
    workflow = SimpleNamespace(local_exec=True, scheduler=SimpleNamespace())
    lift_rate_limit(workflow)
    assert vars(workflow.scheduler) == {}


def test_snakemake_takes_none_for_no_limit() -> None:
    assert "if self.job_rate_limiter is None" in inspect.getsource(job_scheduler.JobScheduler)


def test_a_real_run_starts_no_timers(project: Project) -> None:
    project.edit(
        "rules/common.smk",
        "    lift_rate_limit(workflow)\n",
        "    lift_rate_limit(workflow)\n    print('limiter', workflow.scheduler.job_rate_limiter, file=sys.stderr)\n",
    )
    done = project.snakemake("results/e_commerce_33/scenario.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "limiter None" in done.stderr
