"""Which of its modules' tools a world goes without, so that the worlds of a pack differ in more than their modules.

The catalogue decides it, since it alone knows the scenarios before; a world has then only templates whose tools it has.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field
from operator import itemgetter

from awm_lib.synthesis.offline.outline import Outline, bits

KEPT = 35
"""How many tools a world has. Of two sets of different sizes the smaller one may be nearly all in the larger."""
COMMON = 0.8
"""The share of the smaller of two worlds' tools that may be in the other."""
_WIDTH = 32
_COUNTS = (243, 81, 27, 9, 3, 1)
"""What a tool counts that the scenario with the most in common has, one that has one fewer in common, and so on."""


@dataclass(slots=True)
class ToolSets:
    """The tools of a pack's scenarios so far."""

    masks: list[int] = field(default_factory=list)
    fields: list[int] = field(default_factory=list)
    """The same with _WIDTH bits for each tool, so that one sum counts for all tools the scenarios that have it."""

    def add(self, tools: int) -> None:
        """Take a scenario's tools."""
        self.masks.append(tools)
        self.fields.append(sum(1 << at * _WIDTH for at in bits(tools)))

    def alike(self, tools: int) -> int:
        """How many of them have too much in common with some tools."""
        size = tools.bit_count()
        return sum([(tools & other).bit_count() > COMMON * min(size, other.bit_count()) for other in self.masks])

    def weights(self, tools: int, count: int) -> tuple[int, ...]:
        """For each of the pack's ``count`` tools, how much less alike it would make some tools to go without it."""
        shared = [(tools & other).bit_count() for other in self.masks]
        most = max(shared, default=0)
        total = sum(
            [
                _COUNTS[most - number] * fields
                for number, fields in zip(shared, self.fields, strict=True)
                if most - number < len(_COUNTS)
            ]
        )
        return struct.unpack(f"<{count}I", total.to_bytes(4 * count, "little"))


def leave_out(outline: Outline, modules: int, before: ToolSets, chance: random.Random, tasks: int) -> int:
    """The tools that a world with some modules keeps: KEPT of them, or more where its templates need them.

    ``before`` are the pack's scenarios before it, ``tasks`` how many templates it will choose from what is left. A tool
    goes together with those whose texts name it. Those go first that the scenarios most alike have.
    """
    kept = outline.tools_of(modules)
    floors = _floors(outline, outline.templates_of(modules), tasks)
    order = list(bits(kept))
    chance.shuffle(order)
    lost = 0
    while (spare := kept.bit_count() - KEPT) > 0:
        weights = before.weights(kept, len(outline.tools))
        ranked = [((outline.units[at] & kept).bit_count(), -weights[at], at) for at in order]
        # Those that go alone come first: they leave the choice of the others freer. Of equals any comes first.
        ranked.sort(key=itemgetter(0, 1))
        for size, _, at in ranked:
            if size > spare:
                return kept
            gone = lost | outline.callers[at]
            order.remove(at)
            # What fails now fails later too, when more is lost: it is not tried again.
            if all((templates & ~gone).bit_count() >= least for templates, least in floors):
                kept, lost = kept & ~outline.units[at], gone
                break
        else:
            break
        order = [at for at in order if kept >> at & 1]
    return kept


def _floors(outline: Outline, usable: int, tasks: int) -> list[tuple[int, int]]:
    """Sets of templates, and how many of each have to stay: what a choice of tasks wants of that kind and a spare one,
    since not every template finds its data; but no more than half of what there is (of all, two thirds). Two hard ones
    stay if there are two: some packs have no more.
    """
    level = 1 + max(1, tasks // 5)
    wanted = {
        "all": tasks * 3 // 2, "long": 2 + tasks // 20, "refused": 1 + round(tasks * 0.2),
        "question": 1 + round(tasks * 0.3), "easy": level, "middle": level, "hard": level,
    }  # fmt: skip
    floors = []
    for kind, templates in outline.kinds.items():
        count = (templates & usable).bit_count()
        most = -(-count * 2 // 3) if kind == "all" else -(-count // 2)
        if kind == "hard":
            most = max(min(count, 2), most)
        floors.append((templates & usable, min(wanted.get(kind, 1), most)))
    return floors
