"""scenario.json: what an environment is about, and how its world is sampled."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from awm_lib.contracts.base import Contract
from awm_lib.contracts.names import Identifier, Line, ScenarioName, Text
from awm_lib.splits import Split


class Scenario(Contract):
    """One row of the catalogue."""

    name: ScenarioName
    """Category slug and number: directory name, and key everywhere."""
    category: Identifier
    title: Line
    """The product's name, such as a person would see on its page."""
    description: Text
    """One or two sentences: what it is, and for whom."""
    split: Split = "train"
    """What it is for: training, validation or test (``awm_lib.splits``)."""
    pack: Identifier | None = None
    """The offline pack that it is sampled from; absent when a language model synthesizes it."""
    niche: Identifier | None = None
    modules: list[Identifier] = []
    """The pack's modules that this world has, in the pack's order."""
    left_out: list[Identifier] = []
    """Tools of those modules that this world does not have."""
    tasks: Annotated[int, Field(ge=1, le=99)] = 10
    seed: Annotated[int, Field(ge=0)] = 0
    """Starts every generator of this world."""
