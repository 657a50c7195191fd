"""What the certificates of a build say, added up."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from awm_lib.contracts.certificate import Certificate, TaskCertificate
from awm_lib.errors import AwmError
from benchmarks.bench import Bench
from benchmarks.figure import Figure, at_least, at_most, exact, percent

KILLED = 0.97
KILLED_EACH = 0.90
EQUIVALENT = 0.10
FUZZ_CALLS = 200
TASKS_EACH = 10


def directories(results: Path) -> list[Path]:
    """The environments of a build that have a certificate. Raises AwmError if there is none."""
    found = sorted(path.parent for path in results.glob("*/certificate.json"))
    if not found:
        raise AwmError(f"{results} has no certificates", hint="build them: make run")
    return found


def measure_certificates(bench: Bench) -> list[Figure]:
    """Environments, tasks, variants, mutants and fuzzing. ``--count`` says how many environments there should be."""
    found = [Certificate.read(directory / "certificate.json") for directory in directories(bench.catalogue)]
    expected = max(bench.count, len(found))
    tasks = [task for certificate in found for task in certificate.tasks]
    return [*_proofs(found, tasks, expected), _variants(found, tasks), *_mutants(found, tasks), _fuzzing(found)]


def _proofs(found: list[Certificate], tasks: list[TaskCertificate], expected: int) -> list[Figure]:
    certified = sum(certificate.passed for certificate in found)
    proven = sum(task.passed for task in tasks)
    reasons = Counter(certificate.reasons[0].split(":")[0] for certificate in found if not certificate.passed)
    because = "; ".join(f"{number} {reason}" for reason, number in reasons.most_common(3))
    idle = sum(1 for task in tasks if _status(task, "no_op") == "failed")
    shown = sum(1 for task in tasks if _status(task, "no_op") == "passed")
    return [
        Figure(
            name="certified",
            group="proof",
            title="Environments certified",
            required=f"{expected} of {expected}",
            measured=f"{certified} of {expected}",
            met=certified == expected,
            beside=f"not certified: {because}" if because else "",
            how="`passed` of the certificates",
            values={"certified": certified, "expected": expected},
        ),
        Figure(
            name="proven",
            group="proof",
            title="Tasks proven solvable",
            required=f"{exact(expected * TASKS_EACH)} of {exact(expected * TASKS_EACH)}",
            measured=f"{exact(proven)} of {exact(expected * TASKS_EACH)}",
            met=proven == expected * TASKS_EACH,
            how="all checks of a task passed: its oracle was executed twice, ended in the same state and met the goal",
            values={"proven": proven, "tasks": len(tasks)},
        ),
        Figure(
            name="no_op",
            group="proof",
            title="Tasks that doing nothing would complete",
            required="0",
            measured=str(idle),
            met=idle == 0 and shown == len(tasks),
            how=f"an episode without calls, judged for each task; shown for {exact(shown)} tasks",
            values={"passes": idle, "shown": shown},
        ),
    ]


def _status(task: TaskCertificate, check: str) -> str:
    return next((item.status for item in task.checks if item.check == check), "not_shown")


def _variants(found: list[Certificate], tasks: list[TaskCertificate]) -> Figure:
    made = sum(certificate.counts.variants for certificate in found)
    accepted = sum(certificate.counts.variants_accepted for certificate in found)
    share = accepted / made if made else 0.0
    families = Counter[str]()
    for task in tasks:
        for runs in task.variants:
            families[runs.family] += runs.made
    return Figure(
        name="variants",
        group="proof",
        title="Correct variants accepted",
        required="100 %",
        measured=f"{percent(share)} ({exact(accepted)} of {exact(made)})",
        met=made > 0 and accepted == made,
        beside=_listed(families),
        how="other correct runs of each task, executed and judged; beside: how many of each family",
        values={"accepted": accepted, "made": made},
    )


def _mutants(found: list[Certificate], tasks: list[TaskCertificate]) -> list[Figure]:
    made = sum(certificate.counts.mutants for certificate in found)
    killed = sum(certificate.counts.mutants_killed for certificate in found)
    equivalent = sum(certificate.counts.mutants_equivalent for certificate in found)
    share = killed / (made - equivalent) if made > equivalent else 0.0
    lowest, where = min((_killed(certificate), certificate.scenario) for certificate in found)
    families: dict[str, list[int]] = {}
    for task in tasks:
        for runs in task.mutants:
            counts = families.setdefault(runs.family, [0, 0])
            counts[0] += runs.passed
            counts[1] += runs.made - runs.equivalent
    by_family = {name: f"{killed}/{relevant}" for name, (killed, relevant) in sorted(families.items())}
    return [
        Figure(
            name="mutants",
            group="proof",
            title="Mutants killed, in all",
            required=percent(KILLED),
            measured=f"{percent(share)} ({exact(killed)} of {exact(made - equivalent)})",
            met=at_least(share, KILLED),
            beside=", ".join(f"{name.replace('_', ' ')} {text}" for name, text in by_family.items()),
            how="near-miss runs of each task that its verifier rejects; equivalents are left out",
            values={"killed": killed, "made": made, "equivalent": equivalent},
        ),
        Figure(
            name="mutants_each",
            group="proof",
            title="Mutants killed, in the worst environment",
            required=percent(KILLED_EACH),
            measured=percent(lowest),
            met=at_least(lowest, KILLED_EACH),
            beside=f"{where}; none is alive in {sum(_killed(item) == 1 for item in found)} of {len(found)}",
            how="the lowest share of any environment",
            values={"lowest": lowest},
        ),
        Figure(
            name="equivalents",
            group="proof",
            title="Equivalents among the mutants made",
            required=f"at most {percent(EQUIVALENT)}",
            measured=f"{percent(equivalent / made if made else 0.0)} ({exact(equivalent)} of {exact(made)})",
            met=made > 0 and at_most(equivalent / made, EQUIVALENT),
            how="mutants that leave the same rows and the same answer as the oracle",
            values={"equivalent": equivalent, "made": made},
        ),
    ]


def _killed(certificate: Certificate) -> float:
    relevant = certificate.counts.mutants - certificate.counts.mutants_equivalent
    return certificate.counts.mutants_killed / relevant if relevant else 0.0


def _fuzzing(found: list[Certificate]) -> Figure:
    calls = sum(certificate.counts.fuzz_calls for certificate in found)
    fewest = min(certificate.counts.fuzz_calls for certificate in found)
    errors = sum(certificate.counts.internal_errors for certificate in found)
    return Figure(
        name="fuzzing",
        group="proof",
        title=f"Internal errors under fuzzing, {FUZZ_CALLS} calls each",
        required="0",
        measured=f"{errors} in {exact(calls)} calls",
        met=errors == 0 and fewest >= FUZZ_CALLS,
        beside=f"at least {fewest} calls in each environment",
        how="generated calls of every tool, valid and invalid; results checked against their schemas",
        values={"errors": errors, "calls": calls, "fewest": fewest},
    )


def _listed(families: Counter[str]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {exact(number)}" for name, number in sorted(families.items()))
