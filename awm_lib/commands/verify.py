"""Score the stored trials of a run again, without running agents: by the verifiers as they are now (code), or by a
language model that reads trial and evidence (sql).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from awm_lib.errors import AwmError

if TYPE_CHECKING:
    from awm_lib.contracts.run import RunSettings
    from awm_lib.evaluation.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("run", help="a run: its directory, or its name under results/evals/")
    parser.add_argument("--mode", choices=["code", "sql"], default="code", help="who judges (default code)")
    parser.add_argument("--results", type=Path, default=Path("results"), help="where the build is (default results)")
    parser.add_argument("--jobs", "-j", type=int, default=0, help="processes of the mode code (default: all)")
    judge = parser.add_argument_group("the judging model of the mode sql (its key comes from the environment)")
    judge.add_argument("--model", help="its name at the endpoint")
    judge.add_argument("--base-url", help="the endpoint, such as http://127.0.0.1:8000/v1")
    judge.add_argument("--provider", choices=["openai", "azure"], default="openai", help="kind of endpoint")
    judge.add_argument("--votes", type=int, default=1, help="votes on each trial (default 1)")
    judge.add_argument("--temperature", type=float, help="of its replies (default: the endpoint's)")
    judge.add_argument("--max-tokens", type=int, default=2048, help="most tokens of a vote (default 2048)")
    judge.add_argument("--concurrency", type=int, default=16, help="trials at once (default 16)")
    judge.add_argument("--retries", type=int, default=6, help="how often a failed request is made again (default 6)")
    judge.add_argument("--backoff", type=float, default=1.0, help="seconds before the first retry (default 1)")


def run(arguments: argparse.Namespace) -> int:
    """Score, and print what came out."""
    from awm_lib.evaluation.find import find_run
    from awm_lib.evaluation.report import write_report
    from awm_lib.evaluation.text import summary_text

    store = find_run(arguments.run, arguments.results)
    settings = store.settings
    if arguments.mode == "code":
        _by_code(store, settings, arguments)
    else:
        _by_model(store, arguments)
    planned = _planned(store)
    print(summary_text(write_report(store, settings, planned), store.home))
    return 0


def _planned(store: Store) -> int:
    from awm_lib.evaluation.report import read_summary

    summary = read_summary(store.home)
    return summary.planned if summary is not None else sum(1 for _ in store.read_all())


def _by_code(store: Store, settings: RunSettings, arguments: argparse.Namespace) -> None:
    from awm_lib.evaluation.crew import share
    from awm_lib.evaluation.progress import Progress, shown

    homes = [arguments.results / name for name in store.scenarios()]
    stored = sum(1 for _ in store.read_all())
    progress = Progress(len(homes), "environments")
    with shown(progress) as report:
        share("rescore", homes, settings, store, arguments.jobs, report)
    if progress.outcomes < stored:
        print(
            f"{stored - progress.outcomes:,} trials are of environments that have changed since, and stay as they "
            "were: the same evaluation makes them again"
        )


def _by_model(store: Store, arguments: argparse.Namespace) -> None:
    import asyncio

    from awm_lib.contracts.run import RunSettings
    from awm_lib.evaluation.judgements import write_judgements
    from awm_lib.evaluation.progress import counting
    from awm_lib.evaluation.sqljudge import demand_votes, judge_trials

    if arguments.model is None:
        raise AwmError("which model is to judge?", hint="--model NAME, and --base-url for an endpoint of your own")
    demand_votes(arguments.votes)
    judge = RunSettings.parse(
        {
            "name": "judge",
            "agent": "llm",
            **{
                name: getattr(arguments, name)
                for name in (
                    "model", "base_url", "provider", "temperature", "max_tokens", "concurrency", "retries", "backoff",
                )
                if getattr(arguments, name) is not None
            },
        },
        "the command line",
    )  # fmt: skip
    trials = list(store.read_all())
    with counting(len(trials), "trials judged") as done:
        judgements, unjudged = asyncio.run(judge_trials(trials, judge, arguments.votes, done))
    write_judgements(store, judgements)
    if unjudged:
        print(f"{unjudged:,} trials have no judgement: no reply was a vote")
