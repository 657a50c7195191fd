"""What all measurements share: how thorough they are, and built environments to measure on, made when first needed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from awm_lib.errors import UnknownName
from awm_lib.runtime import Environment
from benchmarks.processes import Run
from benchmarks.project import GATE, ROOT, Project, copy_parts

EXAMPLE = "e_commerce_33"


@dataclass(eq=False)
class Bench:
    """A run of the benchmarks."""

    home: Path
    """A temporary directory."""
    count: int = 100
    """How many environments are built."""
    packs: tuple[str, ...] = ()
    """Packs that the catalogue draws on; empty for all."""
    quick: bool = False
    """Short runs that show that everything works, and whose figures mean little."""
    results: Path | None = None
    """A build to read, instead of making one."""
    _copies: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def seconds(self) -> float:
        """How long one round of a repeated action takes."""
        return 0.05 if self.quick else 0.5

    @property
    def rounds(self) -> int:
        """How many rounds of a repeated action."""
        return 2 if self.quick else 7

    @property
    def repeats(self) -> int:
        """How often something is repeated that takes a second or more."""
        return 1 if self.quick else 3

    @cached_property
    def source(self) -> Path:
        """The project as it was when the run began, so that an edit meanwhile does not change what is measured."""
        copy_parts(ROOT, self.home / "source")
        return self.home / "source"

    def project(self, count: int | None = None) -> Project:
        """A fresh copy of the project."""
        return Project.make(self.source, self.home / f"p{next(self._copies)}", count or self.count, self.packs)

    @cached_property
    def attempt(self) -> tuple[Project, Run]:
        """The whole catalogue, built once from nothing in a fresh copy, and what came of it."""
        project = self.project()
        return project, project.build(GATE, check=False)

    @property
    def built(self) -> tuple[Project, Run]:
        """The same. Raises AwmError if it failed."""
        project, done = self.attempt
        return project, done.checked()

    @cached_property
    def catalogue(self) -> Path:
        """The results of a whole build; what there is of them, if it failed."""
        if self.results is not None:
            return self.results
        project, _ = self.attempt
        return project.results

    @cached_property
    def served(self) -> Project:
        """A copy of the project in which the example is built."""
        if "attempt" in self.__dict__ and self.attempt[1].code == 0:
            return self.attempt[0]
        project = self.project()
        project.build(f"results/{self.example_of(project)}/certificate.json")
        return project

    @cached_property
    def directory(self) -> Path:
        """The built example, e_commerce_33 where the catalogue has it."""
        if self.results is not None:
            names = sorted(path.parent.name for path in self.results.glob("*/certificate.json"))
            if not names:
                raise UnknownName("built environment", EXAMPLE, names)
            return self.results / (EXAMPLE if EXAMPLE in names else names[0])
        return self.served.results / self.example_of(self.served)

    @cached_property
    def example(self) -> Environment:
        """The example, loaded."""
        return Environment.load(self.directory)

    @staticmethod
    def example_of(project: Project) -> str:
        """The environment of a catalogue that single measurements use."""
        return EXAMPLE if EXAMPLE in project.names else project.names[0]
