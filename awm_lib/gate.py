"""The gate: whether all environments of a catalogue are certified, and what stands in the way if not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from awm_lib.contracts.base import Contract
from awm_lib.contracts.certificate import Certificate
from awm_lib.errors import AwmError


class Summary(Contract):
    """What a build has: the content of all_envs.done."""

    environments: int
    certified: int
    tools: int
    tables: int
    rows: int
    tasks: int
    tasks_proven: int
    fuzz_calls: int
    internal_errors: int
    variants: int
    variants_accepted: int
    mutants: int
    mutants_killed: int
    mutants_equivalent: int
    left_out: list[str] = []
    """Scenarios that failed, within max_failed, with the reason."""


def judge_build(results: Path, names: Iterable[str], left_out: dict[str, str], max_failed: int) -> Summary:
    """Read every certificate. Raises AwmError that names what failed, at which stage, why, and how to go on."""
    certificates = []
    failed = dict(left_out)
    for name in names:
        if name in left_out:
            continue
        certificate = Certificate.read(results / name / "certificate.json")
        certificates.append(certificate)
        if not certificate.passed:
            failed[name] = f"certificate: {certificate.reasons[0]}"
    if len(failed) > max_failed:
        lines = "\n".join(f"  {name}: {reason}" for name, reason in list(failed.items())[:20])
        more = f"\n  ... and {len(failed) - 20} more" if len(failed) > 20 else ""
        raise AwmError(
            f"{len(failed)} of {len(certificates) + len(left_out)} environments are not certified:\n{lines}{more}",
            hint="each certificate.json says what was run; mend the cause and run the same command again, or allow "
            f"failures with --config max_failed={len(failed)}",
        )
    return summarize(certificates, [f"{name}: {reason}" for name, reason in failed.items()])


def summarize(certificates: list[Certificate], left_out: list[str]) -> Summary:
    """Add up certificates."""
    counts = [certificate.counts for certificate in certificates]

    def total(field: str) -> int:
        return sum(getattr(count, field) for count in counts)

    return Summary(
        environments=len(certificates),
        certified=sum(certificate.passed for certificate in certificates),
        tools=total("tools"),
        tables=total("tables"),
        rows=total("rows"),
        tasks=total("tasks"),
        tasks_proven=sum(task.passed for certificate in certificates for task in certificate.tasks),
        fuzz_calls=total("fuzz_calls"),
        internal_errors=total("internal_errors"),
        variants=total("variants"),
        variants_accepted=total("variants_accepted"),
        mutants=total("mutants"),
        mutants_killed=total("mutants_killed"),
        mutants_equivalent=total("mutants_equivalent"),
        left_out=left_out,
    )
