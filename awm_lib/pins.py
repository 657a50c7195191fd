"""Pinning: which files a person may keep in place of built ones, and whether a file is fit for it."""

from __future__ import annotations

from pathlib import Path

from awm_lib.contracts.base import Contract
from awm_lib.contracts.names import check_scenario_name
from awm_lib.errors import AwmError, ContractError, UnknownName


def _contracts() -> dict[str, type[Contract] | None]:
    from awm_lib.contracts.oracle import Oracle
    from awm_lib.contracts.seed import Seed
    from awm_lib.contracts.spec import Spec
    from awm_lib.contracts.tasks import Tasks

    return {"tasks.json": Tasks, "schema.sql": None, "seed.json": Seed, "spec.json": Spec, "oracle.json": Oracle}


_COMPILED = {
    "server.py": "spec.json",
    "verifier.py": "oracle.json or tasks.json",
    "seed.sqlite": "seed.json or schema.sql",
    "certificate.json": "what it is about",
}


def check_pin(scenario: str, file: str, results: Path, overrides: Path) -> tuple[Path, Path]:
    """The file to copy and where to. Raises AwmError if it cannot be pinned, ContractError if it is not valid."""
    home = results / check_scenario_name(scenario)
    if file in _COMPILED:
        raise AwmError(f"{file} is compiled and cannot be pinned", hint=f"pin {_COMPILED[file]} instead")
    contracts = _contracts()
    if file not in contracts:
        raise UnknownName("file to pin", file, contracts)
    source = home / file
    if not source.is_file():
        raise ContractError(f"{source} does not exist", hint=f"build it: snakemake {source}")
    contract = contracts[file]
    if contract is not None:
        contract.read(source)
    return source, overrides / scenario / file
