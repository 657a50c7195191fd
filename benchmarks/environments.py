"""What the environments of a build are like: sizes, tools, and how much their tasks ask."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from awm_lib.contracts.certificate import Certificate
from awm_lib.contracts.oracle import Oracle, Solution
from awm_lib.contracts.spec import CheckStep, Tool
from awm_lib.runtime import Environment
from benchmarks.bench import Bench
from benchmarks.certificates import directories
from benchmarks.figure import Figure, at_least, percent


@dataclass(frozen=True)
class Facts:
    """What is counted of one environment."""

    name: str
    tables: int
    rows: int
    tools: int
    business: int
    """Tools with several statements or a check. A single query written by hand is not one."""
    governed: int
    """Plain writes to a table that a business tool with a rule also writes."""
    tasks: int
    load_bearing: int
    """Tasks of which every call is shown to be needed."""
    solutions: list[Solution]


def read_facts(directory: Path) -> Facts:
    """Read one environment. Raises ContractError or SqlError if it is not sound."""
    environment = Environment.load(directory)
    certificate = Certificate.read(directory / "certificate.json")
    written_tools = {tool.name for tool in environment.spec.tools}
    ruled = frozenset[str]().union(
        *(environment.tools[tool.name].written for tool in environment.spec.tools if has_rule(tool))
    )
    plain = [tool for name, tool in environment.tools.items() if name not in written_tools]
    return Facts(
        name=environment.name,
        tables=len(environment.schema),
        rows=sum(len(rows) for rows in environment.initial.tables.values()),
        tools=len(environment.tools),
        business=sum(is_business(tool) for tool in environment.spec.tools),
        governed=sum(bool(tool.written & ruled) for tool in plain),
        tasks=len(environment.tasks.tasks),
        load_bearing=sum(
            any(check.check == "load_bearing" and check.status == "passed" for check in task.checks)
            for task in certificate.tasks
        ),
        solutions=Oracle.read(directory / "oracle.json").solutions,
    )


def has_rule(tool: Tool) -> bool:
    """Whether a tool can refuse a call by a rule of the business."""
    return any(isinstance(step, CheckStep) for step in tool.program)


def is_business(tool: Tool) -> bool:
    """Whether a tool is more than one statement: several of them, or a check."""
    return len(tool.program) > 1 or has_rule(tool)


def measure_environments(bench: Bench) -> list[Figure]:
    """Sizes and difficulty, from the files themselves."""
    found = [read_facts(directory) for directory in directories(bench.catalogue)]
    solutions = [solution for facts in found for solution in facts.solutions]
    return [*_sizes(found), *_tools(found), *_difficulty(solutions, found)]


def _sizes(found: Sequence[Facts]) -> list[Figure]:
    return [
        _mean(found, "tables", "Tables per environment", "17 or more", lambda mean: at_least(mean, 17)),
        _mean(found, "rows", "Rows per environment", "130 or more", lambda mean: at_least(mean, 130)),
        _mean(found, "tasks", "Tasks per environment", "10", lambda mean: mean == 10),
        _mean(found, "tools", "Tools per environment", "35 +/- 5", lambda mean: 30 <= mean <= 40),
    ]


def _mean(found: Sequence[Facts], field: str, title: str, required: str, met: Callable[[float], bool]) -> Figure:
    numbers = [int(getattr(facts, field)) for facts in found]
    mean = statistics.fmean(numbers)
    return Figure(
        name=field,
        group="environments",
        title=title,
        required=required,
        measured=f"{mean:.1f}",
        met=met(mean),
        beside=f"from {min(numbers)} to {max(numbers)}",
        how="mean",
        values={"mean": mean, "min": min(numbers), "max": max(numbers)},
    )


def _tools(found: Sequence[Facts]) -> list[Figure]:
    shares = [facts.business / facts.tools for facts in found]
    lowest = min(found, key=lambda facts: facts.business / facts.tools)
    governed = sum(facts.governed for facts in found)
    return [
        Figure(
            name="business",
            group="environments",
            title="Business tools among them",
            required="40 %",
            measured=percent(statistics.fmean(shares)),
            met=at_least(statistics.fmean(shares), 0.4),
            beside=f"lowest: {percent(min(shares))}, {lowest.name}",
            how="tools with several statements or a check, by spec.json; a single query is not counted",
            values={"mean": statistics.fmean(shares), "min": min(shares)},
        ),
        Figure(
            name="governed",
            group="environments",
            title="Plain writes where a business rule governs",
            required="0",
            measured=str(governed),
            met=governed == 0,
            how="tools made from shorthand that write a table that a tool with a check writes too",
            values={"tools": governed},
        ),
    ]


def _difficulty(solutions: Sequence[Solution], found: Sequence[Facts]) -> list[Figure]:
    calls = [len(solution.calls) for solution in solutions]
    distinct = [len({call.tool for call in solution.calls}) for solution in solutions]
    mean, median = statistics.fmean(calls), statistics.median(calls)
    long = sum(number >= 9 for number in calls) / len(calls)
    refused = sum(any(call.refused for call in solution.calls) for solution in solutions) / len(solutions)
    bearing = sum(facts.load_bearing for facts in found)
    return [
        _task("calls", "Oracle calls per task, mean", "5", f"{mean:.2f}", mean, 5, f"at most {max(calls)}"),
        _task("calls_median", "Oracle calls per task, median", "4", f"{median:g}", median, 4),
        _task("long", "Tasks with 9 calls or more", "10 %", percent(long), long, 0.1),
        _task(
            "load_bearing",
            "Tasks of which every call is needed",
            "100 %",
            percent(bearing / len(solutions)),
            bearing / len(solutions),
            1.0,
            how="the check `load_bearing` of the certificates",
        ),
        _task("distinct", "Distinct tools per task, mean", "3.5", f"{(d := statistics.fmean(distinct)):.2f}", d, 3.5),
        _task("refused", "Tasks with a refused call on the way", "10 %", percent(refused), refused, 0.1),
    ]


def _task(
    name: str, title: str, required: str, shown: str, value: float, least: float, beside: str = "", how: str = ""
) -> Figure:
    return Figure(
        name=name,
        group="environments",
        title=title,
        required=required,
        measured=shown,
        met=at_least(value, least),
        beside=beside,
        how=how or "the calls of oracle.json",
        values={"value": value},
    )
