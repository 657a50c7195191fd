"""The benchmarks run, at sizes too small to mean anything: each measurement gives figures, and the page has them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from awm_lib.contracts.spec import Tool
from benchmarks.certificates import measure_certificates
from benchmarks.environments import is_business
from benchmarks.figure import Figure, count, percent
from benchmarks.identity import digests
from benchmarks.report import GROUPS, merge, page
from benchmarks.suite import MEASUREMENTS
from benchmarks.timing import rates
from tests.conftest import ROOT, Project

BUILDS = {"build", "nothing", "one", "start", "profile", "identity"}
"""Measurements that build; the others read an existing build."""


def bench(*words: str | Path, out: Path) -> subprocess.CompletedProcess[str]:
    """Run the script, its results in a directory of the test's."""
    files = ["--json", str(out / "bench.json"), "--page", str(out / "bench.md")]
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "bench.py"), "--quick", *map(str, words), *files],
        cwd=out,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def recorded(done: subprocess.CompletedProcess[str], out: Path) -> dict[str, Figure]:
    """The figures that a run wrote; all of them measured, whether they met what is required or not."""
    assert "not measured" not in done.stdout, done.stdout
    assert (out / "bench.json").is_file(), done.stderr
    return {item["name"]: Figure(**item) for item in json.loads((out / "bench.json").read_text())["figures"]}


@pytest.mark.slow
def test_what_an_existing_build_shows(finished: Project, tmp_path: Path) -> None:
    before = digests(finished.results)
    done = bench(
        *("--results", finished.results, "--count", 3, "--only", *(MEASUREMENTS.keys() - BUILDS)), out=tmp_path
    )
    figures = recorded(done, tmp_path)
    assert {"certified", "mutants", "business", "calls", "reset", "open", "read", "mcp", "ready", "listing"} <= set(
        figures
    )
    assert figures["certified"].measured == "4 of 4"
    assert figures["reset"].values["per_second"] > 0
    assert figures["mcp"].values["per_second"] > 0
    text = (tmp_path / "bench.md").read_text()
    assert all(figure.title in text for figure in figures.values())
    assert str(ROOT) not in text + (tmp_path / "bench.json").read_text()
    assert digests(finished.results) == before, "reading a build leaves it alone"


@pytest.mark.slow
def test_what_builds(tmp_path: Path) -> None:
    done = bench("--count", 1, "--packs", "e_commerce", "banking", "--only", *BUILDS, out=tmp_path)
    figures = recorded(done, tmp_path)
    assert {"build", "build_memory", "nothing", "one", "start", "identity", "cpu", "cpu_work_certify"} <= set(figures)
    assert figures["identity"].met
    parts = figures["cpu"].values
    assert 0.3 < parts["parts_seconds"] / parts["cpu_seconds"] < 3, "the parts are about the whole"


def test_some_figures_again_keep_the_others(finished: Project, tmp_path: Path) -> None:
    old = Figure(name="build", group="build", title="kept from before", measured="1 s", how="")
    (tmp_path / "bench.json").write_text(json.dumps({"figures": [old.plain()]}))
    done = bench("--results", finished.results, "--only", "reset", out=tmp_path)
    assert set(recorded(done, tmp_path)) == {"build", "reset"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--only", "rest"], "did you mean 'reset'?"),
        (["--results", "nowhere"], "there is no directory nowhere"),
        (["--count", "0"], "'0' is not a number of environments"),
    ],
)
def test_mistakes(words: list[str], message: str, tmp_path: Path) -> None:
    done = bench(*words, out=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_measurement_that_fails_is_named_and_stops_no_other(finished: Project, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = bench("--results", "empty", "--only", "certificates", "reset", out=tmp_path)
    assert done.returncode == 1
    assert "certificates: not measured" in done.stdout
    assert "reset: not measured" in done.stdout
    assert not (tmp_path / "bench.md").exists(), "there is nothing to write"


def test_a_survivor_and_a_missing_environment_are_missed(finished: Project, tmp_path: Path) -> None:
    from benchmarks.bench import Bench

    home = tmp_path / "results" / "e_commerce_33"
    home.mkdir(parents=True)
    value = json.loads((finished.results / "e_commerce_33" / "certificate.json").read_text())
    value["counts"]["mutants_killed"] = value["counts"]["mutants"] // 2
    (home / "certificate.json").write_text(json.dumps(value))
    found = {figure.name: figure for figure in measure_certificates(Bench(tmp_path, count=2, results=home.parent))}
    assert found["certified"].met is False
    assert found["certified"].measured == "1 of 2"
    assert found["mutants"].met is False
    assert found["mutants_each"].met is False
    assert found["variants"].met is True


def test_a_single_query_is_no_business_tool() -> None:
    query = {"return": "one", "sql": "SELECT 1 AS one"}
    check = {"check": "SELECT 1", "error": "conflict", "message": "no"}
    tool = {"name": "look", "summary": "Look", "effect": "read", "program": [query]}
    assert not is_business(Tool.model_validate(tool))
    assert is_business(Tool.model_validate({**tool, "program": [check, query]}))


def test_the_page_says_what_is_missed() -> None:
    figures = [
        Figure(name="a", group="runtime", title="Good", measured="2", how="", required="1", met=True),
        Figure(name="b", group="serving", title="Bad | worse", measured="0", how="", required="1", met=False),
    ]
    text = page(merge({}, figures, {"Cores": "2"}, ["mcp"]))
    assert "1 of 2 requirements are met. Missed: Bad | worse." in text
    assert "Not measured, because something failed: mcp." in text
    assert r"| Bad \| worse | 1 | 0 | **no** |" in text
    assert GROUPS["runtime"][0] in text
    assert GROUPS["proof"][0] not in text


def test_numbers_for_people() -> None:
    assert [count(value) for value in (31_417.3, 204.4, 12.34, 0.4159, 7.0)] == ["31,400", "204", "12.3", "0.42", "7"]
    assert [percent(share) for share in (1.0, 0.99999, 0.97, 0.1234)] == ["100 %", "99.9 %", "97 %", "12.3 %"]


def test_rates_count_what_is_done() -> None:
    done = []
    assert rates({"append": lambda times: done.extend(range(times))}, seconds=0.01, rounds=2)["append"] > 1_000
    assert done
