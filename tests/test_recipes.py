"""Recipes: what a stage's result depends on besides its inputs, and what it does not."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from awm_lib.recipes import PACKAGE, ROOTS, closure, combined, stage_digest
from awm_lib.workflow import Workflow

STAGES = sorted(ROOTS)


@pytest.mark.parametrize("stage", STAGES)
def test_a_digest_is_short_and_stable(stage: str) -> None:
    assert stage_digest(stage) == stage_digest(stage)
    assert len(stage_digest(stage)) == 16
    assert set(stage_digest(stage)) <= set("0123456789abcdef")


@pytest.mark.parametrize("stage", STAGES)
def test_every_module_of_a_stage_exists(stage: str) -> None:
    for name in ROOTS[stage]:
        path = PACKAGE.parent.joinpath(*name.split("."))
        assert path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def deferred(module: str) -> set[str]:
    """The modules of this project that functions of a module import when they are called."""
    path = PACKAGE.parent.joinpath(*module.split(".")).with_suffix(".py")
    if not path.is_file():
        return set()
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    imports = [node for function in functions for node in ast.walk(function) if isinstance(node, ast.ImportFrom)]
    return {str(node.module) for node in imports if str(node.module).startswith("awm_lib.")}


JUDGING = {"awm_lib.compile.verifier"}
"""What an environment imports to judge, which stages before the certificate do not."""


@pytest.mark.parametrize("stage", STAGES)
def test_imports_within_functions_are_in_the_recipe_too(stage: str) -> None:
    modules = closure(*ROOTS[stage])
    missed = {name for module in modules for name in deferred(module)} - modules
    assert (
        missed - (JUDGING if stage in ("synthesize", "oracle", "database", "server", "write_tools") else set()) == set()
    )


def test_stages_depend_on_their_own_code_only() -> None:
    modules = {stage: closure(*ROOTS[stage]) for stage in STAGES}
    assert "awm_lib.certify.mutants" in modules["certify"]
    assert "awm_lib.certify.mutants" not in modules["server"] | modules["database"] | modules["oracle"]
    assert "awm_lib.compile.server" not in modules["database"]
    assert "awm_lib.synthesis.offline.provider" not in modules["certify"] | modules["verifier"]
    for stage in STAGES:
        assert not [
            name for name in modules[stage] if name.startswith(("awm_lib.serve.", "awm_lib.worker", "awm_lib.commands"))
        ]


def test_imports_are_followed(tmp_path: Path) -> None:
    assert {"awm_lib.runtime.clock", "awm_lib.runtime.bounded", "awm_lib.errors"} <= closure("awm_lib.runtime.database")


def test_parts_do_not_run_together() -> None:
    assert combined("ab", "c") != combined("a", "bc")
    assert combined("a", "b") == combined("a", "b")


def test_a_scenario_depends_on_the_parts_of_its_pack_that_it_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    from awm_lib import workflow as module
    from awm_lib.synthesis.offline.load import load_pack

    build = Workflow({"packs": ["e_commerce"], "count": 12})
    before = {name: build.synthesis_recipe(name) for name in build.names()}
    pack = load_pack("e_commerce")
    used = {name: set(build.row(name).modules) for name in build.names()}
    chosen = next(m.name for m in pack.modules if 0 < sum(m.name in found for found in used.values()) < len(used))
    modules = [m.model_copy(update={"title": "Another title"}) if m.name == chosen else m for m in pack.modules]
    changed = pack.model_copy(update={"modules": modules})
    monkeypatch.setattr(module, "load_pack", lambda name: changed)
    module._module_digest.cache_clear()
    module._niche_digest.cache_clear()
    after = {name: Workflow({"packs": ["e_commerce"], "count": 12}).synthesis_recipe(name) for name in before}
    module._module_digest.cache_clear()
    module._niche_digest.cache_clear()
    assert {name for name in before if before[name] != after[name]} == {name for name in used if chosen in used[name]}
