"""Functions over lists of records, for expressions: one definition for packs and for sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from awm_lib.errors import ExpressionError
from awm_lib.expressions import MAX_TEXT, field_of, spend

Record = Mapping[str, Any]
_DAY = 10
_DIGITS = 15


def where(records: Sequence[Record], **equal: Any) -> list[Record]:
    """The records whose fields equal the given values."""
    return [record for record in records if all(field_of(record, name) == value for name, value in equal.items())]


def first(records: Sequence[Record], **equal: Any) -> Record:
    """The first record whose fields equal the given values. Raises ExpressionError if there is none."""
    found = where(records, **equal)
    if not found:
        raise ExpressionError(f"no record has {equal}" if equal else "the list is empty")
    return found[0]


def last(records: Sequence[Record], **equal: Any) -> Record:
    """The last such record. Raises ExpressionError if there is none."""
    found = where(records, **equal)
    if not found:
        raise ExpressionError(f"no record has {equal}" if equal else "the list is empty")
    return found[-1]


def ranked(records: Sequence[Record], field: str, reverse: bool = False) -> list[Record]:
    """The records in the order of a field; equal ones keep their order, records without a value come last."""
    present = [record for record in records if field_of(record, field) is not None]
    absent = [record for record in records if field_of(record, field) is None]
    return sorted(present, key=lambda record: record[field], reverse=reverse) + absent


def lowest(records: Sequence[Record], field: str) -> Record:
    """The record with the smallest value. Raises ExpressionError if the list is empty or the smallest value is
    shared.
    """
    return _winner(records, field, reverse=False)


def highest(records: Sequence[Record], field: str) -> Record:
    """The record with the largest value. Raises ExpressionError if the list is empty or the largest value is shared."""
    return _winner(records, field, reverse=True)


def _winner(records: Sequence[Record], field: str, reverse: bool) -> Record:
    order = ranked(records, field, reverse)
    if not order:
        raise ExpressionError("the list is empty")
    if len(order) > 1 and order[0][field] == order[1][field]:
        raise ExpressionError(
            f"several records have the {'highest' if reverse else 'lowest'} {field}: {order[0][field]!r}"
        )
    return order[0]


def pluck(records: Sequence[Record], field: str) -> list[Any]:
    """The values of one field."""
    return [field_of(record, field) for record in records]


def total(records: Sequence[Record], field: str) -> Any:
    """The sum of a field, exact to two decimals for money."""
    return tidy(sum(pluck(records, field)))


def average(records: Sequence[Record], field: str) -> float:
    """The mean of a field. Raises ExpressionError for an empty list."""
    if not records:
        raise ExpressionError("the mean of no records")
    return float(sum(pluck(records, field)) / len(records))


def count(records: Sequence[Any]) -> int:
    """How many there are."""
    return len(records)


def tidy(value: Any) -> Any:
    """A sum of decimals without the noise of binary fractions (8 decimals)."""
    return round(value, 8) if isinstance(value, float) else value


def shift(moment: str, days: int = 0, hours: int = 0, minutes: int = 0) -> str:
    """A moment or a date, moved; a date stays a date."""
    moved = datetime.fromisoformat(moment) + timedelta(days=days, hours=hours, minutes=minutes)
    return str(moved.date()) if len(moment) == _DAY else str(moved)


def days_after(day: str, days: int) -> str:
    """The date some days after a date or moment."""
    return str(date.fromisoformat(day[:_DAY]) + timedelta(days=days))


def minutes_after(moment: str, minutes: int) -> str:
    """The moment some minutes later."""
    return shift(moment, minutes=minutes)


def date_of(moment: str) -> str:
    """The date of a moment."""
    return moment[:_DAY]


def weekday(day: str) -> int:
    """The day of the week, 0 for Monday."""
    return date.fromisoformat(day[:_DAY]).weekday()


def days_between(start: str, end: str) -> int:
    """Whole days from one date or moment to another."""
    return (date.fromisoformat(end[:_DAY]) - date.fromisoformat(start[:_DAY])).days


def minutes_between(start: str, end: str) -> int:
    """Whole minutes from one moment to another."""
    return int((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() // 60)


def _text(value: Any) -> str:
    return str(value)


def _join(values: Sequence[Any], separator: str = ", ") -> str:
    texts = [str(value) for value in values]
    length = sum(map(len, texts)) + len(separator) * len(texts)
    if length > MAX_TEXT:
        raise ExpressionError("a text grows too long")
    spend(length // 100)
    return separator.join(texts)


def _smallest(*values: Any) -> Any:
    return min(*values)


def _largest(*values: Any) -> Any:
    return max(*values)


def _rounded(value: float, digits: int = 0) -> Any:
    if abs(digits) > _DIGITS:
        raise ExpressionError(f"a number cannot be rounded to {digits} digits")
    return round(value, digits) if digits else round(value)


FUNCTIONS: dict[str, Any] = {
    "abs": abs,
    "average": average,
    "count": count,
    "date": date_of,
    "date_of": date_of,
    "days_after": days_after,
    "days_between": days_between,
    "first": first,
    "highest": highest,
    "int": int,
    "join": _join,
    "last": last,
    "len": len,
    "lower": str.lower,
    "lowest": lowest,
    "max": _largest,
    "min": _smallest,
    "minutes_after": minutes_after,
    "minutes_between": minutes_between,
    "pluck": pluck,
    "ranked": ranked,
    "round": _rounded,
    "shift": shift,
    "text": _text,
    "total": total,
    "upper": str.upper,
    "weekday": weekday,
    "where": where,
}
"""What every expression may use."""
