"""Arguments of a call: validated against the parameters once, and turned into SQL binds."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Sequence
from typing import Any

from awm_lib.contracts.spec import MAX_ITEMS, MAX_STRING, Parameter
from awm_lib.runtime.results import Refusal
from awm_lib.runtime.values import JSON_SCHEMA, MINOR_UNITS, TO_SQL, Unfit

Binds = dict[str, Any]
Binder = Callable[[Any], Binds]
_Convert = Callable[[Any], Any]


def binder(tool: str, parameters: Sequence[Parameter]) -> Binder:
    """A function from a call's arguments to binds; it raises Refusal('invalid_arguments') with field and reason."""
    plan = [
        (p.name, _converter(p), p.is_required, None if p.default is None else _converter(p)(p.default))
        for p in parameters
    ]
    known = [p.name for p in parameters]

    def bind(arguments: Any) -> Binds:
        if type(arguments) is not dict:
            raise Refusal("invalid_arguments", f"the arguments of {tool} must be an object")
        binds: Binds = {}
        given = 0
        for name, convert, required, default in plan:
            if name in arguments:
                given += 1
                value = arguments[name]
                if value is None and not required:
                    binds[name] = default
                    continue
                try:
                    binds[name] = convert(value)
                except Unfit as error:
                    raise Refusal("invalid_arguments", f"{name}: {error}") from None
            elif required:
                raise Refusal("invalid_arguments", f"{name}: is required by {tool}")
            else:
                binds[name] = default
        if given != len(arguments):
            raise Refusal("invalid_arguments", _unknown(tool, arguments, known))
        return binds

    return bind


def _unknown(tool: str, arguments: dict[Any, Any], known: list[str]) -> str:
    name = next(str(key) for key in arguments if key not in known)[:80].encode(errors="replace").decode()
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"{name}: {tool} has no such argument; did you mean {close[0]}?"
    has = f"it has {', '.join(known)}" if known else "it takes none"
    return f"{name}: {tool} has no such argument; {has}"


def _converter(parameter: Parameter) -> _Convert:
    if parameter.type == "array":
        return _array(parameter)
    return _scalar(parameter, parameter.type)


def _scalar(parameter: Parameter, kind: str) -> _Convert:
    convert = TO_SQL[kind]
    if kind == "string":
        return _string(parameter, convert)
    low, high = parameter.minimum, parameter.maximum
    if low is None and high is None:
        return convert
    least, most = _scaled(low, kind), _scaled(high, kind)

    def bounded(value: Any) -> Any:
        result = convert(value)
        if least is not None and result < least:
            raise Unfit(f"must be at least {_shown(low)}")
        if most is not None and result > most:
            raise Unfit(f"must be at most {_shown(high)}")
        return result

    return bounded


def _scaled(bound: float | None, kind: str) -> float | None:
    """A bound in SQL's units; 0.55 * 100 is more than 55, so money is rounded to the minor unit."""
    return round(bound * MINOR_UNITS) if bound is not None and kind == "money" else bound


def _shown(bound: float | None) -> str:
    return str(int(bound)) if bound is not None and float(bound).is_integer() else str(bound)


def _string(parameter: Parameter, convert: _Convert) -> _Convert:
    longest = parameter.max_length or MAX_STRING
    if parameter.enum is not None:
        allowed = frozenset(parameter.enum)
        listed = ", ".join(parameter.enum)

        def one_of(value: Any) -> Any:
            if type(value) is str and value in allowed:
                return value
            raise Unfit(f"must be one of: {listed}")

        return one_of

    def text(value: Any) -> Any:
        result = convert(value).strip()  # a line end after a text is no part of it
        if len(result) > longest:
            raise Unfit(f"must have at most {longest:,} characters, not {len(result):,}")
        return result

    return text


def _array(parameter: Parameter) -> _Convert:
    item = _scalar(parameter, str(parameter.items))

    def array(value: Any) -> str:
        if type(value) is not list:
            raise Unfit("must be an array")
        if len(value) > MAX_ITEMS:
            raise Unfit(f"must have at most {MAX_ITEMS} items, not {len(value):,}")
        found = []
        for position, element in enumerate(value):
            try:
                found.append(item(element))
            except Unfit as error:
                raise Unfit(f"item {position} {error}") from None
        return json.dumps(found, ensure_ascii=False)

    return array


def json_schema(parameters: Sequence[Parameter]) -> dict[str, Any]:
    """The parameters as a JSON Schema object, compact: every token of it is paid on every request."""
    properties = {parameter.name: _property(parameter) for parameter in parameters}
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    required = [parameter.name for parameter in parameters if parameter.is_required]
    if required:
        schema["required"] = required
    return schema


def _property(parameter: Parameter) -> dict[str, Any]:
    kind = str(parameter.items) if parameter.type == "array" else parameter.type
    element = dict(JSON_SCHEMA[kind])
    if parameter.enum is not None:
        element["enum"] = parameter.enum
    for key, value in (("minimum", parameter.minimum), ("maximum", parameter.maximum)):
        if value is not None:
            element[key] = int(value) if float(value).is_integer() else value
    if parameter.max_length is not None and kind == "string":
        element["maxLength"] = parameter.max_length
    result: dict[str, Any] = {"type": "array", "items": element} if parameter.type == "array" else element
    if parameter.default is not None:
        result["default"] = parameter.default
    note = " (YYYY-MM-DD HH:MM:SS)" if kind == "datetime" else ""
    result["description"] = parameter.description + note
    return result
