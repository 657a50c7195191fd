"""Trials of a model: thousands in one process, as many at once as the settings say."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

from awm_lib.agents.llm import LlmAgent
from awm_lib.contracts.llm import Llm
from awm_lib.contracts.run import RunSettings
from awm_lib.contracts.trajectory import Trajectory
from awm_lib.errors import AwmError
from awm_lib.evaluation.asking import asker, open_model
from awm_lib.evaluation.crew import Report
from awm_lib.evaluation.judging import judge_again
from awm_lib.evaluation.outcome import Outcome
from awm_lib.evaluation.plan import EnvironmentPlan, plan_environment
from awm_lib.evaluation.pool import Pool
from awm_lib.evaluation.seals import load_sealed
from awm_lib.evaluation.store import ReplyLog, Store
from awm_lib.evaluation.trial import TrialKey, run_trial
from awm_lib.llm.chat import ChatReply, ChatRequest
from awm_lib.llm.client import Client
from awm_lib.llm.ledger import Purpose

HOPELESS = 20
"""After so many trials in a row without a reply from the endpoint, the others are not begun."""


class ModelRun:
    """The trials of one run, and how far they are."""

    def __init__(
        self, homes: Sequence[Path], settings: RunSettings, store: Store, report: Report, llm: Llm | None = None
    ) -> None:
        self.settings, self.store, self.report, self.llm = settings, store, report, llm
        self.plans = {home: plan_environment(home, settings) for home in homes}
        self.running = 0
        """Trials that go on now."""
        self.tokens = 0
        """Tokens so far, those of trials that go on included."""
        self.cost = 0.0
        self._unavailable = 0

    @property
    def trials(self) -> int:
        """How many trials it has in all."""
        return sum(len(plan.tasks) for plan in self.plans.values()) * self.settings.trials

    def run(self) -> None:
        """Make the trials that are not there yet.

        Raises AwmError if the endpoint is not known, does not take the key, or answers nobody.
        """
        waiting = list(self._waiting())
        if waiting:
            asyncio.run(self._run(waiting))

    def _waiting(self) -> Iterator[tuple[EnvironmentPlan, TrialKey]]:
        """The trials to make. Those that are there are reported; what befell the infrastructure is tried again."""
        for home, plan in self.plans.items():
            for key in plan.keys(self.settings.trials):
                found = self.store.find(key)
                if found is None or found.world != plan.digests.world or found.met("infrastructure"):
                    yield plan, key
                    continue
                if found.judged_by != plan.digests.judge:
                    found = judge_again(found, load_sealed(home), plan.digests, self.settings.rewards)
                    self.store.write_trial(key, found)
                self._count(found)
                self.report([Outcome.of(found)])

    async def _run(self, waiting: list[tuple[EnvironmentPlan, TrialKey]]) -> None:
        queue = list(reversed(waiting))
        pool = Pool(plan.directory for plan, _ in waiting)
        async with open_model(self.settings, self.llm) as client:

            async def worker() -> None:
                while queue:
                    plan, key = queue.pop()
                    self.running += 1
                    try:
                        trial = await self._trial(plan, key, pool, client)
                    finally:
                        self.running -= 1
                        pool.done(plan.directory)
                    self.store.write_trial(key, trial)
                    self.report([Outcome.of(trial)])
                    self._demand_hope(trial)

            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(min(self.settings.concurrency, len(queue))):
                        group.create_task(worker())
            except* AwmError as found:
                raise _first(found) from None

    async def _trial(self, plan: EnvironmentPlan, key: TrialKey, pool: Pool, client: Client) -> Trajectory:
        environment = await pool.get(plan.directory)
        task = next(item for item in plan.tasks if item.task.id == key.task)
        log = ReplyLog(self.store.folder(key) / "replies.jsonl", plan.digests.world)
        ask = asker(client, Purpose("evaluate", key.scenario, f"{key.task}-{key.number}"), log)

        async def counted(request: ChatRequest) -> tuple[ChatReply, float | None]:
            reply, usd = await ask(request)
            self.tokens += reply.usage.input + reply.usage.output
            self.cost += usd or 0.0
            return reply, usd

        return await run_trial(
            environment, task, key.number, LlmAgent(counted, self.settings), self.settings, plan.digests
        )

    def _count(self, trial: Trajectory) -> None:
        self.tokens += trial.tokens
        self.cost += trial.cost

    def _demand_hope(self, trial: Trajectory) -> None:
        """Raise AwmError if the endpoint has answered no trial for long."""
        self._unavailable = self._unavailable + 1 if trial.met("infrastructure") else 0
        if self._unavailable >= HOPELESS and trial.failure is not None:
            raise AwmError(
                f"{HOPELESS} trials in a row got no reply; the last: {trial.failure.message}",
                hint="is the endpoint up? the same command goes on where this one stopped",
            )


def _first(group: BaseExceptionGroup[AwmError]) -> AwmError:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, AwmError)
    return found
