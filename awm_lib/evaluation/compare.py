"""Two runs, task by task: who does better, and whether that can be chance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from awm_lib.contracts.comparison import Comparison, GroupDifference, TaskDifference
from awm_lib.contracts.summary import Estimate
from awm_lib.errors import AwmError
from awm_lib.evaluation.intervals import difference, estimate
from awm_lib.evaluation.outcome import Outcome
from awm_lib.evaluation.store import Store
from awm_lib.evaluation.summary import by_task

Task = tuple[str, str]


class Side(NamedTuple):
    """One run, in short."""

    name: str
    outcomes: list[Outcome]

    @classmethod
    def read(cls, store: Store) -> Side:
        """A run's finished trials."""
        return cls(store.home.name, [Outcome.of(trial) for trial in store.read_all()])

    def rates(self) -> dict[Task, float]:
        """Task -> the share of its trials that are complete; masked ones are left out."""
        return {task: complete / trials for task, (trials, complete) in by_task(self.outcomes).items()}


def compare(one: Side, other: Side) -> Comparison:
    """The difference one - other over the tasks of both. Raises AwmError if they have none in common."""
    first, second = one.rates(), other.rates()
    common = [task for task in first if task in second]
    if not common:
        raise AwmError(
            f"{one.name} and {other.name} have no task in common",
            hint="runs are compared over the tasks that both have tried, errors of the infrastructure left out",
        )
    facts = {(item.scenario, item.task): item for item in [*one.outcomes, *other.outcomes]}
    return Comparison(
        one=one.name,
        other=other.name,
        environments=len({environment for environment, _ in common}),
        tasks=len(common),
        only_one=len(first) - len(common),
        only_other=len(second) - len(common),
        success_one=_mean(first, common),
        success_other=_mean(second, common),
        difference=difference(first, second),
        better=sum(first[task] > second[task] for task in common),
        worse=sum(first[task] < second[task] for task in common),
        groups=list(_groups(first, second, common, facts)),
        differing=[
            TaskDifference(scenario=task[0], task=task[1], one=first[task], other=second[task])
            for task in sorted(common)
            if first[task] != second[task]
        ],
    )


def _mean(rates: Mapping[Task, float], tasks: list[Task]) -> Estimate:
    return estimate({task: rates[task] for task in tasks})


def _groups(
    first: Mapping[Task, float], second: Mapping[Task, float], common: list[Task], facts: Mapping[Task, Outcome]
) -> Iterable[GroupDifference]:
    parts: dict[tuple[str, str], list[Task]] = defaultdict(list)
    for task in common:
        parts["category", facts[task].category].append(task)
        if facts[task].level:
            parts["level", str(facts[task].level)].append(task)
        for skill in facts[task].skills:
            parts["skill", skill].append(task)
    for (by, name), tasks in sorted(parts.items()):
        found = difference({task: first[task] for task in tasks}, {task: second[task] for task in tasks})
        yield GroupDifference(by=by, name=name, tasks=len(tasks), difference=found)


def comparison_text(found: Comparison) -> str:
    """A comparison for a terminal."""
    gap = found.difference
    sure = "the interval has 0 in it: this may be chance" if gap.low <= 0 <= gap.high else "more than chance"
    lines = [
        f"{found.one} against {found.other}: {found.tasks:,} tasks of {found.environments:,} environments in common",
        f"  {found.one:20} {_share(found.success_one)}",
        f"  {found.other:20} {_share(found.success_other)}",
        f"  difference           {_points(gap)}; {sure}",
        f"  tasks                better {found.better:,}, worse {found.worse:,}, "
        f"the same {found.tasks - found.better - found.worse:,}",
    ]
    if found.only_one or found.only_other:
        lines.append(
            f"  not compared         only {found.one} {found.only_one:,}, only {found.other} {found.only_other:,}"
        )
    lines += [
        f"    {group.by} {group.name:24} {_points(group.difference)} of {group.tasks:,}"
        for group in found.groups
        if group.by != "skill"
    ]
    return "\n".join(lines)


def _share(found: Estimate) -> str:
    return f"{found.mean * 100:.1f} % ({found.low * 100:.1f} to {found.high * 100:.1f})"


def _points(found: Estimate) -> str:
    return f"{found.mean * 100:+.1f} points ({found.low * 100:+.1f} to {found.high * 100:+.1f})"
