"""Judging stored trials again by their environment's verifier, so that verifiers improve without running agents."""

from __future__ import annotations

from awm_lib.contracts.run import RewardScale
from awm_lib.contracts.trajectory import Problem, Trajectory, TrialVerdict
from awm_lib.errors import AwmError
from awm_lib.evaluation.cells import apply_changes
from awm_lib.evaluation.failure import failure
from awm_lib.evaluation.rewards import reward
from awm_lib.evaluation.trial import Digests
from awm_lib.runtime.environment import Environment


def judge_again(trial: Trajectory, environment: Environment, digests: Digests, scale: RewardScale) -> Trajectory:
    """The trial with the verdict, failure and rewards that the verifier gives now.

    The final state is made from the initial one and the stored changes, so the environment must have the same tasks,
    tools and rows. Raises AwmError if it has not.
    """
    if trial.world != digests.world:
        raise AwmError(
            f"{trial.scenario}: the environment has changed since trial {trial.task}-{trial.trial}",
            hint="run the same evaluation again: what has changed is done again",
        )
    verdict, problems = trial.verdict, [item for item in trial.problems if item.kind != "unjudged"]
    if trial.final is not None and trial.task is not None:
        try:
            final = apply_changes(environment.initial, trial.final.changes, trial.final.now)
            found = environment.verifier(trial.task)(environment.initial, final, trial.reply)
            verdict = TrialVerdict(result=found.result, partial=found.partial, evidence=found.evidence)
        except (AwmError, ValueError) as error:
            verdict = None
            problems.append(Problem(error_class="environment", kind="unjudged", message=str(error)))
    return trial.model_copy(
        update={
            "judged_by": digests.judge,
            "problems": problems,
            "verdict": verdict,
            "failure": failure(trial.stop, problems, trial.calls, verdict),
            "rewards": reward(verdict, problems, scale),
        }
    )
