"""A built environment: its tools, its context, its initial state, and its episodes."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from awm_lib.compile.crud import expand
from awm_lib.contracts.oracle import Oracle
from awm_lib.contracts.scenario import Scenario
from awm_lib.contracts.spec import Spec
from awm_lib.contracts.spec import Tool as ToolContract
from awm_lib.contracts.tasks import Context, Tasks
from awm_lib.errors import AwmError, ContractError, UnknownName
from awm_lib.runtime import database
from awm_lib.runtime.clock import Clock
from awm_lib.runtime.episode import Episode, Snapshot
from awm_lib.runtime.schema import Schema, Table, read_schema
from awm_lib.runtime.state import State
from awm_lib.runtime.store import Store
from awm_lib.runtime.tools import Tool, compile_tool
from awm_lib.verify.verdict import Verdict

MAX_SPARE = 4
"""Stores kept for the next episodes, for each image that they start from."""

Verifier = Callable[[State, State, str | None], Verdict]


class Environment:
    """Everything that episodes of one scenario share; nothing in it ever changes."""

    def __init__(
        self,
        scenario: Scenario,
        tasks: Tasks,
        spec: Spec,
        image: bytes,
        *,
        oracle: Oracle | None = None,
        directory: Path | None = None,
        lazy: bool = False,
    ) -> None:
        """Put an environment together from validated parts. Raises SqlError if a tool does not fit the schema.

        A ``lazy`` one compiles a tool when it is first used, and raises SqlError then.
        """
        for part, name in ((tasks, "tasks.json"), (spec, "spec.json")):
            if part.scenario != scenario.name:
                raise ContractError(f"{name} is of scenario {part.scenario!r}, not of {scenario.name!r}")
        self.scenario = scenario
        self.tasks = tasks
        self.spec = spec
        self.image = image
        """The bytes of seed.sqlite."""
        self.directory = directory
        self.known_verifier: str | None = None
        """A text of verifier.py of which is known that recompilation gives it (``awm_lib.evaluation.seals``)."""
        self._oracle = oracle
        self._connection = database.connect(Clock(tasks.context.now))
        database.load(self._connection, image)
        database.declare_functions(self._connection)
        self.schema: Schema = read_schema(self._connection)
        tools = _Tools(spec, self.schema, self._connection)
        self.tools: Mapping[str, Tool] = tools if lazy else dict(tools)
        self.recurring: list[bytes] = []
        """Other images that episodes start from again and again."""
        self._spare: dict[int, list[Store]] = {}
        self._defers = _defers_constraints(self._connection)

    @classmethod
    def load(cls, directory: str | Path, *, lazy: bool = False) -> Environment:
        """Load a built environment, such as ``results/e_commerce_33``.

        ``lazy`` is for those that run solutions, which call some of the tools: the others are not compiled. Raises
        ContractError or SqlError with the file, the place and what to do.
        """
        home = Path(directory)
        if not home.is_dir():
            raise ContractError(f"{home} does not exist", hint=f"build it: snakemake {home}/certificate.json")
        scenario = Scenario.read(home / "scenario.json")
        tasks = Tasks.read(home / "tasks.json")
        spec = Spec.read(home / "spec.json")
        try:
            return cls(scenario, tasks, spec, database.read_image(home / "seed.sqlite"), directory=home, lazy=lazy)
        except AwmError as error:
            error.args = (f"{home}: {error.message}",)
            error.message = error.args[0]
            raise

    @property
    def name(self) -> str:
        """The scenario's name."""
        return self.scenario.name

    @property
    def context(self) -> Context:
        """The clock at the start, and the user."""
        return self.tasks.context

    @cached_property
    def initial(self) -> State:
        """All rows before an episode."""
        self._connection.set_progress_handler(database.Budget().tick, database.STEPS_PER_TICK)
        try:
            state = State.read(self._connection, self.schema, self.context.now)
        finally:
            self._connection.set_progress_handler(None, 0)
        return State(self.schema, state.tables, self.context.now, self.image)

    @cached_property
    def oracle(self) -> Oracle:
        """The solutions; for verification and certificates, never for agents. Raises ContractError."""
        if self._oracle is not None:
            return self._oracle
        if self.directory is None:
            raise ContractError(f"{self.name} has no oracle")
        return Oracle.read(self.directory / "oracle.json")

    @cached_property
    def beginning(self) -> Snapshot:
        """The initial state, as episodes start from it."""
        return Snapshot(self.image, 0, 0)

    @cached_property
    def writes_are_known(self) -> bool:
        """Whether a program writes to no other tables than its statements name: no triggers, no cascades."""
        found = self._connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'").fetchone()[0]
        actions = {
            action
            for name in self.schema
            for row in self._connection.execute(f'PRAGMA foreign_key_list("{name}")')
            for action in row[5:7]
        }
        return not found and actions <= {"NO ACTION", "RESTRICT"}

    def start(self, task: str | None = None) -> Episode:
        """A new episode in its initial state. Raises UnknownName for a task that does not exist."""
        if task is not None and task not in {item.id for item in self.tasks.tasks}:
            raise UnknownName("task", task, [item.id for item in self.tasks.tasks])
        return Episode(self, task, self.beginning)

    def open_store(self, image: bytes, ticks: int) -> Store:
        """A store that holds ``image``: one that an episode has left behind, or a new one."""
        with contextlib.suppress(KeyError, IndexError):  # there is none, or another thread took it
            store = self._spare[id(image)].pop()
            store.clock.set(ticks)
            return store
        return Store(self.context.now, image, ticks, deferred=self._defers)

    def close_store(self, store: Store) -> None:
        """Take a store back from an episode that is over."""
        for image in (self.image, *self.recurring):
            if store.rewind(image, 0):
                spare = self._spare.setdefault(id(image), [])
                if len(spare) < MAX_SPARE:
                    spare.append(store)
                    return
        store.close()

    def table_list(self) -> list[Table]:
        """The tables, in the schema's order."""
        return list(self.schema.values())

    def verifier(self, task: str) -> Verifier:
        """The verifier of one task. Raises StaleView if verifier.py differs from its recompilation."""
        if task not in self._verifiers:
            raise UnknownName("verifier for task", task, self._verifiers)
        return self._verifiers[task]

    @cached_property
    def _verifiers(self) -> dict[str, Verifier]:
        from awm_lib.compile.verifier import load_verifiers

        return load_verifiers(self)

    @property
    def connection(self) -> sqlite3.Connection:
        """The initial database, for queries of the certificate and the oracle; not to be written."""
        return self._connection


def _defers_constraints(connection: sqlite3.Connection) -> bool:
    found = connection.execute("SELECT count(*) FROM sqlite_master WHERE sql LIKE '%deferr%'").fetchone()[0]
    return bool(found)


class _Tools(Mapping[str, Tool]):
    """The tools of a spec by name, shorthand expanded, each compiled when it is first asked for."""

    def __init__(self, spec: Spec, schema: Schema, connection: sqlite3.Connection) -> None:
        self._schema, self._connection = schema, connection
        self._compiled: dict[str, Tool] = {}
        self._contracts: dict[str, ToolContract] = {}
        for contract in [*spec.tools, *(tool for crud in spec.crud for tool in expand(crud, schema))]:
            if contract.name in self._contracts:
                raise ContractError(f"spec.json: the tool {contract.name} is defined twice")
            self._contracts[contract.name] = contract

    def __getitem__(self, name: str) -> Tool:
        if name not in self._compiled:
            self._compiled[name] = compile_tool(self._contracts[name], self._schema, self._connection)
        return self._compiled[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._contracts)

    def __len__(self) -> int:
        return len(self._contracts)
