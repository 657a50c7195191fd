"""Serving by name builds what is missing, in the project's directory and nowhere else."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import httpx
import pytest

from awm_lib.errors import AwmError, UnknownName
from awm_lib.serve.build import ready
from tests.servers import ROOT, run_script, serving

SNAKEFILE = """
rule environment:
    output:
        expand("results/{{s}}/{file}", file=FILES),
    shell:
        "[ {wildcards.s} != shop_13 ] && cp {config[source]}/* results/{wildcards.s}/"
"""
FILES = ["scenario.json", "tasks.json", "schema.sql", "spec.json", "seed.sqlite", "server.py"]


@pytest.fixture
def project(built_environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose workflow makes any environment by copying a built one; the current directory."""
    (tmp_path / "Snakefile").write_text(
        f"FILES = {FILES!r}\nconfig['source'] = {str(built_environment)!r}\n{SNAKEFILE}"
    )
    profile = tmp_path / "profiles" / "default"
    profile.mkdir(parents=True)
    (profile / "config.yaml").write_text("cores: 1\nquiet: all\n")
    (tmp_path / "results").mkdir()
    names = [built_environment.name, "shop_13", "bank_4"]
    catalogue = "".join(json.dumps({"name": name}) + "\n" for name in names)
    (tmp_path / "results" / "scenarios.jsonl").write_text(catalogue)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_missing_environment_is_built_and_served(project: Path, built_environment: Path) -> None:
    name = built_environment.name
    with serving(ROOT / "scripts" / "serve.py", name, "--port", "0") as server:
        assert httpx.get(f"{server.url}/health").json()["scenario"] == name
        _, _, said = server.stop()
    assert f"building results/{name}: it has no scenario.json yet" in said


def test_built_environment_is_not_built_again(project: Path, built_environment: Path) -> None:
    shutil.copytree(built_environment, project / "results" / built_environment.name)
    (project / "Snakefile").write_text("raise Exception('the workflow was run')\n")
    assert ready(built_environment.name, Path("results")) == Path("results") / built_environment.name


def test_edited_source_is_built_again(project: Path, built_environment: Path) -> None:
    home = project / "results" / built_environment.name
    shutil.copytree(built_environment, home)
    made = (home / "server.py").stat().st_mtime
    os.utime(home / "spec.json", (made + 10, made + 10))
    (project / "Snakefile").write_text("raise Exception('the workflow was run')\n")
    with pytest.raises(AwmError, match=r"building .* failed"):
        ready(built_environment.name, Path("results"))


def test_results_of_others_are_served_as_they_are(built_environment: Path, tmp_path: Path) -> None:
    home = tmp_path / built_environment.name
    shutil.copytree(built_environment, home)
    os.utime(home / "server.py", (0, 0))  # as an archive or a checkout may leave it
    assert ready(built_environment.name, tmp_path) == home
    (home / "spec.json").unlink()
    with pytest.raises(AwmError, match=r"has no spec\.json"):
        ready(built_environment.name, tmp_path)


def test_unknown_scenario_names_the_nearest(project: Path, built_environment: Path) -> None:
    with pytest.raises(UnknownName) as caught:
        ready("bnk_4", Path("results"))
    assert caught.value.hint == "did you mean 'bank_4'?"
    done = run_script("serve.py", "bnk_4")
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["error: there is no scenario 'bnk_4'", "  did you mean 'bank_4'?"]


def test_failed_build_is_one_message_after_the_workflow(project: Path) -> None:
    done = run_script("serve.py", "shop_13", "--port", "0")
    assert done.returncode == 2
    assert "error: building results/shop_13 failed" in done.stderr
    assert "Traceback" not in done.stderr


def test_broken_catalogue_is_named(project: Path) -> None:
    (project / "results" / "scenarios.jsonl").write_text("{}\n")
    with pytest.raises(AwmError, match=r"scenarios\.jsonl, line 1 is not a scenario"):
        ready("bank_4", Path("results"))
