"""Finding scenarios: a search that goes on where it stopped, unlike ones only, bounds that are relaxed and said so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from awm_lib import cli
from awm_lib.synthesis.llm.accepted import Idea, accept, accepted_ideas, read_ideas
from tests.conftest import ROOT
from tests.llmserver import Body, LlmServer, Reply, failure, llm_server

SEEDS = ROOT / "resources" / "seeds.jsonl"


def names_of(server: LlmServer, stage: str) -> list[Body]:
    """The requests of one stage."""
    return [item.body for item in server.received if stage_name(item.body) == stage]


def stage_name(body: Body) -> str:
    """Which reply a request asks for."""
    return str(body.get("response_format", {}).get("json_schema", {}).get("name", ""))


class Inventor:
    """A model that invents scenarios: every number once, its embedding a direction of its own."""

    def __init__(self, twins: int = 0, scores: Callable[[int], int] = lambda number: 9) -> None:
        self.number = 0
        self.twins = twins
        """One in so many is like the one before."""
        self.scores = scores

    def __call__(self, body: Body) -> Reply:
        if body["_path"].endswith("/embeddings"):
            vectors = [{"index": at, "embedding": self.vector(text)} for at, text in enumerate(body["input"])]
            return Reply(body={"data": vectors})
        asked = body["messages"][1]["content"]
        if stage_name(body) == "IdeasReply":
            return Reply(json.dumps({"scenarios": [self.idea() for _ in range(10)]}))
        numbers = [(int(a), int(b)) for a, b in re.findall(r"^(\d+)\. \[\w+\] Office (\d+)", asked, re.M)]
        verdicts = [
            {"number": number, "score": self.scores(office), "level": "high", "reasons": "records and rules",
             "can_simulate": "all", "cannot_simulate": "nothing"}
            for number, office in numbers
        ]  # fmt: skip
        return Reply(json.dumps({"verdicts": verdicts}))

    def idea(self) -> dict[str, str]:
        """The next scenario."""
        self.number += 1
        return {"category": f"offices_{self.number % 3}", "title": f"Office {self.number}", "description": "Stamps."}

    def vector(self, text: str) -> list[float]:
        """Directions that differ, but for twins."""
        found = re.search(r"Office (\d+)", text)
        number = int(found.group(1)) if found else hash(text) % 400
        if self.twins and number % self.twins == 0:
            number -= 1
        return [1.0 if at == number % 997 else 0.0 for at in range(997)]


@dataclass
class Desk:
    """A directory in which scenarios are looked for."""

    home: Path
    find: Callable[..., tuple[int, str]]
    """Runs ``awm scenarios`` as the workflow does: its exit code, and what it said."""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    lines = SEEDS.read_text().splitlines()[:5]
    (tmp_path / "seeds.jsonl").write_text("\n".join(lines) + "\n")
    monkeypatch.chdir(tmp_path)

    def find(server: LlmServer, count: int, **llm: Any) -> tuple[int, str]:
        settings = {
            "backoff": 0.01, "retries": 2, "embeddings": {"provider": "openai"}, "timeout": 20, "seeds": "seeds.jsonl",
            **llm,
        }  # fmt: skip
        found = {"AWM_LLM_SETTINGS": json.dumps({"provider": "openai", "llm": settings}), "OPENAI_BASE_URL": server.url,
                 "OPENAI_API_KEY": "k", "AWM_SYN_OVERRIDE_MODEL": "m"}  # fmt: skip
        for name, value in found.items():
            monkeypatch.setenv(name, value)
        command = ["scenarios", "results/scenarios.jsonl", "--provider", "openai", "--count", str(count)]
        code = cli.main(command)
        return code, capsys.readouterr().err

    return Desk(tmp_path, find)


def titles(desk: Desk) -> list[str]:
    """The catalogue."""
    return [json.loads(line)["title"] for line in (desk.home / "results" / "scenarios.jsonl").read_text().splitlines()]


def test_the_seeds_are_a_hundred_and_differ() -> None:
    ideas = read_ideas(SEEDS)
    assert len(ideas) == len({idea.title for idea in ideas}) == 100
    assert len({idea.category for idea in ideas}) > 20


def test_seeds_alone_need_no_request(desk: Desk) -> None:
    with llm_server(lambda body: failure(500)) as server:
        assert desk.find(server, 5)[0] == 0
        assert not server.received
    assert len(titles(desk)) == 5


def test_scenarios_are_found_to_the_count_and_stay(desk: Desk) -> None:
    before = (desk.home / "seeds.jsonl").read_bytes()
    with llm_server(Inventor(twins=5)) as server:
        done = desk.find(server, 60)
        assert done[0] == 0, done[1]
        first = titles(desk)
        assert len(set(first)) == 60
        assert not [title for title in first if title in ("Office 5", "Office 10", "Office 15")]
        asked = len(server.received)
        assert desk.find(server, 60)[0] == 0
        assert len(server.received) == asked  # nothing lacks, nothing is asked
        assert desk.find(server, 70)[0] == 0
    assert titles(desk)[:60] == first
    assert (desk.home / "seeds.jsonl").read_bytes() == before
    assert "accepted, 60 in all" in done[1]


def test_a_line_that_was_cut_off_loses_no_other(tmp_path: Path) -> None:
    ideas = [Idea(category="offices", title=f"Office {number}", description="Stamps.") for number in range(3)]
    accept(tmp_path, ideas[:1])
    with (tmp_path / "scenarios.jsonl").open("a") as file:
        file.write('{"category": "off')
    accept(tmp_path, ideas[1:])
    assert accepted_ideas(tmp_path) == ideas


def test_what_cannot_be_simulated_is_left_out(desk: Desk) -> None:
    with llm_server(Inventor(scores=lambda number: 3 if number % 2 else 8)) as server:
        done = desk.find(server, 30)
    assert done[0] == 0, done[1]
    offices = [int(title.split()[1]) for title in titles(desk) if title.startswith("Office ")]
    assert offices and not [number for number in offices if number % 2]


def test_bounds_are_relaxed_when_nothing_new_comes_and_it_is_said(desk: Desk) -> None:
    class Alike(Inventor):
        def vector(self, text: str) -> list[float]:
            found = re.search(r"Office (\d+)", text)
            number = int(found.group(1)) if found else 900
            return [3.0, *(1.0 if at == number else 0.0 for at in range(901))]  # cosine 0.9 to each other

    with llm_server(Alike()) as server:
        done = desk.find(server, 12)
    assert done[0] == 0, done[1]
    assert "from now on a similarity below 0.87" in done[1]
    assert "from now on a similarity below 0.91" in done[1]
    assert len(titles(desk)) == 12


def test_a_search_that_finds_nothing_ends(desk: Desk) -> None:
    class Same(Inventor):
        def idea(self) -> dict[str, str]:
            return {"category": "offices", "title": "Office 1", "description": "Stamps."}

    with llm_server(Same()) as server:
        done = desk.find(server, 50)
    assert done[0] == 2
    assert "rounds brought no new scenario; 6 of 50 are found" in done[1]


def test_a_killed_search_asks_for_nothing_twice(desk: Desk) -> None:
    inventor = Inventor()
    dead = [False]

    def script(body: Body) -> Reply:
        if len(server.received) > 13 and not dead[0]:
            return failure(401)  # as good as a kill: the run ends in the middle of a round
        return inventor(body)

    with llm_server(script) as server:
        assert desk.find(server, 60)[0] == 2
        kept = [json.dumps(item.body, sort_keys=True) for item in server.answered]
        found = (desk.home / ".llm" / "scenarios.jsonl").read_text()
        dead[0] = True
        assert desk.find(server, 60)[0] == 0
        again = [json.dumps(item.body, sort_keys=True) for item in server.answered[len(kept) :]]
        assert not set(kept) & set(again)
    assert (desk.home / ".llm" / "scenarios.jsonl").read_text().startswith(found)
