"""A pack's modules, tools and templates as bits: what the catalogue has to know to tell its scenarios apart.

A set of modules, of tools or of templates is an integer here, a bit for each in the pack's order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from awm_lib.compile.crud import tool_name
from awm_lib.contracts.spec import CheckStep, Tool, statement_of
from awm_lib.errors import UnknownName
from awm_lib.oracles.difficulty import HARD, MIDDLE, difficulty
from awm_lib.synthesis.offline.pack import FAMILIES, Module, Pack, TaskTemplate

LONG = 9
"""Calls from which a task counts as long."""
_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+")
_WORD = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Outline:
    """A pack as bits. Made by ``outline_of``."""

    modules: tuple[str, ...]
    """The modules' names, in the pack's order."""
    core: int
    """The modules that every world has, with those that they require."""
    closure: tuple[int, ...]
    """For each module, it and those that it requires, directly or not."""
    tools: tuple[str, ...]
    """The tools' names, shorthand expanded."""
    brought: tuple[int, ...]
    """For each module, its tools."""
    units: tuple[int, ...]
    """For each tool, it and the tools that cannot stay without it, since their texts name it, directly or not."""
    callers: tuple[int, ...]
    """For each tool, the templates that call a tool of its unit."""
    needs: tuple[int, ...]
    """For each template, its modules."""
    kinds: dict[str, int]
    """Templates by what a choice of tasks must not lack: all, long, refused, question, easy, middle, hard, families."""

    def tools_of(self, modules: int) -> int:
        """The tools that modules bring."""
        return union(self.brought[at] for at in bits(modules))

    def templates_of(self, modules: int) -> int:
        """The templates that a world with these modules can use."""
        return sum(1 << at for at, needed in enumerate(self.needs) if not needed & ~modules)

    def modules_named(self, names: Iterable[str]) -> int:
        """Modules by their names, with those that they require."""
        return union(self.closure[self.modules.index(name)] for name in names)

    def tools_named(self, names: Iterable[str]) -> int:
        """Tools by their names. Raises UnknownName."""
        return _mask({name: at for at, name in enumerate(self.tools)}, names, "tool")


def bits(mask: int) -> Iterator[int]:
    """The places of the bits that are set, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def union(masks: Iterable[int]) -> int:
    """All bits of some sets."""
    found = 0
    for mask in masks:
        found |= mask
    return found


def outline_of(pack: Pack) -> Outline:
    """A pack as bits. Raises UnknownName for a module or tool that a module or template names and the pack lacks."""
    place = {module.name: at for at, module in enumerate(pack.modules)}
    closure = _closed([_mask(place, module.requires, "module") | 1 << at for at, module in enumerate(pack.modules)])
    brought: list[int] = []
    tools: list[_Tool] = []
    names = {name for module in pack.modules for name in module.tables}
    for module in pack.modules:
        found = list(_tools(module, names))
        brought.append(((1 << len(found)) - 1) << len(tools))
        tools += found
    at_tool = {tool.name: at for at, tool in enumerate(tools)}
    tables = {tool.name: tool.tables for tool in tools}
    units = [1 << at for at in range(len(tools))]
    for at, tool in enumerate(tools):
        for name in at_tool.keys() & tool.names:
            units[at_tool[name]] |= 1 << at
    templates = [(module, template) for module in pack.modules for template in module.tasks]
    callers = [0] * len(tools)
    kinds: dict[str, int] = {}
    for at, (_, template) in enumerate(templates):
        for other in bits(_mask(at_tool, tools_called(template), "tool")):
            callers[other] |= 1 << at
        for kind in _kinds(template, tables):
            kinds[kind] = kinds.get(kind, 0) | 1 << at
    units = _closed(units)
    return Outline(
        modules=tuple(place),
        core=union(closure[at] for at, module in enumerate(pack.modules) if module.core),
        closure=tuple(closure),
        tools=tuple(at_tool),
        brought=tuple(brought),
        units=tuple(units),
        callers=tuple(union(callers[other] for other in bits(unit)) for unit in units),
        needs=tuple(_mask(place, [module.name, *template.needs], "module") for module, template in templates),
        kinds=kinds,
    )


def tools_called(template: TaskTemplate) -> set[str]:
    """The tools that a template's solution and its alternatives call."""
    calls = [*template.calls, *(call for other in template.alternatives for call in other.calls)]
    return {call.tool for call in calls}


def _mask(places: dict[str, int], names: Iterable[str], what: str) -> int:
    found = 0
    for name in names:
        if name not in places:
            raise UnknownName(what, name, places)
        found |= 1 << places[name]
    return found


def _closed(links: list[int]) -> list[int]:
    """Links followed to their end. Each of them holds itself."""
    while True:
        further = [union(links[at] for at in bits(mask)) for mask in links]
        if further == links:
            return links
        links = further


@dataclass(frozen=True, slots=True)
class _Tool:
    """A tool, shorthand expanded."""

    name: str
    names: set[str]
    """What may be names of tools in what an agent reads of it."""
    tables: set[str]


def _tools(module: Module, tables: set[str]) -> Iterator[_Tool]:
    """A module's tools; ``tables`` are the pack's."""
    for tool in module.tools:
        statements = "\n".join(statement_of(step) for step in tool.program)
        yield _Tool(tool.name, set(_NAME.findall(_text(tool))), tables.intersection(_WORD.findall(statements)))
    for crud in module.crud:
        listing = tool_name(crud, "list")
        for verb in crud.verbs:
            # Keys are found by listing; the messages of the other verbs say so.
            yield _Tool(tool_name(crud, verb), set() if verb == "list" else {listing}, {crud.table})


def _text(tool: Tool) -> str:
    parts = [tool.summary, tool.description]
    parts += [parameter.description for parameter in tool.parameters]
    parts += [step.message for step in tool.program if isinstance(step, CheckStep)]
    return "\n".join(parts)


def _kinds(template: TaskTemplate, tables: Mapping[str, set[str]]) -> Iterator[str]:
    yield "all"
    yield from (family for family in FAMILIES if family in template.skills)
    if len(template.calls) >= LONG:
        yield "long"
    if any(call.refused for call in template.calls):
        yield "refused"
    if template.kind != "action":
        yield "question"
    # Without compiled tools, difficulty counts no tables.
    touched = set().union(*(tables[call.tool] for call in template.calls))
    score = difficulty(template.calls, template.select, {}).score + len(touched) / 4
    yield "easy" if score < MIDDLE else "middle" if score < HARD else "hard"
