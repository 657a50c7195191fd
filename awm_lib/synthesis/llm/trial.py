"""What a stage's failure was tried with: when that changes, the failure is out of date, and the stage runs again."""

from __future__ import annotations

from awm_lib.contracts.llm import Llm
from awm_lib.recipes import combined


def trial_digest(recipe: str, model: str, settings: Llm) -> str:
    """The hash of a stage's recipe, the model, and the settings that let a scenario fail."""
    tried = (settings.attempts, settings.on_unproven, settings.min_tasks, settings.temperature, settings.max_tokens)
    return combined(recipe, model, repr(tried), repr(sorted(settings.extra_body.items())))
