"""The same inputs give the same bytes: however many jobs run, whatever machine it is, and whatever is killed midway."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from awm_lib.synthesis.offline.catalogue import scenario_rows
from awm_lib.synthesis.offline.load import load_pack
from awm_lib.synthesis.offline.provider import Synthesized, synthesize
from tests.conftest import PACKS, Project

NAMES = ("e_commerce_1", "e_commerce_33")
"""What a catalogue of one scenario has; the finished project has them too."""
FILES = {
    "scenario.json", "plan.json", "tasks.json", "schema.sql", "seed.json", "seed.sqlite", "spec.json", "server.py",
    "oracle.json", "verifier.py", "certificate.json",
}  # fmt: skip


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """The same code as the finished project's, elsewhere, with nothing built."""
    nothing = shutil.ignore_patterns("results", "logs", ".snakemake", "__pycache__")
    return Project(shutil.copytree(finished.home, tmp_path / "a project", ignore=nothing))


def content(results: Path, name: str) -> dict[str, bytes]:
    """Every file of an environment; what a killed job left under a temporary name is no file of it."""
    return {path.name: path.read_bytes() for path in (results / name).iterdir() if not path.name.startswith(".")}


def same_bytes(one: Path, two: Path) -> None:
    """Both have the same environments, file by file."""
    for name in NAMES:
        first, second = content(one, name), content(two, name)
        assert set(first) == set(second) == FILES
        assert [file for file in sorted(FILES) if first[file] != second[file]] == []


def test_one_job_without_the_worker_on_another_machine(finished: Project, project: Project) -> None:
    elsewhere = {"PYTHONHASHSEED": "77", "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "AWM_WORKER": "0"}
    targets = [f"results/{name}/certificate.json" for name in NAMES]
    done = project.snakemake("-j", "1", *targets, config="count=1", **elsewhere)
    assert done.returncode == 0, done.stdout + done.stderr
    same_bytes(finished.results, project.results)


def test_many_jobs_killed_midway_and_the_same_command_again(finished: Project, project: Project) -> None:
    command = [sys.executable, "-m", "snakemake", "-j", "32", "results/all_envs.done", "--config", PACKS, "count=1"]
    environment = {**os.environ, "NO_COLOR": "1", "AWM_WORKER_IDLE": "10", "PYTHONPATH": str(project.home)}
    for stop_at in ("plan.json", "verifier.py"):
        with subprocess.Popen(
            command, cwd=project.home, env=environment, start_new_session=True, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as running:  # fmt: skip
            deadline = time.monotonic() + 60
            while not list(project.results.glob(f"*/{stop_at}")) and time.monotonic() < deadline:
                assert running.poll() is None, "the run ended before it could be killed"
                time.sleep(0.002)
            os.killpg(running.pid, signal.SIGKILL)
        assert not (project.results / "all_envs.done").exists()
    done = project.snakemake("-j", "32", "results/all_envs.done", config="count=1")
    assert done.returncode == 0, done.stdout + done.stderr
    same_bytes(finished.results, project.results)
    again = project.snakemake("-n", "results/all_envs.done", config="count=1")
    assert "Nothing to be done" in again.stdout


# --- within one process -----------------------------------------------------------------------------------------------


def encoded(made: Synthesized) -> list[bytes]:
    """The bytes of what a provider made."""
    return [made.plan.encode(), made.tasks.encode(), made.schema.encode(), made.seed.encode(), made.spec.encode()]


def test_a_scenario_does_not_depend_on_what_was_made_before_it() -> None:
    pack = load_pack("banking")
    rows = scenario_rows([pack], 2, 1)
    alone = encoded(synthesize(pack, rows[1]))
    synthesize(pack, rows[0])
    assert encoded(synthesize(pack, rows[1])) == alone


def test_a_built_environment_is_what_its_pack_gives_in_this_process_too(finished: Project) -> None:
    from awm_lib.contracts.scenario import Scenario

    scenario = Scenario.read(finished.results / "e_commerce_1" / "scenario.json")
    files = ("plan.json", "tasks.json", "schema.sql", "seed.json", "spec.json")
    built = [(finished.results / "e_commerce_1" / name).read_bytes() for name in files]
    assert encoded(synthesize(load_pack("e_commerce"), scenario)) == built


@pytest.mark.parametrize("name", NAMES)
def test_compiled_files_are_what_their_sources_give_in_this_process_too(finished: Project, name: str) -> None:
    from awm_lib.certify.certificate import certify
    from awm_lib.compile.database import build_database
    from awm_lib.compile.server import compile_server
    from awm_lib.compile.verifier import compile_verifier
    from awm_lib.contracts.certificate import Certificate
    from awm_lib.contracts.seed import Seed
    from awm_lib.runtime.environment import Environment

    home = finished.results / name
    environment = Environment.load(home)
    schema = (home / "schema.sql").read_text()
    assert build_database(schema, Seed.read(home / "seed.json")) == (home / "seed.sqlite").read_bytes()
    assert compile_server(environment.scenario, environment.spec, schema) == (home / "server.py").read_text()
    assert compile_verifier(environment) == (home / "verifier.py").read_text()
    built = Certificate.read(home / "certificate.json")
    assert certify(home, built.recipe).encode() == (home / "certificate.json").read_bytes()


def test_another_seed_gives_another_world() -> None:
    pack = load_pack("banking")
    one, two = (synthesize(pack, scenario_rows([pack], 1, seed)[0]) for seed in (1, 2))
    assert one.seed != two.seed
    assert one.tasks != two.tasks
