"""A run's outcomes as a summary."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from awm_lib.contracts.run import RunSettings
from awm_lib.contracts.summary import AtK, FailureCount, Group, JudgeReport, Means, Summary
from awm_lib.evaluation.intervals import estimate, pass_all, pass_any
from awm_lib.evaluation.outcome import Outcome

By = Literal["all", "category", "level", "kind", "skill", "tool"]
NAMES: dict[By, Callable[[Outcome], Iterable[str]]] = {
    "category": lambda item: [item.category] if item.category else [],
    "level": lambda item: [item.level] if item.level else [],
    "kind": lambda item: [item.kind] if item.kind else [],
    "skill": lambda item: item.skills,
    "tool": lambda item: item.tools,
}
"""Dimension -> the groups that a trial is in."""
TOOLS_SHOWN = 200
"""Of the tools, those of most trials."""


def summarize(
    settings: RunSettings, outcomes: Sequence[Outcome], planned: int, judges: Sequence[JudgeReport] = ()
) -> Summary:
    """The summary of some trials of a run."""
    counted = [item for item in outcomes if not item.masked]
    groups: list[Group] = []
    for by, names in NAMES.items():
        parts: dict[str, list[Outcome]] = defaultdict(list)
        for item in counted:
            for name in names(item):
                parts[name].append(item)
        chosen = sorted(parts, key=lambda name: (-len(parts[name]), name))[:TOOLS_SHOWN] if by == "tool" else parts
        groups += [group(by, name, parts[name]) for name in sorted(chosen)]
    causes = Counter((item.failure_class, item.failure) for item in outcomes if item.failure_class and item.failure)
    return Summary(
        run=settings.name,
        agent=settings.agent,
        model=settings.model,
        environments=len({item.scenario for item in outcomes}),
        tasks=len({(item.scenario, item.task) for item in outcomes}),
        trials=len(outcomes),
        planned=planned,
        masked=len(outcomes) - len(counted),
        complete=sum(item.complete for item in counted),
        overall=group("all", "all", counted),
        groups=groups,
        failures=[
            FailureCount(error_class=error_class, kind=kind, trials=count)
            for (error_class, kind), count in sorted(causes.items(), key=lambda pair: (-pair[1], str(pair[0])))
        ],
        means=_means(counted, settings) if counted else None,
        total_tokens=sum(item.tokens for item in outcomes),
        total_cost=round(sum(item.cost for item in outcomes), 6),
        judges=list(judges),
    )


def group(by: By, name: str, outcomes: Sequence[Outcome]) -> Group:
    """What some trials, none of them masked, have come to."""
    tasks = by_task(outcomes)
    return Group(
        by=by,
        name=name,
        tasks=len(tasks),
        trials=len(outcomes),
        complete=sum(item.complete for item in outcomes),
        success=estimate({task: complete / trials for task, (trials, complete) in tasks.items()}) if tasks else None,
        at=list(_at(tasks)),
    )


def by_task(outcomes: Iterable[Outcome]) -> dict[tuple[str, str], tuple[int, int]]:
    """(environment, task) -> how many trials count, and how many of them are complete."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for item in outcomes:
        if not item.masked:
            trials, complete = found.get((item.scenario, item.task), (0, 0))
            found[item.scenario, item.task] = (trials + 1, complete + item.complete)
    return found


def _at(tasks: dict[tuple[str, str], tuple[int, int]]) -> Iterable[AtK]:
    """For k = 1, 2, 4, ... and the most trials that a task has."""
    most = max((trials for trials, _ in tasks.values()), default=0)
    powers = [2**power for power in range(12) if 2**power < most]
    for k in [*powers, most] if most > 1 else []:
        enough = {task: found for task, found in tasks.items() if found[0] >= k}
        yield AtK(
            k=k,
            tasks=len(enough),
            any=estimate({task: pass_any(*found, k) for task, found in enough.items()}),
            all=estimate({task: pass_all(*found, k) for task, found in enough.items()}),
        )


def _means(outcomes: Sequence[Outcome], settings: RunSettings) -> Means:
    def mean(values: Iterable[float]) -> float:
        return round(sum(values) / len(outcomes), 6) + 0.0

    priced = settings.asks_model and any(item.cost for item in outcomes)
    return Means(
        turns=mean(item.turns for item in outcomes),
        calls=mean(item.calls for item in outcomes),
        tokens=mean(item.tokens for item in outcomes),
        reward=mean(item.reward or 0.0 for item in outcomes),
        format_reward=mean(item.format_reward or 0.0 for item in outcomes),
        seconds=mean(item.seconds for item in outcomes) if settings.asks_model else None,
        cost=mean(item.cost for item in outcomes) if priced else None,
    )
