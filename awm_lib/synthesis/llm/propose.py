"""Finding scenarios: proposed after the model of those that there are, classified, kept if they are unlike all others.

The search goes in rounds. A round asks for a few scenarios in each of several categories at once, has them classified,
and appends what it accepts in one write; so a run that was killed goes on with the round that it was in, and replies
that came are not asked for again. When rounds bring nothing new, the bounds are relaxed step by step, and that is said.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from awm_lib.contracts.config import Config
from awm_lib.contracts.names import check_identifier
from awm_lib.errors import SynthesisError
from awm_lib.llm.chat import ChatRequest
from awm_lib.llm.client import Client
from awm_lib.llm.ledger import Purpose
from awm_lib.llm.strict import output_schema, parse_reply
from awm_lib.synthesis.llm.accepted import Idea, accept, accepted_ideas, seeds_of
from awm_lib.synthesis.llm.prompts import messages
from awm_lib.synthesis.llm.repair import ask
from awm_lib.synthesis.llm.replies import IdeaReply, IdeasReply, Verdict, VerdictsReply

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Embed = Callable[[Sequence[str]], Awaitable["NDArray[np.float32]"]]
Say = Callable[[str], None]

FOCUSES = 4
"""Categories that a round asks about, at once."""
PER_FOCUS = 10
"""Scenarios that are asked for in each."""
EXAMPLES = 6
SHOWN = 40
"""Recent scenarios that a prompt says to avoid."""
STALLED = 2
"""Rounds in a row that bring less than one scenario in ten, after which the bounds are relaxed."""
SIMILARITY_STEP, SIMILARITY_END = 0.02, 0.95
CATEGORY_STEP = 10
GIVE_UP = 24
"""Rounds in a row without a new scenario, after which the search ends."""


@dataclass(slots=True)
class Bounds:
    """What a new scenario has to keep; relaxed when the search stalls."""

    similarity: float
    per_category: int

    def relaxed(self) -> Bounds:
        """The next wider bounds."""
        wider = min(SIMILARITY_END, round(self.similarity + SIMILARITY_STEP, 4))
        return Bounds(max(self.similarity, wider), self.per_category + CATEGORY_STEP)


class IdeasStage:
    """Asks for scenarios of one category."""

    again = "Give all scenarios again."

    def __init__(self, focus: str, count: int, examples: list[Idea], avoid: list[Idea]) -> None:
        self.focus, self.count, self.examples, self.avoid = focus, count, examples, avoid
        self.result: list[IdeaReply] = []

    def request(self) -> ChatRequest:
        """The request."""
        shown = messages("scenarios", focus=self.focus, count=self.count, examples=self.examples, avoid=self.avoid)
        return ChatRequest(shown, output_schema(IdeasReply))

    def correction(self, findings: list[str]) -> ChatRequest:
        """The same request."""
        return self.request()

    def judge(self, text: str) -> list[str]:
        """What is wrong with a reply. One usable scenario is enough: the others are left out."""
        found, problems = [], []
        for item in parse_reply(IdeasReply, text).scenarios:
            try:
                check_identifier(item.category)
                found.append(item)
            except ValueError as error:
                problems.append(f"{item.title}: category: {error}")
        self.result = found[: self.count]
        return [] if found else problems or ["there is no scenario in it"]


class VerdictsStage:
    """Asks how well scenarios can be simulated."""

    again = "Give all verdicts again, one for each scenario."

    def __init__(self, ideas: list[IdeaReply]) -> None:
        self.ideas = ideas
        self.result: dict[int, Verdict] = {}

    def request(self) -> ChatRequest:
        """The request."""
        return ChatRequest(messages("suitability", ideas=self.ideas), output_schema(VerdictsReply))

    def correction(self, findings: list[str]) -> ChatRequest:
        """The same request."""
        return self.request()

    def judge(self, text: str) -> list[str]:
        """What is wrong with a reply."""
        verdicts = {item.number: item for item in parse_reply(VerdictsReply, text).verdicts}
        missing = [str(number) for number in range(1, len(self.ideas) + 1) if number not in verdicts]
        wrong = [f"{item.number}: score {item.score} is not of 1 to 10" for item in verdicts.values()
                 if not 1 <= item.score <= 10]  # fmt: skip
        self.result = verdicts
        return [*([f"verdicts are missing for {', '.join(missing)}"] if missing else []), *wrong]


class Search:
    """A search for scenarios, from what there is to the wanted count."""

    def __init__(self, config: Config, client: Client, embed: Embed, say: Say) -> None:
        self.config, self.client, self.embed, self.say = config, client, embed, say
        self.directory = Path(config.llm.directory)
        self.seeds = seeds_of(config)
        self.known: list[Idea] = [*self.seeds, *accepted_ideas(self.directory)]
        last = self.known[-1] if len(self.known) > len(self.seeds) else None
        wanted = config.llm.embeddings
        self.bounds = Bounds(
            max(wanted.similarity, (last.similarity if last else None) or 0),
            max(wanted.per_category, (last.per_category if last else None) or 0),
        )
        self.round = (last.round or 0) + 1 if last else 1
        self._vectors: NDArray[np.float32] | None = None

    async def run(self, on_progress: Callable[[int], None]) -> None:
        """Accept scenarios until there are as many as wanted. Raises SynthesisError when nothing new is found."""
        stalled = empty = 0
        on_progress(len(self.known))
        while len(self.known) < self.config.count:
            proposed, new = await self._round()
            self.say(f"round {self.round}: {proposed} proposed, {new} accepted, {len(self.known)} in all")
            on_progress(len(self.known))
            self.round += 1
            stalled = stalled + 1 if new * 10 < proposed or not proposed else 0
            empty = 0 if new else empty + 1
            if empty >= GIVE_UP:
                raise SynthesisError(
                    f"{GIVE_UP} rounds brought no new scenario; {len(self.known)} of {self.config.count} are found",
                    hint="lower count, add seeds, or raise llm.embeddings.similarity",
                )
            if stalled >= STALLED:
                stalled = 0
                self.bounds = self.bounds.relaxed()
                self.say(
                    f"few are new: from now on a similarity below {self.bounds.similarity:g} and up to "
                    f"{self.bounds.per_category} of a category are accepted"
                )

    async def _round(self) -> tuple[int, int]:
        """One round: how many were proposed, and how many accepted."""
        focuses = self._focuses()
        found = await asyncio.gather(*(self._propose(focus) for focus in focuses))
        verdicts = await asyncio.gather(*(self._classify(ideas) for ideas in found))
        suitable = [
            self._idea(idea, verdict)
            for ideas, judged in zip(found, verdicts, strict=True)
            for idea, verdict in zip(ideas, judged, strict=True)
            if verdict is not None and verdict.score >= self.config.llm.suitability and verdict.level != "low"
        ]
        new = await self._different(suitable)
        accept(self.directory, new)
        self.known += new
        return sum(map(len, found)), len(new)

    def _focuses(self) -> list[str]:
        """The categories with the fewest scenarios; chance decides among equals, differently in each round."""
        counts = Counter(idea.category for idea in self.known)
        chance = random.Random(f"{self.config.seed}/{self.round}")
        order = sorted(counts)
        chance.shuffle(order)
        fewest = sorted(order, key=lambda name: counts[name])[: FOCUSES - 1]
        return [*fewest, "anything that is not among these yet"]

    async def _propose(self, focus: str) -> list[IdeaReply]:
        chance = random.Random(f"{self.config.seed}/{self.round}/{focus}")
        examples = chance.sample(self.seeds, min(EXAMPLES, len(self.seeds)))
        same = [idea for idea in self.known if idea.category == focus]
        avoid = (
            [*same, *(idea for idea in self.known if idea.category != focus)][-SHOWN:] if not same else same[-SHOWN:]
        )
        stage = IdeasStage(focus, PER_FOCUS, examples, avoid)
        await self._ask(stage, "scenarios")
        return stage.result

    async def _classify(self, ideas: list[IdeaReply]) -> list[Verdict | None]:
        if not ideas:
            return []
        stage = VerdictsStage(ideas)
        await self._ask(stage, "suitability")
        return [stage.result.get(number) for number in range(1, len(ideas) + 1)]

    async def _ask(self, stage: IdeasStage | VerdictsStage, name: str) -> None:
        """Ask; a round goes on without what could not be had, since the next one asks again."""
        purpose = Purpose(name, task=f"round {self.round}")
        outcome = await ask(self.client, stage, purpose, self.config.llm.attempts, first=self.round * 100)
        if outcome.findings:
            self.say(f"{purpose.label}: {outcome.findings[0]}")

    def _idea(self, idea: IdeaReply, verdict: Verdict) -> Idea:
        return Idea(
            category=idea.category, title=idea.title, description=idea.description, score=verdict.score,
            level=verdict.level, reasons=verdict.reasons, simulated=verdict.can_simulate,
            left_out=verdict.cannot_simulate, round=self.round, similarity=self.bounds.similarity,
            per_category=self.bounds.per_category,
        )  # fmt: skip

    async def _different(self, ideas: list[Idea]) -> list[Idea]:
        """Those that are like none that there is, nor like each other, within the cap of their category."""
        import numpy as np

        if not ideas:
            return []
        if self._vectors is None:
            self._vectors = await self._embedded(self.known)
        made = await self._embedded(ideas)
        counts = Counter(idea.category for idea in self.known)
        titles = {idea.title.casefold() for idea in self.known}
        kept: list[Idea] = []
        for idea, vector in zip(ideas, made, strict=True):
            if len(self.known) + len(kept) >= self.config.count or idea.title.casefold() in titles:
                continue
            if counts[idea.category] >= self.bounds.per_category:
                continue
            if float((self._vectors @ vector).max(initial=-1.0)) >= self.bounds.similarity:
                continue
            kept.append(idea)
            counts[idea.category] += 1
            titles.add(idea.title.casefold())
            self._vectors = np.vstack([self._vectors, vector])
        return kept

    async def _embedded(self, ideas: Sequence[Idea]) -> NDArray[np.float32]:
        return await self.embed([f"{idea.title}. {idea.description}" for idea in ideas])
