"""Prompts: templates in ``prompts/``, one pair for each stage. What is put into them is text, never a template."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

HOME = Path(__file__).parent / "prompts"


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(HOME), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=False, autoescape=False,
    )  # fmt: skip


def render(name: str, **values: Any) -> str:
    """A prompt's text. ``name`` is that of its file without ``.md.j2``."""
    return _templates().get_template(f"{name}.md.j2").render(**values).strip()


def messages(stage: str, **values: Any) -> list[dict[str, str]]:
    """The messages of a stage's first request: its rules, the same for all scenarios, then what is at hand."""
    return [
        {"role": "system", "content": render(f"{stage}.system", **values)},
        {"role": "user", "content": render(f"{stage}.user", **values)},
    ]


def compile_all() -> None:
    """Compile all templates, for a process that forks those that use them."""
    for path in HOME.glob("*.j2"):
        _templates().get_template(path.name)


@cache
def prompts_digest(stage: str) -> str:
    """The hash of a stage's prompts, 16 hex digits."""
    digest = hashlib.sha256()
    for path in sorted(HOME.glob("*.j2")):
        if path.name.split(".")[0] in (stage, "shared", "correction"):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
