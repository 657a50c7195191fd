"""Evaluation: how long calibrating agents take over a data set, and how near to ideal many trials of a model run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from awm_lib.contracts.summary import Summary
from awm_lib.evaluation.plan import choose, plan_environment
from awm_lib.evaluation.store import Store, key_of
from benchmarks.bench import Bench
from benchmarks.figure import Figure, at_least, at_most, count, percent
from benchmarks.processes import python, run
from benchmarks.project import ROOT

CALIBRATION_SECONDS = 60.0
"""For 1,000 environments with 10 tasks each on two cores."""
FULL = 1_000
RANDOM_SHARE = 0.005
CONCURRENCY = 256
REPLY_SECONDS = 2.0
IDEAL_SHARE = 0.9
MEGABYTES = 1_000.0
QUICK_ENVIRONMENTS = 2


def measure_calibration(bench: Bench) -> list[Figure]:
    """The oracle, noop and random agents over the whole build."""
    results = _linked(bench, "calibration")
    found = {}
    for agent in ("oracle", "noop", "random"):
        command = python(str(ROOT / "scripts" / "evaluate.py"), "--agent", agent, "--fresh", "--results", str(results))
        done = run(command, cwd=results.parent).checked()
        found[agent] = (done, Summary.read(results / "evals" / agent / "summary.json"))
    done, summary = found["oracle"]
    scaled = done.seconds * FULL / summary.environments
    figures = [
        Figure(
            name="calibration",
            group="evaluation",
            title="Oracle over 1,000 environments",
            required=f"{CALIBRATION_SECONDS:.0f} s",
            measured=f"{count(scaled)} s",
            met=at_most(scaled, CALIBRATION_SECONDS),
            beside=f"{count(done.cpu * 1000 / summary.environments)} ms of CPU per environment; peak "
            f"{done.peak / 1e6:,.0f} MB",
            how=f"`python scripts/evaluate.py --agent oracle` over {summary.environments:,} environments and "
            f"{summary.trials:,} tasks in {done.seconds:.1f} s, in proportion",
            values={"seconds": done.seconds, "cpu": done.cpu, "environments": summary.environments},
        )
    ]
    limits = {"oracle": (1.0, "all"), "noop": (0.0, "none"), "random": (RANDOM_SHARE, "fewer than 0.5 %")}
    for agent, (limit, words) in limits.items():
        _, summary = found[agent]
        share = summary.complete / summary.trials
        met = share == limit if agent != "random" else share < limit
        figures.append(
            Figure(
                name=f"complete_{agent}",
                group="evaluation",
                title=f"Tasks that the agent {agent} completes",
                required=words,
                measured=f"{percent(share)} ({summary.complete:,} of {summary.trials:,})",
                met=met,
                how="the same command",
                values={"complete": summary.complete, "trials": summary.trials},
            )
        )
    return figures


def measure_concurrency(bench: Bench) -> list[Figure]:
    """Trials of a model that takes two seconds for each reply, 256 at once."""
    seconds = 0.1 if bench.quick else REPLY_SECONDS
    concurrency = 8 if bench.quick else CONCURRENCY
    results = _linked(bench, "concurrency")
    with _model(results, seconds) as (model, port):
        tasks = 10 * sum(1 for _ in results.glob("*/verifier.py"))
        trials = 1 if bench.quick else max(1, round(4 * concurrency / tasks))
        command = python(
            str(ROOT / "scripts" / "evaluate.py"), "--model", "m", "--run", "m",
            "--base-url", f"http://127.0.0.1:{port}/v1",
            "--trials", str(trials), "--concurrency", str(concurrency), "--results", str(results),
        )  # fmt: skip
        done = run(command, cwd=results.parent).checked()
        assert model.stdin is not None and model.stdout is not None
        model.stdin.write("\n")
        model.stdin.flush()
        said = json.loads(model.stdout.readline())
    summary = Summary.read(results / "evals" / "m" / "summary.json")
    # The last trials cannot fill all places: what a perfect runner needs for this list is counted, not divided.
    ideal = _ideal(results / "evals" / "m", concurrency) * seconds
    share = ideal / done.seconds
    return [
        Figure(
            name="concurrency",
            group="evaluation",
            title=f"Trials at once: {concurrency}, {seconds:g} s per reply",
            required="90 % of the ideal",
            measured=percent(share),
            met=at_least(share, IDEAL_SHARE) and summary.complete == summary.trials,
            beside=f"ideal {ideal:.1f} s, measured {done.seconds:.1f} s from start to exit; {count(done.cpu)} s of CPU",
            how=f"{summary.trials:,} trials with {said['replies']:,} replies of a scripted model, at most "
            f"{said['busiest']} at once; {summary.complete:,} complete",
            values={"ideal": ideal, "seconds": done.seconds, "cpu": done.cpu, "replies": said["replies"]},
        ),
        Figure(
            name="concurrency_memory",
            group="evaluation",
            title="Memory of that run",
            required=f"{MEGABYTES:,.0f} MB",
            measured=f"{done.peak / 1e6:,.0f} MB",
            met=at_most(done.peak / 1e6, MEGABYTES),
            how="the most that the process held",
            values={"bytes": done.peak},
        ),
    ]


def _ideal(run_home: Path, concurrency: int) -> int:
    """Rounds of replies in which a runner without any cost would make these trials, in their order."""
    store = Store(run_home)
    turns = {key_of(trial): len(trial.turns) for trial in store.read_all()}
    ends = [0] * concurrency
    for home in choose(store.settings, run_home.parent.parent):
        for key in plan_environment(home, store.settings).keys(store.settings.trials):
            first = min(range(concurrency), key=ends.__getitem__)
            ends[first] += turns[key]
    return max(ends)


@contextmanager
def _model(results: Path, seconds: float) -> Iterator[tuple[subprocess.Popen[str], int]]:
    probe = ROOT / "benchmarks" / "probes" / "scripted_model.py"
    process = subprocess.Popen(
        [sys.executable, str(probe), str(results), str(seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def _linked(bench: Bench, name: str) -> Path:
    """A directory of results that shows the build's environments and can be written to."""
    results = bench.home / name / "results"
    results.mkdir(parents=True)
    built = sorted(bench.catalogue.glob("*/verifier.py"))
    for file in built[:QUICK_ENVIRONMENTS] if bench.quick else built:
        (results / file.parent.name).symlink_to(file.parent.resolve())
    return results
