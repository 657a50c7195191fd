"""Which of its modules' tools a world has: a few that nothing needs are left out, so that worlds of a pack differ."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

from awm_lib.compile.crud import tool_name
from awm_lib.contracts.oracle import Call, Solution
from awm_lib.contracts.spec import CheckStep, Crud, Spec
from awm_lib.runtime.tools import Tool

LEAST = (33, 38)
"""How many tools a world keeps at least."""
_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+")


def leave_out(spec: Spec, tools: Mapping[str, Tool], solutions: Sequence[Solution], chance: random.Random) -> Spec:
    """The spec without some tools that no solution calls and that no other tool's texts name.

    ``tools`` are all tools of ``spec`` by name, shorthand expanded.
    """
    used = {call.tool for solution in solutions for calls in _call_lists(solution) for call in calls}
    unused = sorted(tools.keys() - used)
    chance.shuffle(unused)
    # Some that no task uses always stay: the tools of a world must not give away what its tasks are about.
    surplus = min(len(tools) - chance.randint(*LEAST), len(unused) * 3 // 4)
    named = {name: _named(tool) for name, tool in tools.items()}
    gone: set[str] = set()
    # A tool that only tools named that are gone by now can go in the second round.
    for name in [*unused, *unused]:
        if len(gone) < surplus and not any(name in named[other] for other in named.keys() - gone - {name}):
            gone.add(name)
    return spec.model_copy(
        update={
            "tools": [tool for tool in spec.tools if tool.name not in gone],
            "crud": [kept for crud in spec.crud if (kept := _without(crud, gone)) is not None],
        }
    )


def _call_lists(solution: Solution) -> list[list[Call]]:
    return [solution.calls, *(alternative.calls for alternative in solution.expect.alternatives)]


def _named(tool: Tool) -> set[str]:
    """The names in what an agent reads of a tool."""
    contract = tool.contract
    texts = [contract.summary, contract.description]
    texts += [parameter.description for parameter in contract.parameters]
    texts += [step.message for step in contract.program if isinstance(step, CheckStep)]
    return {name for text in texts for name in _NAME.findall(text)}


def _without(crud: Crud, gone: set[str]) -> Crud | None:
    verbs = [verb for verb in crud.verbs if tool_name(crud, verb) not in gone]
    return crud.model_copy(update={"verbs": verbs}) if verbs else None
