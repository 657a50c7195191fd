"""Histograms as inline SVG: coloured by the page's style, readable without a script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from statistics import fmean

WIDTH, HEIGHT = 360, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 6, 354, 26, 126
_MOST_BARS = 24


def histogram(values: Sequence[int], unit: str, published: float | None = None) -> str:
    """The distribution of whole numbers.

    ``unit`` names what is counted along the axis; ``published`` is the reference's mean, marked where it falls.
    """
    if not values:
        return '<p class="none">nothing to show</p>'
    low, high = min(values), max(values)
    # The axis reaches the mark.
    left, right = (low, high) if published is None else (min(low, int(published)), max(high, int(published)))
    step = _step(right - left + 1)
    first = left // step * step
    counts = [0] * ((right - first) // step + 1)
    for value in values:
        counts[(value - first) // step] += 1
    end = first + step * len(counts)
    shift = 0.5 if step == 1 else 0.0  # a bar of one value stands around it
    parts = [_bar(number, count, first, end, step, max(counts), unit) for number, count in enumerate(counts) if count]
    if published is not None:
        at = _x(published + shift, first, end)
        parts.append(_mark(at, "published", f"published mean {published:g}", _TOP - 14))
    mean = fmean(values)
    parts.append(_mark(_x(mean + shift, first, end), "mean", f"mean {mean:.1f}", _TOP - 3))
    parts.append(f'<line class="axis" x1="{_LEFT}" y1="{_BOTTOM}" x2="{_RIGHT}" y2="{_BOTTOM}"/>')
    for start in dict.fromkeys((first, first + len(counts) // 2 * step, end - step)):
        parts.append(_label(f"{start:,}", _x(start + step / 2, first, end)))
    label = escape(f"{unit}: {low:,} to {high:,}, mean {mean:.1f}")
    inside = "".join(parts)
    return f'<svg class="histogram" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{inside}</svg>'


def _step(span: int) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50, ... that gives few enough bars."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if math.ceil(span / (size * factor)) <= _MOST_BARS:
                return size * factor
        size *= 10


def _x(value: float, first: int, end: int) -> float:
    return _LEFT + (value - first) / (end - first) * (_RIGHT - _LEFT)


def _bar(number: int, count: int, first: int, end: int, step: int, most: int, unit: str) -> str:
    start = first + number * step
    left, right = _x(start, first, end), _x(start + step, first, end)
    height = max(1.0, count / most * (_BOTTOM - _TOP - 4))
    span = f"{start:,}" if step == 1 else f"{start:,} to {start + step - 1:,}"
    return (
        f'<rect class="bar" x="{left + 0.5:.1f}" y="{_BOTTOM - height:.1f}" width="{max(1.0, right - left - 1):.1f}" '
        f'height="{height:.1f}"><title>{escape(f"{span} {unit}: {count:,}")}</title></rect>'
    )


def _label(text: str, place: float) -> str:
    """A number under its bar, moved where it would leave the picture."""
    half = len(text) * 3.2
    place = min(max(place, _LEFT + half), _RIGHT - half)
    return f'<text x="{place:.1f}" y="{_BOTTOM + 15}" text-anchor="middle">{text}</text>'


def _mark(place: float, name: str, text: str, baseline: int) -> str:
    anchor, gap = ("end", -4) if place > WIDTH / 2 else ("start", 4)
    return (
        f'<line class="{name}" x1="{place:.1f}" y1="{baseline - 8}" x2="{place:.1f}" y2="{_BOTTOM}"/>'
        f'<text class="{name}" x="{place + gap:.1f}" y="{baseline}" text-anchor="{anchor}">{escape(text)}</text>'
    )
