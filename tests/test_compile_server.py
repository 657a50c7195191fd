"""server.py: every tool as a typed function with its SQL in plain sight, run only if it is what its sources say."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from awm_lib.compile.server import check_server, compile_server
from awm_lib.contracts.spec import Spec
from awm_lib.errors import SqlError, StaleView
from awm_lib.runtime.environment import Environment
from awm_lib.serverfile import ToolRefused
from tests.shop import SCHEMA, SPEC, shop

SHOP = shop()


def text_of(spec: dict[str, Any] | None = None) -> str:
    """The server.py of the shop."""
    return compile_server(SHOP.scenario, Spec.parse(spec or SPEC, "spec.json"), SCHEMA)


def functions_of(text: str) -> dict[str, ast.FunctionDef]:
    """The functions of a file."""
    return {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}


def imported(directory: Path) -> ModuleType:
    """A built server.py, imported."""
    location = importlib.util.spec_from_file_location(f"server_of_{directory.name}", directory / "server.py")
    assert location is not None
    assert location.loader is not None
    module = importlib.util.module_from_spec(location)
    location.loader.exec_module(module)
    return module


def test_the_same_text_every_time() -> None:
    assert text_of() == text_of()


@pytest.mark.parametrize("built", [False, True], ids=["shop", "e_commerce_33"])
def test_every_tool_is_a_typed_function_with_a_docstring(built: bool, built_environment: Path) -> None:
    environment = Environment.load(built_environment) if built else SHOP
    functions = functions_of((built_environment / "server.py").read_text() if built else text_of())
    assert list(functions) == list(environment.tools)
    for name, node in functions.items():
        tool = environment.tools[name]
        assert (ast.get_docstring(node) or "").startswith(tool.summary.rstrip(".").split("\n")[0][:40])
        assert [argument.arg for argument in node.args.kwonlyargs] == [p.name for p in tool.parameters]
        assert all(argument.annotation is not None for argument in node.args.kwonlyargs)
        assert node.returns is not None
        assert not node.args.args
        required = [a.arg for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if d is None]
        assert required == [p.name for p in tool.parameters if p.is_required]


@pytest.mark.parametrize("file", ["server.py", "verifier.py"])
def test_built_files_read_well(built_environment: Path, file: str) -> None:
    text = (built_environment / file).read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    long = [line for line in text.splitlines() if len(line) > 125 and not re.fullmatch(r'\s*"[^"]*",', line)]
    assert long == [], "only a text that stands alone on its line may be longer"
    assert [line for line in text.splitlines() if line != line.rstrip() or "\t" in line] == []
    assert str(built_environment.parent) not in text
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            inside, broken = False, False
            for character in node.value if "SELECT" in node.value else "":
                inside ^= character == "'"
                broken |= inside and character == "\n"
            assert not broken, f"a line breaks inside a text of: {node.value[:200]}"


def test_the_sql_of_every_step_is_in_plain_sight(built_environment: Path) -> None:
    environment = Environment.load(built_environment)
    flat = " ".join((built_environment / "server.py").read_text().split())
    for tool in environment.spec.tools[:15]:
        for step in tool.program:
            sql = getattr(step, "sql", None) or getattr(step, "check", None) or getattr(step, "run", "")
            first = " ".join(sql.split()[:3])
            assert first.replace('"', '\\"') in flat or first in flat, f"{tool.name}: {first}"


def test_a_statement_that_does_not_prepare_names_tool_and_step() -> None:
    spec = {
        "scenario": "shop_1",
        "tools": [{**SPEC["tools"][1], "program": [{"return": "one", "sql": "SELECT nme FROM users"}]}],
    }
    with pytest.raises(SqlError, match="tool get_product, step 1: no such column: nme; users has id, name, credit"):
        text_of(spec)


def test_texts_of_every_kind_stay_texts() -> None:
    nasty = 'A "quoted" \\ text\'s {braces} """ and é'
    tool = {
        "name": "probe",
        "summary": nasty,
        "description": nasty,
        "effect": "read",
        "parameters": [
            {"name": "kind", "type": "string", "description": nasty, "enum": ['a"b', "c'd", "e\\f"], "default": 'a"b'}
        ],
        "program": [
            {"check": "SELECT 'it''s \"x\" \\ '", "error": "conflict", "message": 'no {kind} "here" \\'},
            {"return": "one", "sql": "SELECT :kind AS kind"},
        ],
    }
    tree = ast.parse(text_of({"scenario": "shop_1", "tools": [tool]}))
    constants = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert {nasty, 'a"b', "e\\f", "SELECT 'it''s \"x\" \\ '"} <= constants


def test_its_functions_are_the_tools(built_environment: Path) -> None:
    module = imported(built_environment)
    environment = Environment.load(built_environment)
    episode = environment.start()
    for name, tool in environment.tools.items():
        if not any(parameter.is_required for parameter in tool.parameters):
            result = episode.call(name, {})
            if result.ok:
                assert getattr(module, name)() == result.data, name
            else:
                with pytest.raises(ToolRefused):
                    getattr(module, name)()
    assert module.server.episode.state().tables == episode.state().tables


def test_its_functions_refuse_as_the_tools_do(built_environment: Path) -> None:
    module = imported(built_environment)
    with pytest.raises(ToolRefused) as caught:
        module.search_products(limit=0)
    assert caught.value.kind == "invalid_arguments"
    with pytest.raises(TypeError, match="unexpected keyword argument 'nothing'"):
        module.search_products(nothing=1)


def test_an_altered_program_is_not_run_but_shown(environment_copy: Path) -> None:
    path = environment_copy / "server.py"
    text = path.read_text()
    at = text.index("SELECT ")
    path.write_text(text[:at] + "SELECT 'stolen', " + text[at + len("SELECT ") :])
    with pytest.raises(StaleView) as caught:
        check_server(environment_copy)
    shown = str(caught.value)
    assert "so it is not run" in shown
    assert any(line.lstrip().startswith("-") and "stolen" in line for line in shown.splitlines()), shown
    assert f"rm {path} && snakemake {path}" in shown


def test_serving_an_altered_file_is_refused_with_the_difference(environment_copy: Path) -> None:
    path = environment_copy / "server.py"
    path.write_text(path.read_text().replace('"""', '"""Altered. ', 1))
    done = subprocess.run(
        [sys.executable, str(path), "--port", "0"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=environment_copy.parent.parent,
    )
    assert done.returncode != 0
    assert "is not what its sources compile to, so it is not run" in done.stderr
    assert "Altered." in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unaltered_file_passes(built_environment: Path) -> None:
    check_server(built_environment)
