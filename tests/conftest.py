"""What tests build on: projects in temporary directories, built by real runs of the workflow."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
COPIED = (
    "Snakefile", "config.yaml", "rules", "profiles", "resources", "awm_lib", "snakemake_logger_plugin_awm", "scripts",
)  # fmt: skip
PACKS = 'packs=["e_commerce","banking"]'


@dataclass(frozen=True)
class Project:
    """A checkout of its own in a temporary directory."""

    home: Path

    @property
    def results(self) -> Path:
        """Where it builds."""
        return self.home / "results"

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a module of Python in the project, with the project's own code."""
        return subprocess.run(
            [sys.executable, "-m", *command],
            cwd=self.home,
            env={**os.environ, "NO_COLOR": "1", "AWM_WORKER_IDLE": "10", "PYTHONPATH": str(self.home), **environment},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def snakemake(self, *arguments: str, config: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the workflow over two packs, with a catalogue of three scenarios unless configured otherwise."""
        settings = [PACKS, *(["count=3"] if "count=" not in config else []), *config.split()]
        return self.run("snakemake", *arguments, "--config", *settings, **environment)

    def awm(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run an ``awm`` command."""
        return self.run("awm_lib", *arguments, **environment)

    def planned(self, *targets: str, config: str = "") -> set[tuple[str, str]]:
        """The jobs that a run would have: (rule, scenario)."""
        done = self.snakemake("-n", "--logger-awm-jobs", *(targets or ("results/all_envs.done",)), config=config)
        assert done.returncode == 0, done.stdout + done.stderr
        jobs = set()
        for line in done.stdout.splitlines():
            parts = line.split("\t")
            if len(parts) == 3:
                name = parts[1].removeprefix("s=")
                jobs.add((parts[0], "" if "/" in name else name))
        return jobs

    def write(self, name: str, text: str) -> None:
        """Replace a file's text."""
        path = self.home / name
        path.write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a part of a file's text, which must be there."""
        text = (self.home / name).read_text(encoding="utf-8")
        assert old in text, f"{name} has no {old!r}"
        self.write(name, text.replace(old, new, 1))


def make_project(home: Path) -> Project:
    """A fresh copy of everything that a build needs."""
    home.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, home / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, home / name)
    return Project(home)


@pytest.fixture(scope="session", autouse=True)
def cache_of_tests(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what is remembered between runs out of the user's cache directory."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project in which nothing is built."""
    return make_project(tmp_path / "project")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a built catalogue; tests must not change it."""
    project = make_project(tmp_path_factory.mktemp("finished") / "project")
    done = project.snakemake("results/all_envs.done")
    assert done.returncode == 0, done.stdout + done.stderr
    return project


@pytest.fixture
def built(finished: Project, tmp_path: Path) -> Project:
    """A copy of the project with a built catalogue, to change at will."""
    shutil.copytree(finished.home, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


@pytest.fixture(scope="session")
def built_environment(finished: Project) -> Path:
    """The directory of the built environment e_commerce_33; tests must not change it."""
    return finished.results / "e_commerce_33"


@pytest.fixture
def environment_copy(built_environment: Path, tmp_path: Path) -> Path:
    """A copy of the built environment e_commerce_33, to change at will."""
    return Path(shutil.copytree(built_environment, tmp_path / "results" / "e_commerce_33"))


@pytest.fixture
def unwritable(tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """Makes a directory one that nobody can write in, until the test ends."""
    changed: list[Path] = []

    def forbid(directory: Path) -> None:
        changed.append(directory)
        directory.chmod(0o555)
        subprocess.run(["chattr", "+i", str(directory)], check=False, capture_output=True)

    yield forbid
    for directory in changed:
        subprocess.run(["chattr", "-i", str(directory)], check=False, capture_output=True)
        directory.chmod(0o755)
