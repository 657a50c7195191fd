"""Errors for people: one family, a message that says what is wrong, a hint that says what to do."""

from __future__ import annotations

import inspect
import pickle
from typing import get_args

import pytest

from awm_lib import errors
from awm_lib.contracts import spec
from awm_lib.errors import AwmError, UnknownName, nearest
from awm_lib.runtime import results

NAMES = ("ContractError", "UnknownName", "SqlError", "ExpressionError", "StaleView", "SynthesisError")


def test_the_family_is_as_its_picture_says() -> None:
    found = {name for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, AwmError)}
    assert found == {"AwmError", *NAMES}
    for name in found:
        assert name in (errors.__doc__ or "")
        assert getattr(errors, name).__doc__


def test_an_error_is_its_message_and_its_hint() -> None:
    assert str(AwmError("wrong")) == "wrong"
    assert str(AwmError("wrong", hint="do this")) == "wrong\n  do this"
    assert (AwmError("wrong", hint="do this").exit_code, AwmError("a").hint) == (2, None)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "UnknownName"])
def test_an_error_survives_between_processes(name: str) -> None:
    error = pickle.loads(pickle.dumps(getattr(errors, name)("wrong", hint="do this")))
    assert (type(error).__name__, error.message, error.hint) == (name, "wrong", "do this")


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("tasks", ["task", "user"], "did you mean 'task'?"),
        ("zzz", ["b", "a"], "there are: b, a"),
        ("a", [], "there are none"),
        ("x", [f"name{n}" for n in range(20)], "name11, ..."),
    ],
)
def test_the_nearest_name(name: str, known: list[str], hint: str) -> None:
    assert nearest(name, known).endswith(hint)
    assert str(UnknownName("table", name, known)).startswith(f"there is no table {name!r}\n  ")


def test_the_vocabulary_of_tools_is_closed() -> None:
    runtime = set(get_args(results.ErrorKind))
    assert runtime == {
        "unknown_tool",
        "invalid_arguments",
        "not_found",
        "conflict",
        "not_allowed",
        "limit_exceeded",
        "internal",
    }
    assert set(get_args(spec.ErrorKind)) == runtime - {"unknown_tool", "internal"}, "what a program may say itself"


def test_the_runtime_names_what_it_offers() -> None:
    from awm_lib import runtime

    assert {name: getattr(runtime, name).__name__ for name in runtime.__all__} == {
        name: name for name in runtime.__all__
    }
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = runtime.Nothing
