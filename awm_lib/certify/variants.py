"""Correct variants: other runs that do the task as well as the oracle's, which its verifier must accept."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from awm_lib.certify.samples import invalid_arguments, valid_arguments
from awm_lib.contracts.certificate import Runs
from awm_lib.contracts.oracle import Argument, Call, Solution
from awm_lib.contracts.tasks import Task
from awm_lib.oracles.replay import Replay, answer_text, replay
from awm_lib.oracles.shifted import start_shifted
from awm_lib.oracles.sources import calls_used
from awm_lib.runtime.environment import Environment
from awm_lib.runtime.results import ToolResult

LATER = 1_800
"""Seconds by which the later clock is ahead; less than what would change the business day."""

Variant = tuple[str, Replay, str | None]


def check_variants(
    environment: Environment, task: Task, solution: Solution, oracle: Replay, chance: random.Random
) -> tuple[list[Runs], list[str]]:
    """Run each family of variants. Returns the counts, and a line for each variant that was not accepted."""
    made: dict[str, int] = {}
    accepted: dict[str, int] = {}
    refused = []
    for family, run, answer in _variants(environment, task, solution, oracle, chance):
        made[family] = made.get(family, 0) + 1
        verdict = run.episode.verify(answer, task=task.id)
        if verdict.complete:
            accepted[family] = accepted.get(family, 0) + 1
        else:
            evidence = {key: value for key, value in verdict.evidence.items() if value and key != "expected"}
            refused.append(f"{family} is not accepted: {str(evidence)[:400]}")
        run.episode.close()
    return [Runs(family=name, made=count, passed=accepted.get(name, 0)) for name, count in made.items()], refused


def _variants(
    environment: Environment, task: Task, solution: Solution, oracle: Replay, chance: random.Random
) -> Iterator[Variant]:
    calls = solution.calls

    def run(family: str, changed: Sequence[Call] = calls, **how: object) -> Iterator[Variant]:
        found = replay(environment, task, solution, calls=changed, **how)  # type: ignore[arg-type]
        if not found.problems:
            yield family, found, answer_text(found.answer)

    yield from run("extra_reads", _with_reads(environment, calls, chance))
    for changed in _reordered(environment, solution):
        yield from run("reordered", changed)
    refused = _refused_call(environment, chance)
    if refused is not None:
        yield from run("refused_first", [refused, *calls])
    yield from run("later_clock", episode=start_shifted(environment, task.id, seconds=LATER))
    yield from run("shifted_keys", episode=start_shifted(environment, task.id, keys=True))
    repeated = _repeated(environment, calls, oracle)
    if repeated is not None:
        found = replay(environment, task, solution, calls=repeated, lenient=True)
        yield "repeated_idempotent", found, answer_text(found.answer)
    for alternative in solution.expect.alternatives:
        yield from run("alternative", alternative.calls)
    if task.answer is not None:
        found = replay(environment, task, solution)
        yield "answer_in_prose", found, f"I looked it up for you.\n<answer>{answer_text(found.answer)}</answer>"


def _plain_call(name: str, tool: str, arguments: dict[str, Any], refused: Any = None) -> Call:
    return Call.model_construct(
        id=name,
        tool=tool,
        arguments=[Argument.model_construct(name=key, value=value, source=None) for key, value in arguments.items()],
        refused=refused,
        when=None,
    )


def _with_reads(environment: Environment, calls: Sequence[Call], chance: random.Random) -> list[Call]:
    """The calls, with two reads that are carried out put among them."""
    found = list(calls)
    readers = [tool for tool in environment.tools.values() if not tool.writes]
    probe = environment.start()
    added = 0
    for _ in range(12):
        tool = chance.choice(readers)
        arguments = valid_arguments(tool, environment, chance)
        if probe.call(tool.name, arguments).ok:
            added += 1
            found.insert(chance.randint(0, len(found)), _plain_call(f"extra_{added}", tool.name, arguments))
        if added == 2:
            break
    probe.close()
    return found


def _refused_call(environment: Environment, chance: random.Random) -> Call | None:
    """A call with invalid arguments, as a clumsy agent would make first."""
    probe = environment.start()
    writers = [tool for tool in environment.tools.values() if tool.writes]
    try:
        for _ in range(12):
            tool = chance.choice(writers)
            arguments = invalid_arguments(tool, environment, chance)
            result: ToolResult = probe.call(tool.name, arguments)
            if result.error is not None and result.error.kind != "internal":
                return _plain_call("refused_first", tool.name, arguments, result.error.kind)
        return None
    finally:
        probe.close()


def _reordered(environment: Environment, solution: Solution) -> Iterator[list[Call]]:
    """Orders with two neighbours swapped that do not depend on each other: each gives the same result either way."""
    calls = solution.calls
    made = 0
    for at in range(len(calls) - 1):
        first, second = calls[at], calls[at + 1]
        if _depends(second, first.id) or first.refused or second.refused or first.when or second.when:
            continue
        tools = [environment.tools[first.tool], environment.tools[second.tool]]
        if any((a.written & (b.reads | b.written)) for a, b in (tools, tools[::-1])):
            continue
        yield [*calls[:at], second, first, *calls[at + 2 :]]
        made += 1
        if made == 2:
            return


def _depends(call: Call, earlier: str) -> bool:
    sources = [argument.source for argument in call.arguments if argument.source]
    if call.when:
        sources.append(call.when)
    return any(calls_used(source, {earlier}) for source in sources)


def _repeated(environment: Environment, calls: Sequence[Call], oracle: Replay) -> list[Call] | None:
    """The calls, with each idempotent write made twice."""
    found: list[Call] = []
    repeated = False
    for call, step in zip(calls, oracle.steps, strict=True):
        found.append(call)
        tool = environment.tools[call.tool]
        if tool.writes and tool.contract.idempotent and step.result.ok:
            found.append(call.model_copy(update={"id": f"{call.id}_again"}))
            repeated = True
    return found if repeated else None
