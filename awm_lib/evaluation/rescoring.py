"""Scoring all stored trials of an environment again, by its verifier as it is now."""

from __future__ import annotations

from pathlib import Path

from awm_lib.contracts.run import RunSettings
from awm_lib.errors import AwmError
from awm_lib.evaluation.judging import judge_again
from awm_lib.evaluation.outcome import Outcome
from awm_lib.evaluation.plan import plan_environment
from awm_lib.evaluation.seals import load_sealed
from awm_lib.evaluation.store import Store, key_of


def rescore_environment(home: Path, settings: RunSettings, store: Store) -> list[Outcome]:
    """Judge an environment's trials again, keep them, and give their outcomes.

    Trials of the environment as it was before a change of its tasks, tools or rows stay as they are, and are left out.
    Raises AwmError if the environment is gone or cannot be used.
    """
    if not home.is_dir():
        raise AwmError(f"{home} is no longer there", hint=f"build it: snakemake {home}/certificate.json")
    digests = plan_environment(home, settings).digests
    trials = list(store.read(home.name))
    current = [trial for trial in trials if trial.world == digests.world]
    if not current:
        return []
    environment = load_sealed(home)
    scored = {key_of(trial): judge_again(trial, environment, digests, settings.rewards) for trial in current}
    if store.is_segmented(home.name):
        store.write_segment(home.name, [scored.get(key_of(trial), trial) for trial in trials])
    else:
        for key, trial in scored.items():
            store.write_trial(key, trial)
    return [Outcome.of(trial) for trial in scored.values()]
