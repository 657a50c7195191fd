"""A summary as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from awm_lib.contracts.summary import Estimate, Group, Summary

GROUPS_SHOWN = ("category", "level")


def summary_text(summary: Summary, home: Path) -> str:
    """What a person wants to know first of the run in a directory."""
    return "\n".join(_lines(summary, home))


def _lines(summary: Summary, home: Path) -> Iterator[str]:
    who = f"{summary.agent} {summary.model}" if summary.model else summary.agent
    yield f"{summary.run}: {who} on {summary.tasks:,} tasks of {summary.environments:,} environments"
    counted = summary.trials - summary.masked
    rows = [("success", f"{summary.complete:,} of {counted:,} trials, {percent(summary.overall.success)}")]
    for at in summary.overall.at:
        rows.append((f"pass@{at.k}, pass^{at.k}", f"{percent(at.any)}, {percent(at.all)} ({at.tasks:,} tasks)"))
    if summary.masked:
        rows.append(("not counted", f"{summary.masked:,} trials that met an error that is not the agent's"))
    if summary.trials < summary.planned:
        rows.append(("not made", f"{summary.planned - summary.trials:,} trials"))
    for item in summary.failures[:8]:
        rows.append((f"{item.kind}", f"{item.trials:,} ({item.error_class})"))
    means = summary.means
    if means is not None:
        text = f"{means.calls:.1f} calls, reward {means.reward:.3f}, format reward {means.format_reward:.3f}"
        if means.tokens:
            text += f", {means.tokens:,.0f} tokens"
        if means.seconds is not None:
            text += f", {means.seconds:.1f} s"
        if means.cost is not None:
            text += f", ${means.cost:.4f}"
        rows.append(("per trial", text))
    for judge in summary.judges:
        rows.append((
            "judged by a model",
            f"{judge.verdicts}, agrees with the code in {judge.agrees_with_code:.1%}; votes differ in "
            f"{judge.disagreement:.1%} of trials",
        ))  # fmt: skip
    for name, text in rows:
        yield f"  {name:20} {text}"
    yield from _groups(summary.groups)
    yield f"  look at it           awm eval view {home}"


def _groups(groups: list[Group]) -> Iterator[str]:
    shown = [group for group in groups if group.by in GROUPS_SHOWN and group.success is not None]
    for group in shown if len(shown) > 1 else []:
        yield f"    {group.by} {group.name:24} {percent(group.success)} of {group.trials:,}"


def percent(found: Estimate | None) -> str:
    """A share with its interval: '62.5 % (48.1-75.0)'."""
    if found is None:
        return "-"
    return f"{found.mean:.1%} ({100 * found.low:.1f}-{100 * found.high:.1f})".replace("%", " %")
