"""Stage tools: plain tools by shorthand, business tools as SQL programs, all of them run before they are accepted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import ValidationError

from awm_lib.certify.world import check_tools
from awm_lib.compile.crud import expand
from awm_lib.contracts import spec
from awm_lib.contracts.base import explain
from awm_lib.contracts.scenario import Scenario
from awm_lib.contracts.spec import Crud, Parameter, Spec, Tool
from awm_lib.contracts.tasks import Tasks
from awm_lib.errors import AwmError
from awm_lib.llm.chat import ChatRequest
from awm_lib.llm.strict import output_schema, parse_reply
from awm_lib.runtime.environment import Environment
from awm_lib.runtime.schema import Schema
from awm_lib.runtime.tools import compile_tool
from awm_lib.synthesis.llm.listing import schema_text, tasks_text
from awm_lib.synthesis.llm.prompts import messages
from awm_lib.synthesis.llm.replies import (
    CrudReply,
    FullParameter,
    KeyParameter,
    PlainParameter,
    ToolReply,
    ToolsCorrection,
    ToolsReply,
)

FEWEST_TOOLS = 12
_PER_TOOL = 2
"""Findings of fuzzing that are told of one tool."""
_INSERTED = re.compile(r"table (\w+): tools insert rows")


class ToolsStage:
    """Asks for tools; ``result`` is the content of spec.json once a reply is right."""

    again = (
        "Give only what changes: in `crud` and `tools` the entries to replace or add, each whole; "
        "in `removed` what to leave out."
    )

    def __init__(self, scenario: Scenario, draft: Tasks, schema: str, image: bytes) -> None:
        self.scenario, self.draft, self.schema, self.image = scenario, draft, schema, image
        self.result: Spec | None = None
        self._bare = Environment(scenario, draft, Spec(scenario=scenario.name), image)
        self._crud: dict[str, Crud] = {}
        self._tools: dict[str, Tool] = {}
        self._asked = False

    def request(self) -> ChatRequest:
        """The first request."""
        return ChatRequest(self._messages(), output_schema(ToolsReply))

    def correction(self, findings: list[str]) -> ChatRequest:
        """A correction gives the tools that change."""
        if not self._asked:
            return self.request()
        return ChatRequest(self._messages(), output_schema(ToolsCorrection))

    def _messages(self) -> list[dict[str, str]]:
        return messages("tools", scenario=self.scenario, tasks=tasks_text(self.draft), schema=schema_text(self.schema))

    def judge(self, text: str) -> list[str]:
        """What is wrong with a reply; its tools replace earlier ones of the same name."""
        if self._asked:
            correction = parse_reply(ToolsCorrection, text)
            for name in correction.removed:
                self._tools.pop(name, None)
                self._crud.pop(name, None)
            crud, tools = correction.crud, correction.tools
        else:
            reply = parse_reply(ToolsReply, text)
            crud, tools = reply.crud, reply.tools
            self._asked = True
        findings = [
            *_taken(crud, crud_of, self._crud, "crud entry"),
            *_taken(tools, tool_of, self._tools, "tool"),
        ]
        findings += self._findings()
        if not findings:
            self.result = self._spec()
        return findings

    def _spec(self) -> Spec:
        return Spec(scenario=self.scenario.name, tools=list(self._tools.values()), crud=list(self._crud.values()))

    def _findings(self) -> list[str]:
        found = tool_problems(self._tools.values(), self._crud.values(), self._bare.schema, self._bare)
        if found:
            return found
        environment = Environment(self.scenario, self.draft, self._spec(), self.image)
        if len(environment.tools) < FEWEST_TOOLS:
            return [f"{len(environment.tools)} tools are too few for an application; at least {FEWEST_TOOLS}"]
        if not any(tool.writes for tool in environment.tools.values()):
            return ["no tool writes"]
        return fuzz_problems(environment)


def _taken(replies: Iterable[Any], convert: Callable[[Any], Any], kept: dict[str, Any], what: str) -> list[str]:
    """Keep what can be converted, by name; tell what cannot."""
    found = []
    for reply in replies:
        name = reply.table if isinstance(reply, CrudReply) else reply.name
        try:
            kept[name] = convert(reply)
        except ValidationError as error:
            kept.pop(name, None)
            found.append(f"{what} {name}: " + explain(error, 4).strip().replace("\n", ";"))
    return found


def tool_problems(tools: Iterable[Tool], crud: Iterable[Crud], schema: Schema, environment: Environment) -> list[str]:
    """What is wrong with tools by themselves: each is compiled, so that all of them are told at once."""
    found: list[str] = []
    names: dict[str, str] = {}
    for entry in crud:
        try:
            expanded = expand(entry, schema)
        except AwmError as error:
            found.append(str(error).replace("\n  ", "; "))
            continue
        found += _compiled(expanded, f"crud {entry.table}", names, schema, environment)
    found += _compiled(tools, "tools", names, schema, environment)
    return found


def _compiled(
    tools: Iterable[Tool], where: str, names: dict[str, str], schema: Schema, environment: Environment
) -> list[str]:
    found = []
    for tool in tools:
        if tool.name in names:
            found.append(f"{where}: the tool {tool.name} exists already, from {names[tool.name]}")
        names[tool.name] = where
        try:
            compile_tool(tool, schema, environment.connection)
        except AwmError as error:
            found.append(str(error).replace("\n  ", "; "))
        for parameter in tool.parameters:
            problem = _reference_problem(parameter, schema)
            if problem:
                found.append(f"tool {tool.name}, parameter {parameter.name}: {problem}")
    return found


def _reference_problem(parameter: Parameter, schema: Schema) -> str | None:
    if parameter.references is None:
        return None
    table, _, column = parameter.references.partition(".")
    if table not in schema:
        return f"references {parameter.references}, but there is no table {table}"
    if schema[table].column(column) is None:
        return f"references {parameter.references}, but {table} has no column {column}"
    return None


def fuzz_problems(environment: Environment) -> list[str]:
    """What comes out when every tool is called with valid and invalid arguments."""
    told: dict[str, int] = {}
    found = []
    for finding in check_tools(environment, environment.name).findings:
        name = finding.split("(", 1)[0]
        told[name] = told.get(name, 0) + 1
        if told[name] <= _PER_TOOL:
            found.append(f"tool {finding}")
    return found


def crud_of(reply: CrudReply) -> Crud:
    """Shorthand from its reply. Raises ValidationError."""
    given = {name: value for name, value in reply.model_dump().items() if value not in (None, [])}
    return Crud(**given, tags=[reply.table])


def tool_of(reply: ToolReply) -> Tool:
    """A tool from its reply. Raises ValidationError."""
    return Tool(
        name=reply.name,
        summary=reply.summary,
        description=reply.description,
        effect=reply.effect,
        destructive=reply.destructive and reply.effect == "write",
        idempotent=reply.idempotent and reply.effect == "write",
        parameters=[parameter_of(parameter) for parameter in reply.parameters],
        program=[step.model_dump(by_alias=True, exclude_defaults=True) for step in reply.program],
    )


def parameter_of(reply: PlainParameter) -> Parameter:
    """A parameter from its reply: 'integer[]' is an array of integers. Raises ValidationError."""
    kind, is_array = reply.type.removesuffix("[]"), reply.type.endswith("[]")
    given: dict[str, Any] = {"name": reply.name, "description": reply.description}
    given |= {"type": "array", "items": kind} if is_array else {"type": kind}
    if isinstance(reply, KeyParameter):
        given["references"] = reply.references
    elif isinstance(reply, FullParameter):
        given |= {"minimum": reply.minimum, "maximum": reply.maximum, "enum": reply.enum or None}
        given |= {"references": reply.references, "default": reply.default}
        if reply.default is None:
            given["required"] = not reply.optional
    return spec.Parameter(**given)
