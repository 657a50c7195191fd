"""What exists already, as prompts show it: compact, and the same for all stages."""

from __future__ import annotations

import json
from collections.abc import Iterable

from awm_lib.contracts.seed import Seed
from awm_lib.contracts.spec import Parameter
from awm_lib.contracts.tasks import Task, Tasks
from awm_lib.runtime.tools import PAGING, Tool


def tasks_text(tasks: Tasks, only: Iterable[str] | None = None) -> str:
    """The context and the tasks, one on a line."""
    user = tasks.context.user
    head = f"now {tasks.context.now}; logged in: {user.name}, users.id {user.id}, {user.email}"
    chosen = [task for task in tasks.tasks if only is None or task.id in only]
    return "\n".join([head, *(task_line(task) for task in chosen)])


def task_line(task: Task) -> str:
    """One task on a line."""
    form = ""
    if task.answer is not None:
        extras = [task.answer.type, task.answer.unit or "", "ordered" if task.answer.ordered else ""]
        form = f" -> {' '.join(word for word in extras if word)}"
    return f"{task.id} [{task.kind}{form}] {task.instruction}"


def schema_text(schema: str) -> str:
    """The tables without indexes, which no statement names."""
    return "\n".join(
        part.strip() + ";" for part in schema.split(";") if part.strip().upper().startswith("CREATE TABLE")
    )


def rows_text(seed: Seed) -> str:
    """All rows: a line for each, below the table's columns."""
    parts = []
    for table in seed.tables:
        rows = "\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":"))[1:-1] for row in table.rows)
        parts.append(f"{table.table}({','.join(table.columns)})\n{rows}")
    return "\n\n".join(parts)


def tools_text(tools: Iterable[Tool]) -> str:
    """The tools as an agent may call them, with what they give."""
    return "\n".join(_tool_line(tool) for tool in tools)


def _tool_line(tool: Tool) -> str:
    own = [parameter for parameter in tool.parameters if parameter not in PAGING]
    arguments = ", ".join(_parameter(parameter) for parameter in own)
    if tool.returns == "rowcount":
        result = "{changed}"
    else:
        columns = ", ".join(
            column.name if column.type in ("string", "integer", None) else f"{column.name}:{column.type}"
            for column in tool.columns
        )
        result = f"items[{columns}], total" if tool.returns == "all" else f"{{{columns}}}"
    mark = "! " if tool.writes else ""
    return f"{mark}{tool.name}({arguments}) -> {result}  # {tool.summary}"


def _parameter(parameter: Parameter) -> str:
    kind = f"{parameter.items}[]" if parameter.type == "array" else parameter.type
    text = f"{parameter.name}:{kind}" if kind != "string" else parameter.name
    if parameter.enum:
        text = f"{parameter.name}:{'|'.join(parameter.enum)}"
    if parameter.minimum is not None or parameter.maximum is not None:
        low = "" if parameter.minimum is None else f"{parameter.minimum:g}"
        high = "" if parameter.maximum is None else f"{parameter.maximum:g}"
        text += f"[{low}..{high}]"
    if not parameter.is_required:
        text += "?" if parameter.default is None else f"={json.dumps(parameter.default, ensure_ascii=False)}"
    return text
