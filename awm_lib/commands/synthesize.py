"""``awm synthesize``: a scenario -> plan.json, tasks.json, schema.sql, seed.json and spec.json, from its pack."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("directory", type=Path, help="the environment's directory, such as results/e_commerce_33")
    parser.add_argument("--overrides", type=Path, default=Path("overrides"), help="where pinned files are")
    parser.add_argument("--recipe", default="", help="the stage's recipe, kept with a failure")


def run(arguments: argparse.Namespace) -> int:
    """Make the provider's files; pinned ones are taken as they are."""
    from awm_lib import failures
    from awm_lib.contracts.scenario import Scenario
    from awm_lib.errors import AwmError, ContractError
    from awm_lib.outputs import pinned, write_output
    from awm_lib.synthesis.offline.load import load_pack
    from awm_lib.synthesis.offline.provider import synthesize

    home = arguments.directory
    scenario = Scenario.read(home / "scenario.json")
    try:
        if scenario.pack is None:
            raise ContractError(f"{home / 'scenario.json'} names no pack, which the offline provider needs")
        made = synthesize(load_pack(scenario.pack), scenario)
    except AwmError as error:
        failure = failures.Failure(
            scenario=scenario.name, stage="synthesize", message=str(error), recipe=arguments.recipe
        )
        failures.record(home.parent, failure)
        raise
    files = {
        "plan.json": made.plan.encode(),
        "tasks.json": made.tasks.encode(),
        "schema.sql": made.schema.encode(),
        "seed.json": made.seed.encode(),
        "spec.json": made.spec.encode(),
    }
    for name, data in files.items():
        kept = pinned(home / name, arguments.overrides)
        write_output(home / name, kept.read_bytes() if kept is not None else data)
    failures.clear(home.parent, scenario.name)
    return 0
