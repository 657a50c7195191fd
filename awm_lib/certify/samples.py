"""Arguments for a tool: valid ones drawn from the data, near-by ones, and invalid ones."""

from __future__ import annotations

import math
import random
from datetime import date, datetime, timedelta
from typing import Any

from awm_lib.contracts.spec import Parameter
from awm_lib.runtime.environment import Environment
from awm_lib.runtime.tools import Tool
from awm_lib.runtime.values import FROM_SQL

_WORDS = ("quarterly review", "Please call back", "blue", "North entrance", "as discussed", "urgent", "spare part")


def valid_arguments(tool: Tool, environment: Environment, chance: random.Random) -> dict[str, Any]:
    """Arguments that the tool's schema accepts; references point at rows that exist."""
    found = {}
    for parameter in tool.parameters:
        if parameter.is_required or chance.random() < 0.4:
            value = valid_value(parameter, environment, chance)
            if value is not None:
                found[parameter.name] = value
    return found


def valid_value(parameter: Parameter, environment: Environment, chance: random.Random) -> Any:
    """One value that the parameter accepts; None if its reference has no rows."""
    if parameter.type == "array":
        element = parameter.model_copy(
            update={"type": parameter.items, "items": None, "default": None, "example": None}
        )
        values = [valid_value(element, environment, chance) for _ in range(chance.randint(1, 3))]
        return [value for value in dict.fromkeys(values) if value is not None]
    if parameter.enum:
        return chance.choice(parameter.enum)
    known = referenced_values(parameter, environment)
    if known is not None:
        return chance.choice(known) if known else None
    return _plain_value(parameter, environment, chance)


def referenced_values(parameter: Parameter, environment: Environment) -> list[Any] | None:
    """The values of the column that a parameter refers to; None if it refers to none."""
    if parameter.references is None:
        return None
    table, column = parameter.references.split(".")
    found = environment.schema.get(table)
    if found is None or found.column(column) is None:
        return None
    at = [item.name for item in found.columns].index(column)
    convert = FROM_SQL.get(found.columns[at].type, lambda value: value)
    return [convert(row[at]) for row in environment.initial.tables[table] if row[at] is not None]


def _plain_value(parameter: Parameter, environment: Environment, chance: random.Random) -> Any:
    low, high = parameter.minimum, parameter.maximum
    kind = parameter.type
    if kind in ("integer", "number", "money"):
        if parameter.example is not None and chance.random() < 0.5:
            return parameter.example
        start = 1 if low is None else math.ceil(low)
        end = min(start + 40, high) if high is not None else start + 40
        whole = chance.randint(int(start), max(int(start), int(end)))
        return whole if kind == "integer" else float(whole)
    if kind == "boolean":
        return chance.random() < 0.5
    now = datetime.fromisoformat(environment.context.now)
    moved = now + timedelta(days=chance.randint(-20, 20), hours=chance.randint(-4, 4))
    if kind == "date":
        return str(moved.date())
    if kind == "datetime":
        return str(moved)
    if isinstance(parameter.example, str) and chance.random() < 0.5:
        return parameter.example
    text = chance.choice(_WORDS)
    return text[: parameter.max_length] if parameter.max_length else text


def other_value(parameter: Parameter, value: Any, environment: Environment, chance: random.Random) -> Any:
    """Another valid value near a given one; None if there is none."""
    if parameter.type == "array":
        return value[1:] if isinstance(value, list) and len(value) > 1 else None
    if parameter.enum:
        rest = [item for item in parameter.enum if item != value]
        return chance.choice(rest) if rest else None
    known = referenced_values(parameter, environment)
    if known is not None:
        rest = [item for item in dict.fromkeys(known) if item != value]
        return chance.choice(rest) if rest else None
    return _nudged(parameter, value)


def _nudged(parameter: Parameter, value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        step = 1
        if parameter.maximum is not None and value + step > parameter.maximum:
            step = -1
            if parameter.minimum is not None and value + step < parameter.minimum:
                return None
        return value + step
    if parameter.type == "date":
        return str(date.fromisoformat(value) + timedelta(days=1))
    if parameter.type == "datetime":
        return str(datetime.fromisoformat(value) + timedelta(days=1))
    if isinstance(value, str):
        longer = f"{value} too"
        return longer if parameter.max_length is None or len(longer) <= parameter.max_length else value[:-1] or None
    return None


def invalid_arguments(tool: Tool, environment: Environment, chance: random.Random) -> dict[str, Any]:
    """Arguments that are wrong in one way: type, range, enumeration, missing, extra, or hostile."""
    arguments = valid_arguments(tool, environment, chance)
    ways = ["extra"]
    required = [p.name for p in tool.parameters if p.is_required]
    if required:
        ways.append("missing")
    if tool.parameters:
        ways += ["type", "hostile"]
    way = chance.choice(ways)
    if way == "extra":
        return {**arguments, "no_such_argument": 1}
    if way == "missing":
        arguments.pop(chance.choice(required), None)
        return arguments
    parameter = chance.choice(tool.parameters)
    return {**arguments, parameter.name: _wrong(parameter, chance, hostile=way == "hostile")}


def _wrong(parameter: Parameter, chance: random.Random, *, hostile: bool) -> Any:
    if hostile:
        return chance.choice(
            [
                "' OR 1=1; DROP TABLE users; --",
                "x" * 50_000,
                float("nan"),
                float("inf"),
                2**70,
                {"a": {"b": [1]}},
                "\x00",
                "\ud800",
            ]
        )
    if parameter.type in ("string", "date", "datetime"):
        return chance.choice([12, True, ["a"], {"value": "a"}]) if parameter.type == "string" else "tomorrow"
    return chance.choice(["five", [1], {"value": 1}, ""])
