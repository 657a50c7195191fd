"""The documentation: generated pages are up to date and complete, and every link leads somewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from awm_lib.cli import COMMANDS
from awm_lib.contracts.config import Config
from awm_lib.contracts.llm import Embeddings, Llm
from awm_lib.docs import CONTRACTS, commands_page, config_page, field_docs, pages, rules_page, schema

ROOT = Path(__file__).resolve().parent.parent
WRITTEN = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("path", [str(path.relative_to(ROOT)) for path in pages(ROOT)])
def test_a_generated_page_is_what_the_code_says(path: str) -> None:
    expected = pages(ROOT)[ROOT / path].decode()
    assert (ROOT / path).read_text(encoding="utf-8") == expected, "run: awm docs"


def test_every_setting_is_explained_and_in_config_yaml() -> None:
    page, file = config_page(), (ROOT / "config.yaml").read_text()
    for place, model in (("", Config), ("llm.", Llm), ("llm.embeddings.", Embeddings)):
        for name in model.model_fields:
            indent = "  " * place.count(".")
            assert f"\n## {place}{name}\n" in page
            assert re.search(rf"^{indent}{name}:", file, re.M), f"config.yaml lacks {place}{name}"
            assert field_docs(model)[name]


def test_config_yaml_has_the_defaults() -> None:
    import yaml

    assert Config.parse(yaml.safe_load((ROOT / "config.yaml").read_text()), "config.yaml") == Config()


def test_every_command_is_explained() -> None:
    page = commands_page()
    for name in COMMANDS:
        assert f"\n### awm {name}\n" in page


def test_every_rule_is_explained() -> None:
    page = rules_page(ROOT / "rules")
    for path in (ROOT / "rules").glob("*.smk"):
        for name in re.findall(r"^(?:rule|checkpoint) (\w+):", path.read_text(), re.M):
            assert f"- **{name}**: " in page, f"{path.name}, rule {name}: it has no docstring"


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_schema_is_valid_and_explains_its_fields(name: str) -> None:
    found = schema(name)
    jsonschema.Draft202012Validator.check_schema(found)
    assert found["additionalProperties"] is False
    assert found["description"]


OF_RUNS = ("run", "trajectory", "summary", "judgement")


@pytest.mark.parametrize("name", [name for name in CONTRACTS if name not in ("config", "solving", *OF_RUNS)])
def test_built_files_keep_the_published_schemas(built_environment: Path, name: str) -> None:
    value = json.loads((built_environment / CONTRACTS[name][0]).read_text())
    validator = jsonschema.Draft202012Validator(schema(name))
    assert [error.message for error in validator.iter_errors(value)] == []
    assert list(validator.iter_errors({**value, "surprise": 1}))


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in target and not target.startswith(("#", "mailto:")):
            assert (path.parent / target.split("#")[0]).exists(), target


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name)
def test_commands_in_the_documentation_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r"(?:^|`|\$ )awm ([a-z]+)", text, re.M):
        assert name in COMMANDS, f"{path.name} names `awm {name}`"
    for script in re.findall(r"\b(scripts/\w+\.py)", text):
        assert (ROOT / script).is_file(), f"{path.name} names {script}"
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:^|`|\$ )make ([a-z-]+)", text, re.M):
        assert re.search(rf"^{target}:", makefile, re.M), f"{path.name} names `make {target}`"


def test_the_page_of_evaluation_has_every_setting_and_table() -> None:
    from awm_lib.evaluation.reference import reference

    page = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
    assert page.endswith(reference()), "put the text of awm_lib.evaluation.reference at the end of docs/evaluation.md"
