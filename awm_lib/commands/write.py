"""``awm write``: have a language model write one stage of an environment: tasks, schema, rows, tools or solutions."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from awm_lib.llm.client import Client


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("stage", choices=["tasks", "schema", "rows", "tools", "solutions"], help="what to write")
    parser.add_argument("directory", type=Path, help="the environment's directory, such as results/library_7")
    parser.add_argument("--overrides", type=Path, default=Path("overrides"), help="where pinned files are")
    parser.add_argument("--recipe", default="", help="the stage's recipe, kept with a failure")


def run(arguments: argparse.Namespace) -> int:
    """Write the stage's files; a pinned one is taken as it is."""
    import asyncio

    from awm_lib import failures
    from awm_lib.errors import AwmError
    from awm_lib.llm.client import open_client
    from awm_lib.llm.endpoint import resolve_endpoint
    from awm_lib.llm.errors import LlmError, UnusableReply
    from awm_lib.llm.settings import effective
    from awm_lib.synthesis.llm.trial import trial_digest
    from awm_lib.synthesis.llm.write import STAGES, Job

    home = arguments.directory
    provider, settings = effective()
    trial = arguments.recipe

    def with_client(work: Callable[[Client], Awaitable[None]]) -> None:
        nonlocal trial
        endpoint = resolve_endpoint(settings, provider=provider)
        trial = trial_digest(arguments.recipe, endpoint.model, settings)

        async def go() -> None:
            async with open_client(endpoint, settings) as client:
                await work(client)

        asyncio.run(go())

    try:
        STAGES[arguments.stage](Job(home, arguments.overrides, arguments.stage), with_client)
    except AwmError as error:
        # An endpoint that is down, or a budget that is spent, says nothing about the scenario.
        if not isinstance(error, LlmError) or isinstance(error, UnusableReply):
            failure = failures.Failure(scenario=home.name, stage=arguments.stage, message=str(error), recipe=trial)
            failures.record(home.parent, failure)
        raise
    failures.clear(home.parent, home.name)
    return 0
