"""The tools of a world: those of its modules, without the few that its scenario leaves out."""

from __future__ import annotations

from collections.abc import Collection

from awm_lib.compile.crud import tool_name
from awm_lib.contracts.spec import Crud, Spec
from awm_lib.errors import ContractError, nearest


def without(spec: Spec, names: Collection[str]) -> Spec:
    """A spec without the tools of some names, shorthand or not. Raises ContractError if it has no tool of a name."""
    known = {tool.name for tool in spec.tools} | {tool_name(crud, verb) for crud in spec.crud for verb in crud.verbs}
    for name in names:
        if name not in known:
            raise ContractError(
                f"scenario {spec.scenario}: its modules have no tool {name!r} to leave out", hint=nearest(name, known)
            )
    return spec.model_copy(
        update={
            "tools": [tool for tool in spec.tools if tool.name not in names],
            "crud": [kept for crud in spec.crud if (kept := _without(crud, names)) is not None],
        }
    )


def _without(crud: Crud, names: Collection[str]) -> Crud | None:
    verbs = [verb for verb in crud.verbs if tool_name(crud, verb) not in names]
    return crud.model_copy(update={"verbs": verbs}) if verbs else None
