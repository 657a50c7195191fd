"""Limits over all processes of a build: requests at once, tokens per minute, a pause for all, and a budget.

They stand in files under one directory. A request at work holds an exclusive lock of one of ``concurrency`` slot files;
the kernel gives it back when a process ends, however it ends. Everything else is one small record in ``state``, changed
under that file's lock; a record that cannot be read counts as fresh.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import random
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from awm_lib.llm.errors import BudgetSpent
from awm_lib.llm.ledger import Ledger

POLL_SECONDS = 0.075
"""How often a request that has to wait looks again."""
LONGEST_SLEEP = 1.0


@dataclass
class _State:
    """What the processes of a build share."""

    tokens: float | None = None
    """Tokens that may be sent now; below zero after a request that took more than was expected."""
    filled_at: float = 0.0
    resume_at: float = 0.0
    """Until then nobody sends."""
    offset: int = 0
    """How much of the ledger is added up in ``spent``."""
    spent: float = 0.0


class Limits:
    """The limits of one build. Times are in seconds, costs in US dollars."""

    def __init__(
        self, directory: Path, *, concurrency: int, tokens_per_minute: int | None = None,
        max_cost: float | None = None, ledger: Ledger | None = None,
    ) -> None:  # fmt: skip
        self.directory = directory
        self.concurrency = concurrency
        self.rate = tokens_per_minute
        self.max_cost = max_cost
        self.ledger = ledger
        self._here = asyncio.Semaphore(concurrency)
        (directory / "slots").mkdir(parents=True, exist_ok=True)

    @contextlib.asynccontextmanager
    async def turn(self, tokens: int, usd: float) -> AsyncIterator[None]:
        """Wait for a turn to send a request that will take about so many tokens and dollars.

        Raises BudgetSpent if it could pass the budget.
        """
        async with self._here:
            handle = await self._slot()
            try:
                self._demand_budget(handle, usd)
                await self._wait(tokens)
                yield
            finally:
                os.close(handle)

    async def _slot(self) -> int:
        """The locked descriptor of a free slot."""
        while True:
            await self._sleep_until_resumed()
            first = random.randrange(self.concurrency)
            for number in range(self.concurrency):
                handle = self._try_slot((first + number) % self.concurrency)
                if handle is not None:
                    return handle
            await asyncio.sleep(POLL_SECONDS * (0.5 + random.random()))

    def _try_slot(self, number: int) -> int | None:
        path = self.directory / "slots" / f"{number:04d}"
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return None
        return handle

    async def _sleep_until_resumed(self) -> None:
        while True:
            with self._state() as state:
                left = state.resume_at - time.time()
            if left <= 0:
                return
            await asyncio.sleep(min(left, LONGEST_SLEEP) + random.random() * 0.05)

    async def _wait(self, tokens: int) -> None:
        """Wait until the rate allows so many tokens, and take them."""
        while self.rate is not None:
            need = min(tokens, self.rate)
            with self._state() as state:
                self._fill(state)
                assert state.tokens is not None
                short = need - state.tokens
                if short <= 0:
                    state.tokens -= tokens
                    return
            await asyncio.sleep(min(short * 60 / self.rate, LONGEST_SLEEP) + random.random() * 0.02)

    def settle(self, expected: int, used: int) -> None:
        """Correct the rate by the tokens that a request really took."""
        if self.rate is not None:
            with self._state() as state:
                self._fill(state)
                assert state.tokens is not None
                state.tokens = min(float(self.rate), state.tokens + expected - used)

    def _fill(self, state: _State) -> None:
        assert self.rate is not None
        now = time.time()
        if state.tokens is None or not 0 <= now - state.filled_at < 3600:
            state.tokens = float(self.rate)
        else:
            state.tokens = min(float(self.rate), state.tokens + (now - state.filled_at) * self.rate / 60)
        state.filled_at = now

    def pause(self, seconds: float) -> None:
        """Let nobody send for some seconds: the endpoint has asked for it."""
        with self._state() as state:
            state.resume_at = max(state.resume_at, time.time() + seconds)

    def _demand_budget(self, handle: int, usd: float) -> None:
        """Note what this request may cost in its slot, if the budget allows it beside all others at work."""
        if self.max_cost is None or self.ledger is None:
            return
        with self._state() as state:
            spent = self._spent(state)
            at_work = self._at_work(handle)
            if spent + at_work + usd > self.max_cost:
                raise BudgetSpent(
                    f"the budget of ${self.max_cost:.2f} is used up: ${spent:.2f} are spent"
                    + (f", ${at_work:.2f} may go for requests at work" if at_work else "")
                    + f", and this request may cost ${usd:.2f}",
                    hint="raise llm.max_cost_usd and run the same command again: what was paid is kept",
                )
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{usd:.6f}".encode(), 0)

    def _spent(self, state: _State) -> float:
        assert self.ledger is not None
        if state.offset > self.ledger.size():
            state.offset, state.spent = 0, 0.0
        lines, state.offset = self.ledger.tail(state.offset)
        state.spent += sum(float(line.get("usd") or 0) for line in lines)
        return state.spent

    def _at_work(self, own: int) -> float:
        """What the requests at work in other slots may cost."""
        total = 0.0
        mine = os.fstat(own).st_ino
        for path in (self.directory / "slots").iterdir():
            handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                if os.fstat(handle).st_ino == mine:
                    continue
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:  # somebody holds it
                with contextlib.suppress(ValueError):
                    total += float(os.pread(handle, 32, 0) or b"0")
            finally:
                os.close(handle)
        return total

    @contextlib.contextmanager
    def _state(self) -> Iterator[_State]:
        """The shared record, locked; what is changed in it is written back."""
        handle = os.open(self.directory / "state", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            before = os.pread(handle, 4096, 0)
            try:
                state = _State(**json.loads(before))
            except (ValueError, TypeError):
                state = _State()
            yield state
            after = json.dumps(asdict(state)).encode()
            if after != before:
                os.pwrite(handle, after, 0)
                os.ftruncate(handle, len(after))
        finally:
            os.close(handle)
