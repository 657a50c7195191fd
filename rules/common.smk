# What all rules use: the configured workflow, and the command that runs a stage.
#
# AWM is `awm`, run by a warm worker process so that a stage does not pay for starting an interpreter.

import atexit
import sys

from awm_lib.engine import hand_stages_over, relax_collection, schedule_lightly
from awm_lib.errors import AwmError
from awm_lib.recipes import stage_digest
from awm_lib.settled import Settled
from awm_lib.worker import stage_command, start_early
from awm_lib.workflow import RESULTS, Workflow

AWM = stage_command()


def explained(function, *arguments):
    """Call a function of the library; its errors are messages for people, without a traceback."""
    try:
        return function(*arguments)
    except AwmError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        print(f"error: {error.filename}: {reason}", file=sys.stderr)
        sys.exit(2)


relax_collection()
BUILD = explained(Workflow, config)
SETTLED = explained(Settled, BUILD, RESULTS, sys.argv)


# Rules make the files of no environment that is settled: these stand there as sources do.
wildcard_constraints:
    s=SETTLED.pattern,


if workflow.is_main_process:
    explained(BUILD.void_incomplete, SETTLED.names)
    atexit.register(SETTLED.record_if_idle, workflow)
    if not workflow.dryrun and not BUILD.is_complete:
        start_early(*(["write", "--help"] if BUILD.by_model else []))


def all_certificates(wildcards):
    """The certificate of every scenario; where scenarios have still to be found, of those found by then."""
    if BUILD.lacks_scenarios:
        checkpoints.find_scenarios.get()
        BUILD.look_again()
    return expand("results/{s}/certificate.json", s=BUILD.names())


onsuccess:
    SETTLED.record(workflow)


onstart:
    schedule_lightly(workflow)
    hand_stages_over()
    explained(
        BUILD.refuse_to_lose_edits,
        [
            str(output)
            for job in workflow.dag.needrun_jobs()
            for output in job.output
        ],
    )
