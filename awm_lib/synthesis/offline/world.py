"""Sampling a world: which modules, what clock and user, and every row."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from awm_lib.contracts.scenario import Scenario
from awm_lib.contracts.seed import Seed, TableRows
from awm_lib.contracts.spec import Spec
from awm_lib.contracts.tasks import Context, User
from awm_lib.errors import AwmError, ContractError, ExpressionError
from awm_lib.expressions import parse
from awm_lib.synthesis.offline.formulas import scope
from awm_lib.synthesis.offline.pack import Formula, Module, Niche, Pack, TableDef
from awm_lib.synthesis.offline.people import People
from awm_lib.synthesis.offline.tools import without

_FIRST_DAY = date(2025, 2, 3)
_DAYS = 600
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class World:
    """A sampled world before its tasks."""

    context: Context
    schema: str
    """The text of schema.sql."""
    seed: Seed
    spec: Spec
    history: dict[str, str]
    """History tables with their reasons."""
    words: dict[str, Any]
    """The niche's words, for formulas."""


def modules_of(pack: Pack, scenario: Scenario) -> list[Module]:
    """The modules that a scenario names. Raises ContractError for one that the pack does not have."""
    by_name = {module.name: module for module in pack.modules}
    missing = [name for name in scenario.modules if name not in by_name]
    if missing:
        raise ContractError(f"scenario {scenario.name}: the pack {pack.head.name} has no module {missing[0]!r}")
    return [by_name[name] for name in scenario.modules]


def niche_of(pack: Pack, scenario: Scenario) -> Niche:
    """A scenario's niche. Raises ContractError if the pack does not have it."""
    for niche in pack.niches:
        if niche.name == scenario.niche:
            return niche
    raise ContractError(f"scenario {scenario.name}: the pack {pack.head.name} has no niche {scenario.niche!r}")


def generator(scenario: Scenario, *parts: str) -> random.Random:
    """A random generator of a scenario's own for one purpose."""
    return random.Random(f"{scenario.seed}/{scenario.pack}/{'/'.join(parts)}")


def sample_world(pack: Pack, scenario: Scenario) -> World:
    """Sample the rows of a scenario. Raises ContractError or ExpressionError with module, table and column."""
    modules, niche = modules_of(pack, scenario), niche_of(pack, scenario)
    now = _clock(scenario)
    rows = _Rows(pack, scenario, niche, now)
    tables = [(module, name, table) for module in modules for name, table in module.tables.items()]
    for module, name, table in tables:
        rows.fill(module, name, table)
    for module, name, table in tables:
        rows.finish(module, name, table)
    user = rows.user()
    return World(
        context=Context(now=now, user=user),
        schema="\n\n".join(table.ddl for _, _, table in tables) + "\n",
        seed=Seed(scenario=scenario.name, tables=[rows.table(name) for _, name, _ in tables]),
        spec=without(
            Spec(
                scenario=scenario.name,
                tools=[tool for module in modules for tool in module.tools],
                crud=[crud for module in modules for crud in module.crud],
            ),
            scenario.left_out,
        ),
        history={name: table.history for _, name, table in tables if table.history},
        words=rows.words,
    )


def _clock(scenario: Scenario) -> str:
    """The start of an episode: a working day, in the morning or early afternoon."""
    chance = generator(scenario, "clock")
    day = _FIRST_DAY + timedelta(days=chance.randrange(_DAYS))
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return f"{day} {chance.randint(9, 14):02d}:{chance.randrange(0, 60, 5):02d}:00"


class _Rows:
    """The rows of all tables as they come to be."""

    def __init__(self, pack: Pack, scenario: Scenario, niche: Niche, now: str) -> None:
        self.pack, self.scenario, self.niche, self.now = pack, scenario, niche, now
        self.records: dict[str, list[Record]] = {}
        self.people = People(generator(scenario, "people"))
        self.me = int(self._constant(pack.head.user.id, generator(scenario, "user")))
        self.words = {**niche.words, "name": niche.name, "title": scenario.title}

    def _constant(self, formula: Formula, chance: random.Random) -> Any:
        return parse(formula)(scope(chance, self.now, 0, {}, {})) if isinstance(formula, str) else formula

    def _scope(self, table: str) -> dict[str, Any]:
        return scope(
            generator(self.scenario, "table", table), self.now, self.me, self.words,
            {"rows": self._find, "get": self._get, "person": self.people.person, "place": self.people.place,
             "company": self.people.company},
        )  # fmt: skip

    def _find(self, table: str, **equal: Any) -> list[Record]:
        if table not in self.records:
            raise ExpressionError(f"the table {table!r} has no rows yet, or is in no module of this world")
        found = self.records[table]
        return (
            [row for row in found if all(row.get(name) == value for name, value in equal.items())] if equal else found
        )

    def _get(self, table: str, key: Any) -> Record:
        for row in self._find(table):
            if row.get("id") == key:
                return row
        raise ExpressionError(f"{table} has no row {key!r}")

    def fill(self, module: Module, name: str, table: TableDef) -> None:
        """Make a table's rows."""
        place = f"pack {self.pack.head.name}, module {module.name}, table {name}"
        names = self._scope(name)
        plan = table.rows
        filled: list[Record] = []
        self.records[name] = filled
        has_id = re.search(r"\bid INTEGER PRIMARY KEY\b", " ".join(table.ddl.split())) is not None
        parents = self._evaluate(plan.each, names, f"{place}, rows.each") if plan.each is not None else [None]
        number = 0
        for parent in parents:
            names["i"] = number
            names[plan.name] = parent
            for _ in range(int(self._evaluate(plan.count, names, f"{place}, rows.count"))):
                row: Record = {"id": plan.start + number} if has_id else {}
                names["row"], names["i"] = row, number
                for column, formula in table.values.items():
                    row[column] = self._evaluate(formula, names, f"{place}, column {column}")
                filled.append(row)
                number += 1

    def finish(self, module: Module, name: str, table: TableDef) -> None:
        """Set the columns that depend on all rows."""
        if not table.finish:
            return
        names = self._scope(f"{name}/finish")
        for number, row in enumerate(self.records[name]):
            names["row"], names["i"] = row, number
            for column, formula in table.finish.items():
                where = f"pack {self.pack.head.name}, module {module.name}, table {name}, finish {column}"
                row[column] = self._evaluate(formula, names, where)

    def _evaluate(self, formula: Formula, names: Mapping[str, Any], place: str) -> Any:
        if not isinstance(formula, str):
            return formula
        try:
            return parse(formula)(names)
        except AwmError as error:
            raise ExpressionError(f"{place}: {error.message}", hint=error.hint) from None

    def user(self) -> User:
        """The person whom the agent acts for."""
        head = self.pack.head.user
        row = self._get(head.table, self.me)
        return User(id=self.me, name=row[head.name], email=row[head.email] if head.email else None)

    def table(self, name: str) -> TableRows:
        """A table's rows as they go to seed.json, notes left out."""
        records = self.records[name]
        columns = [column for column in (records[0] if records else {}) if not column.startswith("_")]
        return TableRows(
            table=name, columns=columns, rows=[[_plain(row[column]) for column in columns] for row in records]
        )


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return value
