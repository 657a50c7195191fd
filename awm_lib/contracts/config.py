"""config.yaml: every setting of a build."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from awm_lib.contracts.base import Contract
from awm_lib.contracts.run import RunSettings
from awm_lib.errors import ContractError

Directory = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class Config(Contract):
    """The settings; each can be given on the command line: ``snakemake --config count=20``."""

    provider: Literal["offline"] = "offline"
    """Who writes the environments. ``offline`` samples them from domain packs; it needs no key and no network."""
    count: Annotated[int, Field(ge=1, le=100_000)] = 100
    """How many scenarios the catalogue has."""
    seed: Annotated[int, Field(ge=0)] = 1
    """Starts every choice of the catalogue. Another seed gives other environments."""
    tasks: Annotated[int, Field(ge=1, le=20)] = 10
    """Tasks per environment."""
    packs: list[str] = []
    """The packs that the catalogue draws on, by name; empty for all of them."""
    overrides: Directory = "overrides"
    """Where pinned files are: ``awm pin`` puts them there, and the stages use them in place of their own."""
    max_failed: Annotated[int, Field(ge=0)] = 0
    """How many scenarios may fail, at any stage, without stopping the gate; they are named and left out."""
    overwrite_edits: bool = False
    """Let stages replace files that a person has edited, instead of stopping with a message."""
    evaluations: list[RunSettings] = [
        RunSettings(name="oracle", agent="oracle"),
        RunSettings(name="noop", agent="noop"),
        RunSettings(name="random", agent="random"),
    ]
    """Runs that are targets, ``results/evals/<name>/summary.json``: made again when their environments change. Each is
    an object of settings, which docs/evaluation.md explains.
    """


def read_config(values: Mapping[str, Any], source: str = "config.yaml") -> Config:
    """Validate settings. Raises ContractError that names a misspelt key's nearest."""
    known = list(Config.model_fields)
    for key in values:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1, cutoff=0.4)
            raise ContractError(
                f"{source}: there is no setting {key!r}",
                hint=f"did you mean {close[0]!r}?" if close else "the settings are: " + ", ".join(known),
            )
    return Config.parse(dict(values), source)
