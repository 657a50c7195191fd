"""Environments that a build leaves out of its graph because nothing about them has changed: never one that has."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from awm_lib.settled import ANY_NAME, NO_NAME, RECORD, Settled, is_plain
from tests.conftest import Project

EVERY_TRIGGER = ("--rerun-triggers", "code", "input", "mtime", "params", "software-env")
"""What Snakemake looks at by default; said explicitly, it makes a command that leaves nothing out."""


def plans(project: Project, *targets: str) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """The jobs of a run, and of one that looks at all environments."""
    wanted = targets or ("results/all_envs.done",)
    return project.planned(*wanted), project.planned(*wanted, *EVERY_TRIGGER)


def test_a_build_records_what_it_brought_up_to_date(finished: Project) -> None:
    recorded = json.loads((finished.results / RECORD).read_text())
    assert sorted(recorded) == sorted(path.parent.name for path in finished.results.glob("*/certificate.json"))
    assert plans(finished) == (set(), set())


def environments(project: Project) -> list[Path]:
    return sorted(path.parent for path in project.results.glob("*/certificate.json"))


def test_files_that_are_edited_are_noticed(built: Project) -> None:
    for home, file in zip(environments(built), ("server.py", "seed.sqlite", "plan.json", "spec.json"), strict=True):
        with (home / file).open("ab") as changed:
            changed.write(b"\n")
    pruned, whole = plans(built)
    assert pruned == whole


def test_files_that_are_gone_are_noticed(built: Project) -> None:
    names = {home.name for home in environments(built)}
    for home, file in zip(
        environments(built), ("tasks.json", "certificate.json", "seed.json", "oracle.json"), strict=True
    ):
        (home / file).unlink()
    pruned, whole = plans(built)
    assert pruned == whole
    assert {name for _, name in pruned} == {"", *names}


def test_a_pinned_file_is_noticed(built: Project) -> None:
    directory = built.home / "overrides" / "e_commerce_33"
    directory.mkdir(parents=True)
    (directory / "seed.json").write_bytes((built.results / "e_commerce_33" / "seed.json").read_bytes())
    pruned, whole = plans(built)
    assert pruned == whole
    assert ("synthesize_offline", "e_commerce_33") in pruned


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("awm_lib/certify/tasks.py", "CLAIMS = (", "CLAIMS: tuple[str | None, ...] = ("),
        ("rules/database.smk", "{AWM} database", "true && {AWM} database"),
    ],
)
def test_code_and_rules_are_noticed(built: Project, file: str, old: str, new: str) -> None:
    built.edit(file, old, new)
    pruned, whole = plans(built)
    assert pruned == whole
    assert len({name for _, name in pruned if name}) > 1


def test_one_environment_that_changed_is_all_that_is_looked_at(built: Project) -> None:
    (built.results / "e_commerce_33" / "seed.json").unlink()
    done = built.snakemake("results/all_envs.done")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 jobs" in done.stdout + done.stderr or "7 jobs" in done.stdout + done.stderr
    assert plans(built) == (set(), set())


def test_what_is_asked_for_by_name_is_looked_at(built: Project) -> None:
    assert built.planned("results/e_commerce_33/server.py") == set()
    done = built.snakemake("-n", "results/e_commerce_77777/server.py")
    assert "there is no scenario 'e_commerce_77777'" in done.stdout + done.stderr


def test_a_build_that_failed_records_nothing_new(built: Project) -> None:
    before = (built.results / RECORD).read_text()
    (built.results / "e_commerce_33" / "seed.json").write_text("{}")
    assert built.snakemake("results/all_envs.done").returncode == 1
    assert (built.results / RECORD).read_text() == before


@pytest.mark.parametrize(
    "line",
    [
        "snakemake", "snakemake -j 32 results/all_envs.done", "snakemake -j8 --config count=5 -- x",
        "snakemake -n -p -k",
        "snakemake --cores=4 --logger awm", "snakemake -c 1 --dry-run --quiet",
    ],
)  # fmt: skip
def test_plain_command_lines(line: str) -> None:
    assert is_plain(line.split(), {})
    assert not is_plain(line.split(), {"SNAKEMAKE_PROFILE": "x"})


@pytest.mark.parametrize(
    "option",
    [
        "-F", "-f", "--forceall", "-R", "--forcerun", "--until", "-U", "--report", "--touch", "-t", "--summary", "-S",
        "--dag", "--rerun-triggers", "--profile", "--executor", "-e", "--mode", "--batch", "--delete-all-output", "-nF",
        "--lint", "--unlock", "--consider-ancient", "--target-jobs", "-s", "-d",
    ],
)  # fmt: skip
def test_other_options_leave_nothing_out(option: str) -> None:
    assert not is_plain(["snakemake", option, "x"], {})


class Build:
    """As much of a configured workflow as matters."""

    by_model = False
    built = ("seed.json",)

    def __init__(self, overrides: Path, count: int) -> None:
        self.config = SimpleNamespace(overrides=overrides, model_dump_json=lambda **_: "{}")
        self._names = [f"shop_{number}" for number in range(count)]

    def names(self) -> list[str]:
        return self._names

    def scenario_digest(self, name: str) -> str:
        return name

    synthesis_recipe = scenario_digest


@pytest.fixture
def hundreds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Build, Path]:
    """400 environments that a run recorded."""
    monkeypatch.chdir(Path(__file__).parent.parent)
    build, results = Build(tmp_path / "overrides", 400), tmp_path / "results"
    for name in build.names():
        (results / name).mkdir(parents=True)
        (results / name / "seed.json").write_text(name)
        (results / name / "certificate.json").write_text(name)
    rule = SimpleNamespace(name="certify_environment")
    jobs = [SimpleNamespace(rule=rule, wildcards=SimpleNamespace(s=name)) for name in build.names()]
    Settled(build, results, ["snakemake"]).record(SimpleNamespace(dag=SimpleNamespace(jobs=jobs)))  # type: ignore[arg-type]
    return build, results


def test_the_pattern_leaves_out_what_is_settled(hundreds: tuple[Build, Path]) -> None:
    build, results = hundreds

    def pattern(*words: str) -> str:
        return Settled(build, results, ["snakemake", *words]).pattern  # type: ignore[arg-type]

    assert pattern() == NO_NAME
    assert pattern("results/shop_7/server.py") == "shop_7"
    assert pattern("-F") == ANY_NAME
    (results / "shop_3" / "seed.json").unlink()
    certificate = results / "shop_5" / "certificate.json"
    os.utime(certificate, ns=(1, certificate.stat().st_mtime_ns - 10**9))  # as if seed.json had been edited since
    assert pattern() == "shop_3|shop_5"
    for name in build.names()[:350]:
        (results / name / "seed.json").write_text("changed")
    assert pattern() == ANY_NAME


def test_what_is_edited_during_a_build_is_not_recorded_as_built(hundreds: tuple[Build, Path], tmp_path: Path) -> None:
    """The build went by the rules and pinned files that there were when it began."""
    build, results = hundreds
    (results / RECORD).unlink()
    running = Settled(build, results, ["snakemake"])  # type: ignore[arg-type]
    (build.config.overrides / "shop_9").mkdir(parents=True)
    (build.config.overrides / "shop_9" / "seed.json").write_text("pinned meanwhile")
    rule = SimpleNamespace(name="certify_environment")
    jobs = [SimpleNamespace(rule=rule, wildcards=SimpleNamespace(s=name)) for name in build.names()]
    running.record(SimpleNamespace(dag=SimpleNamespace(jobs=jobs)))
    assert Settled(build, results, ["snakemake"]).pattern == "shop_9"  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"shop_1": 7}'])
def test_a_record_that_is_damaged_is_none(hundreds: tuple[Build, Path], text: str) -> None:
    build, results = hundreds
    (results / RECORD).write_text(text)
    assert Settled(build, results, ["snakemake"]).pattern == ANY_NAME  # type: ignore[arg-type]
