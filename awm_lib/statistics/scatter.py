"""A map of points as SVG: a dot for each, coloured by its group, with its name on hover."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import NamedTuple

WIDTH, HEIGHT, EDGE = 1180, 620, 14


class Point(NamedTuple):
    """One dot."""

    key: str
    """What a click on it opens."""
    label: str
    group: str
    x: float
    """Across, 0 to 1."""
    y: float
    """Down, 0 to 1."""


def scatter(points: Sequence[Point]) -> str:
    """The picture; an empty text if there are no points."""
    if not points:
        return ""
    groups = sorted({point.group for point in points})
    # Neighbours in the alphabet get hues far from each other: steps of the golden angle.
    hue = {group: round(137.508 * at) % 360 for at, group in enumerate(groups)}
    dots = "".join(
        f'<circle cx="{EDGE + point.x * (WIDTH - 2 * EDGE):.1f}" cy="{EDGE + point.y * (HEIGHT - 2 * EDGE):.1f}"'
        f' r="4.5" style="--hue:{hue[point.group]}"'
        f' data-name="{html.escape(point.key)}" data-group="{html.escape(point.group)}">'
        f"<title>{html.escape(point.label)}</title></circle>"
        for point in points
    )
    return (
        f'<svg class="map" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="Environments by the meaning of their texts">{dots}</svg>'
    )
