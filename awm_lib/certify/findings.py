"""Collecting what checks find."""

from __future__ import annotations

from awm_lib.contracts.certificate import Check, CheckName, Status

MAX_FINDINGS = 20


def outcome(name: CheckName, findings: list[str], *, not_shown: list[str] | None = None) -> Check:
    """Failed with findings, else not shown with reasons, else passed."""
    status: Status = "failed" if findings else "not_shown" if not_shown else "passed"
    kept = findings or not_shown or []
    more = [f"... and {len(kept) - MAX_FINDINGS} more"] if len(kept) > MAX_FINDINGS else []
    return Check(check=name, status=status, findings=[*kept[:MAX_FINDINGS], *more])
