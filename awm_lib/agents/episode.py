"""A world that is an episode of a built environment, in this process. Every call is noted with the rows it changed."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Any

from awm_lib.agents.agent import Brief, Notes, ToolView
from awm_lib.certify.samples import valid_arguments
from awm_lib.contracts.oracle import Solution
from awm_lib.contracts.tasks import Task
from awm_lib.contracts.trajectory import RowChange, ToolCall
from awm_lib.runtime.environment import Environment
from awm_lib.runtime.episode import Episode
from awm_lib.runtime.results import Refusal, ToolError, ToolResult
from awm_lib.runtime.state import Change, State, changes
from awm_lib.runtime.tools import Tool


class RecordedEpisode(Episode):
    """An episode that notes its calls."""

    def __init__(self, environment: Environment, task: Task, notes: Notes, *, timed: bool = True) -> None:
        """Calls of a run that is to be the same to the byte each time are not ``timed``."""
        super().__init__(environment, task.id, environment.beginning)
        self.notes = notes
        self._timed = timed
        self._rows = self.row_changes
        self._state = environment.initial

    def call(self, name: str, arguments: dict[str, Any] | None = None) -> ToolResult:
        """Call a tool and note it."""
        began = time.perf_counter()
        try:
            result = super().call(name, arguments)
        except Exception as fault:  # noqa: BLE001 - a fault of ours, whatever it is, is never the agent's
            result = ToolResult(error=ToolError("internal", f"{type(fault).__name__}: {fault}"))
        seconds = round(time.perf_counter() - began, 6) if self._timed else None
        error = result.error.kind if result.error else None
        if error == "internal":
            self.notes.problem("environment", "internal", f"{name}: {result.error.message}" if result.error else "")
        well_formed = error is None or self._well_formed(name, arguments)
        if not well_formed and result.error is not None:
            self.notes.problem(
                "agent", "unknown_tool" if error == "unknown_tool" else "invalid_arguments", result.error.message
            )
        self.notes.calls.append(
            ToolCall.model_construct(
                turn=self.notes.turn or len(self.notes.calls) + 1,
                tool=str(name)[:200],
                arguments={} if arguments is None else arguments,
                result=result.plain(),
                error=error,
                well_formed=well_formed,
                seconds=seconds,
                changes=self._changed(),
            )
        )
        return result

    def _well_formed(self, name: str, arguments: Any) -> bool:
        tool = self.environment.tools.get(name) if isinstance(name, str) else None
        if tool is None:
            return False
        try:
            tool.bind({} if arguments is None else arguments)
        except (Refusal, ValueError, OverflowError, RecursionError):
            return False
        return True

    def _changed(self) -> list[RowChange]:
        """The rows that differ from those before the last call."""
        if self.row_changes == self._rows:
            return []
        self._rows = self.row_changes
        before, self._state = self._state, self.state()
        found = changes(before, self._state)
        return [RowChange.model_construct(**item.plain(self.environment.schema[item.table])) for item in found]

    def final(self) -> State:
        """The state as it is now; nothing is read again if no row was written since the last call."""
        self._changed()
        state = self._state
        return State(state.schema, state.tables, self.clock.now)

    def final_changes(self) -> list[Change]:
        """The rows that differ from the initial state."""
        return changes(self.environment.initial, self._state)


class EpisodeWorld:
    """The world of one trial of one task."""

    def __init__(
        self, environment: Environment, task: Task, solution: Solution | None = None, *, timed: bool = True
    ) -> None:
        """``solution`` is for the oracle alone."""
        self.environment = environment
        self.task = task
        self.solution = solution
        self.notes = Notes()
        self.episode = RecordedEpisode(environment, task, self.notes, timed=timed)
        context = environment.context
        self.brief = Brief(task.instruction, context.now, context.user, task.answer)

    @property
    def tools(self) -> Sequence[ToolView]:
        """The environment's tools."""
        return views(self.environment)

    async def call(self, tool: str, arguments: Any) -> ToolResult:
        """Call a tool of the episode."""
        return self.episode.call(tool, arguments)

    def sample(self, tool: str, chance: random.Random) -> dict[str, Any]:
        """Valid arguments; those that refer to rows refer to rows that exist."""
        return valid_arguments(self.environment.tools[tool], self.environment, chance)

    def close(self) -> None:
        """Free the episode's memory."""
        self.episode.close()


def views(environment: Environment) -> Sequence[ToolView]:
    """The public view of an environment's tools, made once."""
    known: list[ToolView] | None = getattr(environment, "_tool_views", None)
    if known is None:
        known = [view(tool) for tool in environment.tools.values()]
        environment._tool_views = known  # type: ignore[attr-defined]
    return known


def view(tool: Tool) -> ToolView:
    """A tool as agents see it: the same text and schema as over MCP."""
    text = tool.summary if not tool.description else f"{tool.summary.rstrip('.')}. {tool.description}"
    return ToolView(tool.name, text, tool.input_schema)
