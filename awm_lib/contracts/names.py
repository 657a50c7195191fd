"""Names become paths, SQL and Python identifiers; they are validated once, here."""

from __future__ import annotations

import keyword
import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from awm_lib.errors import ContractError

SCENARIO_PATTERN = r"[a-z][a-z0-9_]{0,63}"
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")
MOMENT = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]) ([01]\d|2[0-3]):[0-5]\d:[0-5]\d\Z")

# Names that would shadow what compiled files need, or that SQLite gives a meaning of its own.
_TAKEN = frozenset({"self", "initial", "main", "temp", "rowid", "oid", "sqlite"})


def check_identifier(name: str) -> str:
    """Accept a name that is safe as a Python and SQL identifier."""
    if not IDENTIFIER.match(name):
        raise ValueError(f"{name!r} is not a name: use a-z, 0-9 and _, starting with a letter, 63 characters at most")
    if keyword.iskeyword(name) or name in _TAKEN or name.startswith("sqlite_"):
        raise ValueError(f"{name!r} is a reserved word: choose another name")
    return name


def check_scenario_name(name: str) -> str:
    """Accept a scenario's name, which is a directory's name too.

    Raises ContractError for anything else, such as a name with path characters.
    """
    if not re.fullmatch(SCENARIO_PATTERN, name):
        raise ContractError(
            f"{name!r} is not a scenario name",
            hint="a scenario name has a-z, 0-9 and _ only and starts with a letter, such as e_commerce_33",
        )
    return name


def _check_moment(text: str) -> str:
    if not MOMENT.match(text):
        raise ValueError(f"{text!r} is not a moment: write YYYY-MM-DD HH:MM:SS")
    try:
        year = datetime.fromisoformat(text).year
    except ValueError as error:
        raise ValueError(f"{text!r} is not a moment: {error}") from None
    if not 1900 <= year <= 2999:
        raise ValueError(f"{text!r} is not a moment of the years 1900 to 2999")
    return text


Identifier = Annotated[str, AfterValidator(check_identifier)]
ScenarioName = Annotated[str, StringConstraints(pattern=rf"^{SCENARIO_PATTERN}$")]
TaskId = Annotated[str, StringConstraints(pattern=r"^t[0-9]{2,3}$")]
Moment = Annotated[str, AfterValidator(_check_moment)]
Sql = Annotated[str, StringConstraints(min_length=1, max_length=20_000, strip_whitespace=True)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=400)]
Text = Annotated[str, StringConstraints(max_length=4_000)]
