"""Many jobs against an endpoint that takes its time: the limit is kept, and kept busy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import make_project
from tests.llmserver import Body, LlmServer, Reply, llm_server
from tests.scripted import corrected, stage_of

SECONDS = 5.0
JOBS = 32
AT_ONCE = 24


def anyone(body: Body) -> Reply:
    """A model that writes the same environment whatever the scenario is."""
    text = json.dumps(corrected("observatory_1", stage_of(body)))
    return Reply(text, delay=SECONDS)


def busy_share(server: LlmServer) -> float:
    """How much of the limit was at work, from the first request until the last one came."""
    begin, end = server.received[0].at, server.received[-1].at
    spent = sum(min(item.done or end, end) - item.at for item in server.received)
    return spent / (AT_ONCE * (end - begin))


@pytest.mark.slow
def test_the_limit_is_kept_busy(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    seeds = [json.loads(line) for line in (project.home / "resources" / "seeds.jsonl").read_text().splitlines()]
    counts: dict[str, int] = {}
    targets = []
    for seed in seeds:
        counts[seed["category"]] = counts.get(seed["category"], 0) + 1
        targets.append(f"results/{seed['category']}_{counts[seed['category']]}/spec.json")
    with llm_server(anyone) as server:
        done = project.run(
            "snakemake", f"-j{JOBS}", *targets, "--config", "tasks=5", f"llm={{concurrency: {AT_ONCE}}}",
            AWM_SYN_LLM_PROVIDER="openai", OPENAI_BASE_URL=server.url, OPENAI_API_KEY="x", AWM_SYN_OVERRIDE_MODEL="m",
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(server.received) == len(server.answered) == 400
        assert server.busiest <= AT_ONCE
        print(f"{busy_share(server):.1%} of {AT_ONCE} requests at once were at work")
        assert busy_share(server) >= 0.9
