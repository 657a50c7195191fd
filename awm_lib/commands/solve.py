"""``awm solve``: have a language model attempt an environment's tasks, seeing only instructions and tools."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("directory", type=Path, help="the environment's directory, such as results/library_7")
    parser.add_argument("--attempts", type=int, default=4, help="attempts at each task (default 4)")


def run(arguments: argparse.Namespace) -> int:
    """Attempt the tasks, and write solving.json."""
    import asyncio

    from awm_lib.llm.client import open_client
    from awm_lib.llm.endpoint import resolve_endpoint
    from awm_lib.llm.settings import effective
    from awm_lib.outputs import write_output
    from awm_lib.runtime.environment import Environment
    from awm_lib.synthesis.llm.solve import solve

    home = arguments.directory
    provider, settings = effective()
    environment = Environment.load(home)
    endpoint = resolve_endpoint(settings, provider="openai" if provider == "offline" else provider)

    async def go() -> bytes:
        async with open_client(endpoint, settings) as client:
            return (await solve(client, environment, arguments.attempts)).encode()

    write_output(home / "solving.json", asyncio.run(go()))
    return 0
