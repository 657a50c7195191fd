"""config.yaml: every setting of a build."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from awm_lib.contracts.base import Contract
from awm_lib.contracts.llm import Llm, Provider
from awm_lib.contracts.run import RunSettings
from awm_lib.errors import ContractError

Directory = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class Config(Contract):
    """The settings; each can be given on the command line: ``snakemake --config count=20``."""

    provider: Provider = "offline"
    """Who writes the environments. ``offline`` samples them from domain packs, without a key or a network. ``openai``
    (OpenAI and everything compatible, such as vLLM) and ``azure`` have a language model write them; see docs/llm.md.
    ``AWM_SYN_LLM_PROVIDER`` wins."""
    count: Annotated[int, Field(ge=1, le=100_000)] = 1_000
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
    llm: Llm = Llm()
    """Which language model writes and solves, and what it may cost: the settings that follow."""
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
    _check_keys(values, Config, "", source)
    return Config.parse(dict(values), source)


def _check_keys(values: Mapping[str, Any], model: type[Contract], place: str, source: str) -> None:
    known = list(model.model_fields)
    for key, value in values.items():
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1, cutoff=0.4)
            raise ContractError(
                f"{source}: there is no setting {place + str(key)!r}",
                hint=f"did you mean {place + close[0]!r}?" if close else "the settings are: " + ", ".join(known),
            )
        inner = model.model_fields[key].annotation
        if isinstance(value, Mapping) and isinstance(inner, type) and issubclass(inner, Contract):
            _check_keys(value, inner, f"{place}{key}.", source)


def read_config_file(path: Path) -> Config:
    """The settings of a file; the defaults if there is none. Raises ContractError."""
    import yaml

    try:
        found = yaml.safe_load(path.read_bytes()) or {}
    except FileNotFoundError:
        return Config()
    except yaml.YAMLError as error:
        raise ContractError(f"{path} is not YAML: {error}") from None
    return read_config(found if isinstance(found, dict) else {}, str(path))
