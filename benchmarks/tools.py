"""Choosing the tools whose calls are measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from awm_lib.contracts.spec import CheckStep, Crud, RunStep, Step
from awm_lib.errors import AwmError
from awm_lib.runtime import Environment
from awm_lib.runtime.tools import Tool


@dataclass(frozen=True)
class KeyedCall:
    """A call that reads one record by its key and succeeds."""

    environment: Environment
    tool: Tool
    arguments: dict[str, Any]

    @property
    def statements(self) -> list[str]:
        """The SQL that the call runs, in order."""
        return [_sql(step) for step in self.tool.contract.program]

    def binds(self) -> dict[str, Any]:
        """What the statements are run with, columns of earlier ones included: the call is made once to have them."""
        context = self.environment.context
        binds = {**self.tool.bind(self.arguments), "_user_id": context.user.id, "_now": context.now}
        self.tool.run(self.environment.connection, binds)
        return binds


def _sql(step: Step) -> str:
    if isinstance(step, CheckStep):
        return step.check
    return step.run if isinstance(step, RunStep) else step.sql


def own_read(environment: Environment) -> KeyedCall:
    """A call of a tool of the environment that reads one record by its key, with rules and joins.

    Raises AwmError if there is none.
    """
    for tool in environment.tools.values():
        if not tool.writes and tool.returns == "one" and len(tool.input_schema.get("required", [])) == 1:
            call = _keyed(environment, tool)
            if call is not None:
                return call
    raise AwmError(f"{environment.name} has no tool that reads one record by an integer key")


def plain_read(environment: Environment) -> KeyedCall:
    """A call of the plainest ``get``: one statement, one table, as the shorthand of spec.json makes it.

    Environments keep plain tools only where no rule governs, so the tool is added to a copy of the environment, for its
    widest table. Raises AwmError if no table has an integer key of one column.
    """
    tables = [table for table in environment.table_list() if len(table.key) == 1]
    for table in sorted(tables, key=lambda table: len(table.columns), reverse=True):
        crud = Crud(table=table.name, verbs=["get"], noun=f"bench_{table.name}")
        spec = environment.spec.model_copy(update={"crud": [*environment.spec.crud, crud]})
        extended = Environment(environment.scenario, environment.tasks, spec, environment.image)
        call = _keyed(extended, extended.tools[f"get_bench_{table.name}"])
        if call is not None:
            return call
    raise AwmError(f"{environment.name} has no table with rows and an integer key")


def _keyed(environment: Environment, tool: Tool) -> KeyedCall | None:
    """A successful call of a tool that takes one integer, with some key of some table; None if there is none."""
    name = tool.input_schema["required"][0]
    if tool.input_schema["properties"][name].get("type") != "integer":
        return None
    episode = environment.start()
    for table in environment.table_list():
        if len(table.key) == 1:
            for (key,) in environment.connection.execute(f'SELECT "{table.key[0]}" FROM "{table.name}" LIMIT 50'):
                if isinstance(key, int) and episode.call(tool.name, {name: key}).ok:
                    return KeyedCall(environment, tool, {name: key})
    return None
