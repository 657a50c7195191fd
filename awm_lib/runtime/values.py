"""Values on their way between agents (JSON) and SQL.

Money is an integer of minor units in SQL and a decimal for agents; dates and moments are texts in one layout;
booleans are
0 and 1 in SQL.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

MINOR_UNITS = 100
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})(:\d{2})?Z?\Z")
_INT64 = 2**63


class Unfit(ValueError):
    """A value that does not fit its type; the message says why."""


def _kind(value: Any) -> str:
    names = {
        bool: "a boolean",
        int: "an integer",
        float: "a number",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return "null" if value is None else names.get(type(value), type(value).__name__)


def integer(value: Any) -> int:
    """An integer within 64 bits; 5.0 counts as 5, true and '5' do not count."""
    if type(value) is int:
        if -_INT64 <= value < _INT64:
            return value
        raise Unfit("must fit in 64 bits")
    if type(value) is float and value.is_integer() and abs(value) < 2**53:
        return int(value)
    raise Unfit(f"must be an integer, not {_kind(value)}")


def number(value: Any) -> float:
    """A finite number."""
    if type(value) not in (int, float):
        raise Unfit(f"must be a number, not {_kind(value)}")
    if abs(value) > 1e15 or not math.isfinite(value):  # in this order: isfinite cannot take a huge integer
        raise Unfit("must be a finite number below 1e15")
    found: float = value
    return found


def money(value: Any) -> int:
    """A decimal with at most two places, as minor units."""
    minor = number(value) * MINOR_UNITS
    whole = round(minor)
    if abs(minor - whole) > 1e-6 * max(1.0, abs(minor) * 1e-6):
        raise Unfit("must have at most two decimal places")
    return whole


def boolean(value: Any) -> int:
    """A boolean, as 0 or 1."""
    if type(value) is not bool:
        raise Unfit(f"must be true or false, not {_kind(value)}")
    return int(value)


def string(value: Any) -> str:
    """A text that a database can hold."""
    if type(value) is not str:
        raise Unfit(f"must be a string, not {_kind(value)}")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Unfit("must be valid Unicode text") from None
    if "\x00" in value:
        raise Unfit("must not contain NUL characters")
    return value


def day(value: Any) -> str:
    """A date 'YYYY-MM-DD' of the calendar."""
    text = string(value)
    if _DATE.match(text):
        try:
            date.fromisoformat(text)
            return text
        except ValueError:
            pass
    raise Unfit("must be a date YYYY-MM-DD")


def moment(value: Any) -> str:
    """A moment, as 'YYYY-MM-DD HH:MM:SS'; a T between, and missing seconds, are accepted."""
    match = _MOMENT.match(string(value))
    if match:
        text = f"{match.group(1)} {match.group(2)}{match.group(3) or ':00'}"
        try:
            datetime.fromisoformat(text)
            return text
        except ValueError:
            pass
    raise Unfit("must be a moment YYYY-MM-DD HH:MM:SS")


TO_SQL: dict[str, Callable[[Any], Any]] = {
    "string": string,
    "integer": integer,
    "number": number,
    "boolean": boolean,
    "money": money,
    "date": day,
    "datetime": moment,
}


def money_from_sql(value: Any) -> Any:
    """Minor units as a decimal; what is no number stays as it is."""
    return round(value / MINOR_UNITS, 2) if type(value) in (int, float) else value


def boolean_from_sql(value: Any) -> Any:
    """0 and 1 as booleans."""
    return None if value is None else bool(value)


def json_from_sql(value: Any) -> Any:
    """A JSON text, parsed."""
    return json.loads(value) if isinstance(value, str) else value


FROM_SQL: dict[str, Callable[[Any], Any]] = {
    "money": money_from_sql,
    "boolean": boolean_from_sql,
    "json": json_from_sql,
}
"""Types whose values change on the way out; all others stay as they are."""

JSON_SCHEMA: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "money": {"type": "number"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string"},
    "json": {},
}

_FITS: dict[str, Callable[[Any], bool]] = {
    "string": lambda v: isinstance(v, str),
    "date": lambda v: isinstance(v, str),
    "datetime": lambda v: isinstance(v, str),
    "integer": lambda v: type(v) is int,
    "number": lambda v: type(v) in (int, float),
    "money": lambda v: type(v) in (int, float),
    "boolean": lambda v: type(v) is bool,
    "json": lambda v: True,
}


def fits(kind: str, value: Any) -> bool:
    """Whether a result's value is of its published type (null is judged apart)."""
    return _FITS[kind](value)
