"""The floor of a build: a workflow of the same shape whose jobs do nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.processes import Run, python, run
from benchmarks.project import ROOT, Project

_SNAKEFILE = '''"""The build graph of the project, with jobs that only touch their files."""

SCENARIOS = [f"s{{number}}" for number in range({count})]
PROVIDED = ["plan.json", "tasks.json", "schema.sql", "seed.json", "spec.json"]


rule all:
    input:
        "results/all_envs.done",


rule catalogue:
    output:
        "results/scenarios.jsonl",
    shell:
        "touch {{output}}"


rule scenario:
    output:
        "results/{{s}}/scenario.json",
    shell:
        "touch {{output}}"


rule synthesize:
    input:
        "results/{{s}}/scenario.json",
    output:
        expand("results/{{{{s}}}}/{{file}}", file=PROVIDED),
    shell:
        "touch {{output}}"
{stages}

rule gate:
    input:
        "results/scenarios.jsonl",
        expand("results/{{s}}/certificate.json", s=SCENARIOS),
    output:
        "results/all_envs.done",
    shell:
        "touch {{output}}"
'''
_STAGES = {
    "seed.sqlite": ("schema.sql", "seed.json"),
    "server.py": ("scenario.json", "spec.json", "schema.sql"),
    "oracle.json": ("scenario.json", "plan.json", "tasks.json", "spec.json", "seed.sqlite"),
    "verifier.py": ("scenario.json", "tasks.json", "oracle.json", "spec.json", "seed.sqlite"),
    "certificate.json": (
        "scenario.json", "tasks.json", "schema.sql", "seed.json", "seed.sqlite", "spec.json", "server.py",
        "oracle.json", "verifier.py",
    ),
}  # fmt: skip
JOBS_EACH = 2 + len(_STAGES)
"""Jobs of one environment: scenario, synthesize, and one for each file of ``_STAGES``."""
JOBS_BESIDE = 3
"""Jobs of a whole build beside these: catalogue, gate, all."""


def run_trivial(project: Project, home: Path) -> Run:
    """Run as many jobs as a build of the project's catalogue has, from nothing, with its profile."""
    home.mkdir(parents=True)
    shutil.copytree(ROOT / "profiles", home / "profiles")
    (home / "Snakefile").write_text(_snakefile(len(project.names)), encoding="utf-8")
    return run(python("-m", "snakemake"), cwd=home, environment=project.environment)


def _snakefile(count: int) -> str:
    stages = ""
    for output, inputs in _STAGES.items():
        listed = "".join(f'        "results/{{s}}/{name}",\n' for name in inputs)
        rule = output.replace(".", "_")
        stages += f'\n\nrule {rule}:\n    input:\n{listed}    output:\n        "results/{{s}}/{output}",\n'
        stages += '    shell:\n        "touch {output}"\n'
    return _SNAKEFILE.format(count=count, stages=stages)
