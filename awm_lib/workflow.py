"""What the Snakefile asks: scenarios, recipes, pinned files, failures, and edits about to be lost."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from awm_lib import failures
from awm_lib.contracts.config import Config, read_config
from awm_lib.contracts.run import RunSettings
from awm_lib.contracts.scenario import Scenario
from awm_lib.errors import AwmError, UnknownName
from awm_lib.evaluation.order import catalogue_order
from awm_lib.llm import settings
from awm_lib.llm.endpoint import chosen_provider, environment, model_name
from awm_lib.outputs import FILES, digest, is_edited
from awm_lib.recipes import combined, stage_digest
from awm_lib.synthesis.llm.accepted import accepted_rows
from awm_lib.synthesis.llm.trial import trial_digest
from awm_lib.synthesis.offline.catalogue import catalogue
from awm_lib.synthesis.offline.load import load_pack

RESULTS = Path("results")


class Workflow:
    """A build as configured. Everything is computed from the configuration when the workflow is read."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        """Raises ContractError for a setting that is wrong."""
        self.config: Config = read_config(values)
        self.provider = chosen_provider(self.config.provider, environment())
        """Who writes the environments: ``offline``, ``openai`` or ``azure``."""
        settings.export(self.provider, self.config.llm)

    @property
    def by_model(self) -> bool:
        """Whether a language model writes the environments."""
        return self.provider != "offline"

    @cached_property
    def _rows(self) -> dict[str, Scenario]:
        config = self.config
        if self.by_model:
            rows = accepted_rows(config)
        else:
            rows = catalogue(config.packs, config.count, config.seed, config.tasks)
        return {row.name: row for row in rows}

    @property
    def lacks_scenarios(self) -> bool:
        """Whether scenarios have still to be found, by a language model."""
        return self.by_model and len(self._rows) < self.config.count

    def look_again(self) -> None:
        """Forget the rows: scenarios were found meanwhile."""
        self.__dict__.pop("_rows", None)
        self.__dict__.pop("left_out", None)

    @property
    def built(self) -> tuple[str, ...]:
        """What a whole environment has beside its certificate."""
        return (*FILES, "draft.json" if self.by_model else "plan.json")

    @cached_property
    def left_out(self) -> list[str]:
        """Scenarios that failed with the recipe that they still have, as far as max_failed allows leaving them out."""
        found = [
            failure.scenario
            for failure in failures.read_failures(RESULTS)
            if failure.scenario in self._rows and failure.recipe == self._failed_with(failure)
        ]
        return found if len(found) <= self.config.max_failed else []

    def _failed_with(self, failure: failures.Failure) -> str:
        """What a stage that failed would be tried with now."""
        if not self.by_model:
            return self.synthesis_recipe(failure.scenario)
        model = model_name(self.config.llm, environment())
        return trial_digest(self.stage_recipe(failure.stage), model, self.config.llm)

    def names(self) -> list[str]:
        """The scenarios to build."""
        return [name for name in self._rows if name not in self.left_out]

    def row(self, name: str) -> Scenario:
        """A scenario of the catalogue. Raises UnknownName with the nearest."""
        if name not in self._rows:
            if self.lacks_scenarios:
                raise AwmError(
                    f"there is no scenario {name!r} among the {len(self._rows)} that are accepted so far",
                    hint="find the rest first: snakemake results/scenarios.jsonl",
                )
            raise UnknownName("scenario", name, self._rows)
        return self._rows[name]

    def scenario_text(self, name: str) -> str:
        """The content of a scenario's scenario.json."""
        return self.row(name).encode().decode()

    def scenario_digest(self, name: str) -> str:
        """The digest of that content."""
        return digest(self.row(name).encode())

    @property
    def is_complete(self) -> bool:
        """Whether the gate has let the catalogue pass; then few stages will run, if any."""
        return (RESULTS / "all_envs.done").exists()

    def void_incomplete(self, complete: Collection[str] = ()) -> None:
        """Remove certificates of environments that lack a file, and the gate's word if any environment is incomplete.

        Those that are known to be ``complete`` are not looked at.

        Snakemake does not make a missing file again while everything that was made from it is there. But a certificate
        that vouches for a file that is gone is void, and so is the gate's word that all is certified.
        """
        gate = RESULTS / "all_envs.done"
        for name in self.names():
            if name in complete:
                continue
            home = RESULTS / name
            certificate = home / "certificate.json"
            if not certificate.exists():
                gate.unlink(missing_ok=True)
            elif not all((home / file).exists() for file in self.built):
                certificate.unlink(missing_ok=True)
                gate.unlink(missing_ok=True)

    def catalogue_arguments(self) -> str:
        """The arguments with which ``awm scenarios`` writes this catalogue."""
        config = self.config
        if self.by_model:
            return f"--provider {self.provider} --count {config.count} --tasks {config.tasks} --seed {config.seed}"
        packs = f" --packs {' '.join(config.packs)}" if config.packs else ""
        return f"--count {config.count} --seed {config.seed} --tasks {config.tasks}{packs}"

    def catalogue_digest(self) -> str:
        """The hash of all rows."""
        return combined(*(row.encode().decode() for row in self._rows.values()))

    def synthesis_recipe(self, name: str) -> str:
        """What a scenario's provider files depend on besides scenario.json: code, and the parts of the pack that it
        uses.
        """
        row = self.row(name)
        parts = [_niche_digest(str(row.pack), str(row.niche))]
        parts += [_module_digest(str(row.pack), module) for module in row.modules]
        return combined(stage_digest("synthesize"), *parts)

    def stage_recipe(self, stage: str) -> str:
        """What a stage that a language model writes depends on besides its inputs: code and prompts, not the model."""
        from awm_lib.synthesis.llm.prompts import prompts_digest

        return combined(stage_digest(f"write_{stage}"), prompts_digest(stage))

    def evaluation(self, run: str) -> RunSettings:
        """The settings of a run of config.yaml. Raises UnknownName with the nearest."""
        known = {item.name: item for item in self.config.evaluations}
        if run not in known:
            raise UnknownName("run in the setting 'evaluations'", run, known)
        return known[run]

    def evaluated(self, run: str) -> list[str]:
        """The scenarios whose environments a run uses: a change of any makes it again."""
        settings = self.evaluation(run)
        if isinstance(settings.environments, list):
            return [self.row(name).name for name in settings.environments]
        rows = [self._rows[name] for name in sorted(self.names(), key=catalogue_order)]
        names = [
            row.name
            for row in rows
            if (not settings.categories or row.category in settings.categories)
            and (settings.split is None or row.split == settings.split)
        ]
        return names[: settings.environments] if isinstance(settings.environments, int) else names

    def evaluation_settings(self, run: str) -> str:
        """The settings of a run, as ``awm evaluate --settings`` takes them."""
        return json.dumps(self.evaluation(run).plain(), ensure_ascii=False)

    def pins(self, name: str, *files: str) -> list[str]:
        """The pinned files among some files of a scenario."""
        home = Path(self.config.overrides) / name
        return [str(home / file) for file in files if (home / file).is_file()]

    def refuse_to_lose_edits(self, outputs: Iterable[str]) -> None:
        """Raise AwmError if a file that is about to be made again was edited by a person, and is not pinned."""
        if self.config.overwrite_edits:
            return
        lost = []
        for output in outputs:
            path = Path(output)
            if path.parent.parent == RESULTS and is_edited(path) and not self.pins(path.parent.name, path.name):
                lost.append(path)
        if lost:
            lines = "\n".join(f"  {path}" for path in lost[:12])
            first = lost[0]
            raise AwmError(
                f"these files were edited by hand, and this run would make them again:\n{lines}",
                hint=f"keep an edit for good: awm pin {first.parent.name} {first.name}\n"
                "  or give it up: the same command with --config overwrite_edits=true",
            )


@cache
def _module_digest(pack: str, name: str) -> str:
    module = next(module for module in load_pack(pack).modules if module.name == name)
    return combined(module.model_dump_json())


@cache
def _niche_digest(pack: str, name: str) -> str:
    loaded = load_pack(pack)
    niche = next(niche for niche in loaded.niches if niche.name == name)
    return combined(niche.model_dump_json(exclude={"products"}), loaded.head.user.model_dump_json())
