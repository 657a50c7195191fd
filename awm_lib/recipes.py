"""Recipes: hashes of what a stage's result depends on besides its inputs.

A stage depends on the modules that it imports, followed from its root modules through the imports at the top of each
file. So
an edit of the certificate's code rebuilds certificates and nothing else, and a commit of documentation rebuilds
nothing.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent
_IMPORT = re.compile(r"^(?:from\s+(awm_lib[\w.]*)\s+import\s+(\([^)]*\)|[^\n]*)|import\s+(awm_lib[\w.]*))", re.M)

ROOTS: dict[str, tuple[str, ...]] = {
    "synthesize": ("awm_lib.synthesis.offline.provider",),
    "database": ("awm_lib.compile.database",),
    "server": ("awm_lib.compile.server",),
    "oracle": ("awm_lib.oracles.resolve",),
    "verifier": ("awm_lib.compile.verifier", "awm_lib.runtime.environment"),
    "certify": ("awm_lib.certify.certificate", "awm_lib.compile.verifier"),
    "gate": ("awm_lib.gate",),
    "statistics": ("awm_lib.statistics.database",),
    "report": ("awm_lib.statistics.report",),
    "write_solve": ("awm_lib.synthesis.llm.solve", "awm_lib.compile.verifier", "awm_lib.llm.live"),
    "write_tasks": ("awm_lib.synthesis.llm.tasks",),
    "write_schema": ("awm_lib.synthesis.llm.schema",),
    "write_rows": ("awm_lib.synthesis.llm.rows",),
    "write_tools": ("awm_lib.synthesis.llm.tools",),
    "write_solutions": ("awm_lib.synthesis.llm.solutions", "awm_lib.compile.verifier"),
    "evaluate": (
        "awm_lib.evaluation.run", "awm_lib.evaluation.calibration", "awm_lib.evaluation.rescoring",
        "awm_lib.evaluation.modelrun", "awm_lib.evaluation.database", "awm_lib.compile.verifier", "awm_lib.llm.live",
    ),
}  # fmt: skip
"""Stage -> the modules that do its work."""


def warm() -> None:
    """Compute the digests of all stages, so that processes forked from this one have them."""
    for stage in ROOTS:
        stage_digest(stage)


@cache
def stage_digest(stage: str) -> str:
    """The hash of a stage's code, 16 hex digits."""
    digest = hashlib.sha256()
    for name in sorted(closure(*ROOTS[stage])):
        path = _file(name)
        if path is not None:
            digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def combined(*parts: str) -> str:
    """One hash of several, 16 hex digits."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def closure(*roots: str) -> set[str]:
    """The modules of this project that some modules import, directly or not; themselves included."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _imports(name) - found
    return found


@cache
def _imports(name: str) -> set[str]:
    path = _file(name)
    if path is None:
        return set()
    found = set()
    for package, names, module in _IMPORT.findall(path.read_text(encoding="utf-8")):
        if module:
            found.add(module)
            continue
        found.add(package)
        for item in re.findall(r"\w+", names.split("#")[0]):
            if _file(f"{package}.{item}") is not None:
                found.add(f"{package}.{item}")
    return found


@cache
def _file(name: str) -> Path | None:
    path = PACKAGE.parent.joinpath(*name.split("."))
    if path.with_suffix(".py").is_file():
        return path.with_suffix(".py")
    return path / "__init__.py" if (path / "__init__.py").is_file() else None
