"""Environments that are up to date: what a build found so, and what has not changed since.

Snakemake asks of each of seven jobs per environment whether it is up to date, which takes longer than all else when
there is nothing to do. The answer depends on files, recipes, settings and rules; where all of these are what they were
at the end of a build that succeeded, it is what it was then. Such an environment is left out of the graph of jobs, and
its files stand there as sources do.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from awm_lib import jsonfile
from awm_lib.recipes import combined, stage_digest
from awm_lib.worker_pool import STAGES

if TYPE_CHECKING:
    from awm_lib.workflow import Workflow

RECORD = ".settled.json"
"""In results/: scenario -> the state in which it was found up to date."""
ANY_NAME = "[a-z][a-z0-9_]*"
NO_NAME = "(?!)"
MOST_NAMES = 300
"""Names in a pattern; matching more of them takes longer than a graph of all jobs."""

_PLAIN = re.compile(
    r"-[jc]\d*|--(jobs|cores)(=.*)?|-[nqkp]|--(dry-?run|quiet|keep-going|printshellcmds|config|rerun-incomplete|nolock)"
    r"|-C|--logger(-awm-[a-z]+)?(=.*)?|--"
)
"""Options that do not change which jobs there are, or when one is up to date."""


def is_plain(words: Sequence[str], environment: Iterable[str]) -> bool:
    """Whether a Snakemake command line has only options that leave the question of what is up to date as it is."""
    options = [word for word in words[1:] if word.startswith("-")]
    return "SNAKEMAKE_PROFILE" not in environment and all(_PLAIN.fullmatch(option) for option in options)


class Settled:
    """The environments of a build that are known to be up to date."""

    def __init__(self, build: Workflow, results: Path, words: Sequence[str]) -> None:
        """``words`` are the command line; environments that it names are left to Snakemake."""
        self._build, self._results = build, results
        self._usable = not build.by_model and is_plain(words, os.environ)
        self._asked = {name for word in words for name in re.findall(r"results/([a-z][a-z0-9_]*)/", word)}
        self.names: set[str] = set()
        if not self._usable:
            return
        # As they are now: what is edited during a build is not what it was made by.
        self._common = _common_state(build)
        self._pins = _pins(build.config.overrides)
        recorded = self._read()
        wanted = [name for name in build.names() if name in recorded and name not in self._asked]
        self.names = {name for name in wanted if self._state(name) == recorded[name]}

    @property
    def pattern(self) -> str:
        """The pattern of the names that rules apply to: all but those that are settled."""
        open_names = [name for name in self._build.names() if name not in self.names]
        names = sorted({*open_names, *self._asked})
        if not self.names or len(names) > MOST_NAMES:
            return ANY_NAME
        return "|".join(names) or NO_NAME

    def record(self, workflow: Any) -> None:
        """Remember the environments of a build that succeeded, or that had nothing to do."""
        if not self._usable:
            return
        known = self._read()
        found = dict(known)
        names = {job.wildcards.s for job in workflow.dag.jobs if job.rule.name == "certify_environment"}
        for name in names:
            state = self._state(name)
            if state is None:
                found.pop(name, None)
            else:
                found[name] = state
        if found == known:
            return
        with contextlib.suppress(OSError):  # then the next build looks at all of them again
            jsonfile.write_bytes(self._results / RECORD, json.dumps(found, sort_keys=True, indent=0).encode())

    def record_if_idle(self, workflow: Any) -> None:
        """Do so at the end of a run that had nothing to do; Snakemake calls none of its hooks then."""
        planned = getattr(workflow, "scheduler", None) is not None  # the last step after the graph of jobs
        if planned and not workflow.dryrun and not len(workflow.dag):
            self.record(workflow)

    def _read(self) -> dict[str, str]:
        try:
            found = json.loads((self._results / RECORD).read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _state(self, name: str) -> str | None:
        """A hash of all that decides whether an environment is up to date; None if it is not complete."""
        home = f"{self._results}/{name}"
        try:
            files = [_stamp(f"{home}/{file}") for file in self._build.built]
            certificate = _stamp(f"{home}/certificate.json")
        except FileNotFoundError:
            return None
        if any(changed > certificate[1] for _, changed in files):  # edited since
            return None
        build = self._build
        parts = [self._common, build.scenario_digest(name), build.synthesis_recipe(name)]
        return combined(*parts, repr((files, certificate, self._pins.get(name))))


def _common_state(build: Workflow) -> str:
    """What all environments depend on: settings, rules, code."""
    config = build.config.model_dump_json(exclude={"count", "max_failed", "evaluations"})
    rules = [path.read_text() for path in [Path("Snakefile"), *sorted(Path("rules").glob("*.smk"))]]
    return combined(config, *rules, *(stage_digest(stage) for stage in sorted(STAGES)))


def _pins(overrides: str | Path) -> dict[str, list[tuple[str, tuple[int, int]]]]:
    """Scenario -> its pinned files."""
    return {
        home.name: [(path.name, _stamp(str(path))) for path in sorted(home.iterdir())]
        for home in Path(overrides).glob("*/")
    }


def _stamp(path: str) -> tuple[int, int]:
    found = os.stat(path)  # noqa: PTH116 - a dozen for each of thousands of environments
    return found.st_size, found.st_mtime_ns
