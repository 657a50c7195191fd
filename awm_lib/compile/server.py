"""spec.json and schema.sql -> server.py: the tools as typed functions, the same bytes every time."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from awm_lib import sqltext
from awm_lib.compile.crud import expand
from awm_lib.compile.database import BUILD_TIME, build_database
from awm_lib.compile.verifier import check_equal, literal, sql_literal
from awm_lib.contracts import spec
from awm_lib.contracts.scenario import Scenario
from awm_lib.contracts.seed import Seed
from awm_lib.contracts.spec import Spec
from awm_lib.errors import AwmError, ContractError
from awm_lib.memo import Memo
from awm_lib.runtime import database
from awm_lib.runtime.clock import Clock
from awm_lib.runtime.schema import Schema, read_schema
from awm_lib.runtime.tools import PAGING, Tool, compile_tool

WIDTH = 116
_PYTHON = {
    "string": "str", "integer": "int", "number": "float", "boolean": "bool", "money": "float", "date": "str",
    "datetime": "str", "json": "Any", None: "Any",
}  # fmt: skip


def compile_server(scenario: Scenario, tools: Spec, schema_sql: str) -> str:
    """The text of server.py. Raises SqlError that names tool and statement if a tool does not fit the schema."""
    image = build_database(schema_sql, Seed(scenario=scenario.name, tables=[]))
    connection = database.connect(Clock(BUILD_TIME))
    database.load(connection, image)
    database.declare_functions(connection)
    schema = read_schema(connection)
    compiled: list[tuple[Tool, str | None]] = [(compile_tool(tool, schema, connection), None) for tool in tools.tools]
    for crud in tools.crud:
        compiled += [(compile_tool(tool, schema, connection), crud.noun) for tool in expand(crud, schema)]
    connection.close()
    names = [tool.name for tool, _ in compiled]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ContractError(f"spec.json: the tool {twice[0]} is defined twice")
    return server_text(scenario, compiled)


_TEXTS: Memo[str] = Memo(16)


def server_text(scenario: Scenario, compiled: list[tuple[Tool, str | None]]) -> str:
    """The text of server.py for compiled tools, each with the noun of its shorthand if it comes from one."""
    return _TEXTS.get((scenario.model_dump_json(), tuple(compiled)), lambda: _text(scenario, compiled))


def _text(scenario: Scenario, compiled: list[tuple[Tool, str | None]]) -> str:
    shapes = _Shapes()
    functions = [_function(tool, shapes.name_for(tool, noun)) for tool, noun in compiled]
    classes = shapes.text()
    body = classes + "".join(functions)
    return f"{_head(scenario, body)}\n\nserver = Server(__file__)\n{body}{_TAIL}"


_TAIL = """

if __name__ == "__main__":
    from awm_lib.serve import serve_file

    serve_file(__file__)
"""


def nouns(tools: Spec, schema: Schema) -> dict[str, str]:
    """Tool -> the noun of the shorthand that it comes from."""
    return {tool.name: crud.noun for crud in tools.crud for tool in expand(crud, schema)}


def check_server(directory: Path) -> None:
    """Raise StaleView, with the difference, unless a directory's server.py equals its recompilation."""
    scenario, tools = Scenario.read(directory / "scenario.json"), Spec.read(directory / "spec.json")
    try:
        schema = (directory / "schema.sql").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ContractError(
            f"{directory / 'schema.sql'} does not exist", hint=f"snakemake {directory}/schema.sql"
        ) from None
    try:
        text = compile_server(scenario, tools, schema)
    except AwmError as error:
        raise type(error)(f"{directory}: {error.message}", hint=error.hint) from None
    check_equal(directory / "server.py", text)


def _head(scenario: Scenario, body: str) -> str:
    typing = [
        name
        for name in ("Annotated", "Any", "Literal", "TypedDict")
        if f"{name}[" in body or f"({name})" in body or f": {name}" in body or f"| {name}" in body
    ]
    words = [
        name
        for name in ("Changed", "Page", "Server", "check", "let", "one", "page", "program", "rowcount", "run")
        if name == "Server" or f"{name}(" in body or f"{name}[" in body or f"-> {name}:" in body
    ]
    imports = "from __future__ import annotations\n"
    imports += f"\nfrom typing import {', '.join(typing)}\n" if typing else ""
    imports += "\nfrom pydantic import Field\n" if "Field(" in body else ""
    imports += f"\nfrom awm_lib.serverfile import {', '.join(words)}\n"
    about = sqltext.in_docstring(textwrap.fill(scenario.description, 112))
    return f'''"""{sqltext.in_docstring(scenario.title)}: the tools of {scenario.name}.

{about}

Compiled from spec.json and schema.sql; edit those. Each function shows a tool as agents see it, with the SQL program
that it
runs in one transaction. Serve them over MCP and REST with: python results/{scenario.name}/server.py
"""

{imports}'''


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


class _Shapes:
    """The result records, each distinct shape once."""

    def __init__(self) -> None:
        self._names: dict[tuple[Any, ...], str] = {}

    def name_for(self, tool: Tool, noun: str | None) -> str:
        """The annotation of a tool's result."""
        if tool.returns == "rowcount":
            return "Changed"
        shape = tuple((column.name, column.type, column.nullable) for column in tool.columns)
        if shape not in self._names:
            wanted = _camel(noun) if noun else _camel(tool.name) + ("Item" if tool.returns == "all" else "Result")
            taken = set(self._names.values())
            self._names[shape] = next(
                name for name in (wanted, *(f"{wanted}{number}" for number in range(2, 99))) if name not in taken
            )
        name = self._names[shape]
        return f"Page[{name}]" if tool.returns == "all" else name

    def text(self) -> str:
        """The classes."""
        return "".join(_record(name, shape) for shape, name in self._names.items())


def _record(name: str, shape: tuple[Any, ...]) -> str:
    lines = []
    for column, kind, nullable in shape:
        python = _PYTHON[kind]
        lines.append(f"    {column}: {python if python == 'Any' or not nullable else python + ' | None'}\n")
    return f"\n\nclass {name}(TypedDict):\n" + "".join(lines)


def _function(tool: Tool, result: str) -> str:
    contract = tool.contract
    facts = [f'effect="{contract.effect}"']
    if contract.tags:
        facts.append(f"tags={literal(contract.tags)}")
    facts += [f"{name}=True" for name in ("destructive", "idempotent") if getattr(contract, name)]
    parameters = [_parameter(parameter) for parameter in contract.parameters]
    parameters += [f"{p.name}: int = {p.default}" for p in PAGING] if tool.returns == "all" else []
    steps = "".join(f"        {_step(step)},\n" for step in contract.program)
    signature = f"def {tool.name}("
    if parameters:
        signature += "\n    *,\n" + "".join(f"    {parameter},\n" for parameter in parameters)
    return f"""

@server.tool({", ".join(facts)})
{signature}) -> {result}:
{_docstring(contract)}
    return program(
{steps}    )
"""


def _docstring(contract: spec.Tool) -> str:
    summary = contract.summary.rstrip(".") + "."
    if not contract.description:
        text = f'    """{sqltext.in_docstring(summary)}"""'
        if len(text) <= WIDTH and "\\" not in summary and '"' not in summary:
            return text
    parts = [
        textwrap.fill(part, 108, initial_indent="    ", subsequent_indent="    ")
        for part in (summary, contract.description)
        if part
    ]
    body = sqltext.in_docstring("\n\n".join(parts).strip())
    return f'    """{body}\n    """'


def _parameter(parameter: spec.Parameter) -> str:
    python = _annotation(parameter)
    facts = [literal(parameter.description)]
    for name, key in (("minimum", "ge"), ("maximum", "le"), ("max_length", "max_length")):
        value = getattr(parameter, name)
        if value is not None:
            facts.append(f"{key}={int(value) if float(value).is_integer() else value}")
    if parameter.example is not None:
        facts.append(f"examples=[{literal(parameter.example)}]")
    if not parameter.is_required and parameter.default is None:
        python, default = f"{python} | None", " = None"
    else:
        default = "" if parameter.is_required else f" = {literal(parameter.default)}"
    field = f"Field(description={', '.join(facts)})"
    flat = f"{parameter.name}: Annotated[{python}, {field}]{default}"
    if len(flat) <= WIDTH - 5:
        return flat
    return f"{parameter.name}: Annotated[\n        {python},\n        {field},\n    ]{default}"


def _annotation(parameter: spec.Parameter) -> str:
    kind = parameter.items if parameter.type == "array" else parameter.type
    python = _PYTHON[kind]
    if parameter.enum:
        python = f"Literal[{', '.join(literal(value) for value in parameter.enum)}]"
    return f"list[{python}]" if parameter.type == "array" else python


def _step(step: spec.Step) -> str:
    if isinstance(step, spec.CheckStep):
        return _invoke("check", [sql_literal(step.check, 12), literal(step.error), literal(step.message)])
    if isinstance(step, spec.LetStep):
        rest = ["optional=True"] if step.optional else []
        return _invoke("let", [literal(step.let), sql_literal(step.sql, 12), *rest])
    if isinstance(step, spec.RunStep):
        return _invoke("run", [sql_literal(step.run, 12)])
    name = {"one": "one", "all": "page", "rowcount": "rowcount"}[step.returns]
    types = [f"{item.column}={literal(item.type)}" for item in step.types]
    return _invoke(name, [sql_literal(step.sql, 12), *types])


def _invoke(name: str, arguments: list[str]) -> str:
    flat = f"{name}({', '.join(arguments)})"
    if "\n" not in flat and len(flat) <= WIDTH - 9:
        return flat
    return f"{name}(\n" + "".join(f"            {argument},\n" for argument in arguments) + "        )"
