"""``awm certify``: execute every check of an environment and write its certificate; exit code 0 whatever it says."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("directory", type=Path, help="the environment's directory, such as results/e_commerce_33")
    parser.add_argument("--solving", action="store_true", help="repeat how independent attempts fared (solving.json)")


def run(arguments: argparse.Namespace) -> int:
    """Certify an environment."""
    from awm_lib.certify.certificate import certify
    from awm_lib.errors import ContractError
    from awm_lib.evaluation.seals import keep_seal, seal_of
    from awm_lib.outputs import write_output
    from awm_lib.recipes import stage_digest

    home = arguments.directory
    if not home.is_dir():
        raise ContractError(f"{home} does not exist", hint=f"build it: snakemake {home}/certificate.json")
    seal = seal_of(home)
    certificate = certify(home, stage_digest("certify"), solving=arguments.solving)
    if certificate.passed:
        keep_seal(home, seal)  # it recompiled the verifiers: evaluations of this machine need not do it again
    write_output(home / "certificate.json", certificate.encode())
    for reason in certificate.reasons:
        print(f"{certificate.scenario}: {reason}")
    return 0
