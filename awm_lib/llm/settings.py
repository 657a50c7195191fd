"""The settings of a build on their way to its stages.

Stage commands need the ``llm:`` section as the run has it, ``--config`` included. It cannot be a parameter of the
rules: a changed parameter makes everything again. So the workflow puts it into the environment, which jobs inherit; it
holds no keys. A command that a person runs by hand reads config.yaml.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from awm_lib.contracts.llm import Llm
from awm_lib.errors import ContractError
from awm_lib.llm.endpoint import chosen_provider, environment

VARIABLE = "AWM_LLM_SETTINGS"


def export(provider: str, settings: Llm) -> None:
    """Leave the settings for the jobs of this process."""
    os.environ[VARIABLE] = json.dumps({"provider": provider, "llm": settings.plain()})


def effective(config: Path = Path("config.yaml")) -> tuple[str, Llm]:
    """The provider and the settings of the run that this process belongs to. Raises ContractError."""
    text = os.environ.get(VARIABLE)
    if text:
        try:
            found = json.loads(text)
            return str(found["provider"]), Llm.parse(found["llm"], VARIABLE)
        except (ValueError, KeyError, TypeError):
            raise ContractError(f"{VARIABLE} is not what a workflow puts there", hint=f"unset {VARIABLE}") from None
    from awm_lib.contracts.config import read_config_file

    settings = read_config_file(config)
    return chosen_provider(settings.provider, environment()), settings.llm
