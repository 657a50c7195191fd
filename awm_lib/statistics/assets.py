"""The parts of the page that are files of this package: a template, a style and a script."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources

NAMES = ("report.html.j2", "report.css", "report.js")


@cache
def asset(name: str) -> str:
    """The text of one part."""
    return resources.files(__package__).joinpath("page", name).read_text(encoding="utf-8")


def assets_digest() -> str:
    """The hash of all parts, 16 hex digits; a recipe of the page beside that of the code."""
    return hashlib.sha256("\0".join(map(asset, NAMES)).encode()).hexdigest()[:16]
