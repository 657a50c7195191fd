"""What a person sees of a run, through real runs of a small workflow with the logger of the default profile."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from snakemake_logger_plugin_awm.messages import is_routine, tidy
from snakemake_logger_plugin_awm.plan import Plan, short_reason

ROOT = Path(__file__).resolve().parent.parent

SNAKEFILE = """
NAMES = [f"shop_{{i}}" for i in range(1, {count} + 1)]
rule all:
    input: expand("out/{{s}}/b", s=NAMES)
rule alpha:
    output: "out/{{s}}/a"
    log: "log/{{s}}.alpha"
    params: recipe="{recipe}"
    shell: "{alpha}"
rule beta:
    input: "out/{{s}}/a"
    output: "out/{{s}}/b"
    shell: "cp {{input}} {{output}}"
"""
BREAK_SECOND = (
    "if [ {wildcards.s} = shop_2 ]; then "
    "printf 'reading\\nerror: tasks.json: no task\\n  add one\\n' > {log}; exit 2; fi; echo a > {output}"
)
WRITE = "echo {params.recipe} > {output}"


class Workflow:
    """A workflow in a directory of its own, run with the default profile."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, *, count: int = 2, recipe: str = "one", alpha: str = WRITE, more: str = "") -> None:
        text = SNAKEFILE.format(count=count, recipe=recipe, alpha=alpha.replace("\n", "\\n"))
        (self.directory / "Snakefile").write_text(more + text)

    def command(self, *words: str) -> list[str]:
        profile = str(ROOT / "profiles" / "default")
        return [sys.executable, "-m", "snakemake", "--workflow-profile", profile, *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*words), cwd=self.directory, capture_output=True, text=True, timeout=60)

    def lines(self, *words: str, code: int = 0) -> list[str]:
        """The lines of stderr, but for Snakemake's own about the profile."""
        done = self.run(*words)
        assert done.returncode == code, done.stderr
        return [line for line in done.stderr.splitlines() if not line.startswith("Using workflow specific profile")]


@pytest.fixture
def workflow(tmp_path: Path) -> Workflow:
    made = Workflow(tmp_path)
    made.write()
    return made


def test_a_small_run_has_a_line_for_each_job(workflow: Workflow) -> None:
    lines = workflow.lines("-j", "1")
    matches = [re.fullmatch(r"\[(\d)/5\] (\w+ \w+)  \d\.\d s", line) for line in lines[:-1]]
    assert [match and match[1] for match in matches] == ["1", "2", "3", "4"]
    assert {match and match[2] for match in matches} == {"alpha shop_1", "alpha shop_2", "beta shop_1", "beta shop_2"}
    assert lines[-1].startswith("5 jobs done in ")
    assert workflow.lines() == ["Nothing to be done (all requested files are present and up to date)."]


def test_a_large_run_has_few_lines(workflow: Workflow) -> None:
    workflow.write(count=60)
    lines = workflow.lines("-j", "4")
    assert 3 <= len(lines) <= 12
    assert lines[0].startswith("[ 13/121] 10 %")
    assert lines[-1].startswith("121 jobs done in ")


def test_a_failure_says_what_where_why_and_how_to_go_on(workflow: Workflow) -> None:
    workflow.write(count=3, alpha=BREAK_SECOND)
    lines = workflow.lines("-j", "1", code=1)
    start = lines.index("failed: alpha shop_2 (exit code 2)")
    assert lines[start + 1 : start + 5] == [
        "    reading",
        "    error: tasks.json: no task",
        "      add one",
        "    log: log/shop_2.alpha",
    ]
    end = next(index for index, line in enumerate(lines) if line.startswith("4 of 7 jobs done in "))
    assert lines[end].endswith(", 1 failed, 2 not run because of these")
    assert lines[end + 1] == "  alpha shop_2  tasks.json: no task"
    assert lines[end + 2] == "To go on: run the same command again; what is done is kept."
    assert lines[end + 3].startswith("Full log: .snakemake/log/")
    assert len(lines) == end + 4


def test_a_dry_run_is_a_table_with_reasons(workflow: Workflow) -> None:
    workflow.lines()
    workflow.write(count=3, recipe="two")
    done = workflow.run("-n", "--logger-awm-jobs")
    assert done.stdout.splitlines() == [
        "rule   jobs  why",
        "alpha     3  recipe changed (shop_1, shop_2); missing (shop_3)",
        "beta      3  missing (shop_3); 2 follow from these",
        "all       1  follows from these",
        "total     7",
        "This was a dry run: nothing was changed.",
        "all\t\tfollows",
        "alpha\tshop_1\trecipe changed",
        "alpha\tshop_2\trecipe changed",
        "alpha\tshop_3\tmissing",
        "beta\tshop_1\tfollows",
        "beta\tshop_2\tfollows",
        "beta\tshop_3\tmissing",
    ]


@pytest.mark.slow
def test_other_outputs_of_snakemake_are_untouched(workflow: Workflow) -> None:
    assert workflow.run("--dag").stdout.startswith("digraph")
    assert workflow.run("--summary").stdout.startswith("output_file\t")
    assert workflow.run("--list").stdout.split() == ["all", "alpha", "beta"]
    lint = workflow.run("--lint")
    assert "Lints for rule alpha" in lint.stderr + lint.stdout


@pytest.mark.slow
def test_warnings_and_errors_show(workflow: Workflow) -> None:
    workflow.write(more='from snakemake.logging import logger\nlogger.warning("the clock is odd")\n')
    assert workflow.lines("-n")[0] == "the clock is odd"
    assert workflow.lines("nowhere", code=1)[-1].startswith("error: No rule to produce nowhere")


@pytest.mark.slow
def test_quiet_is_quiet_and_verbose_is_not(workflow: Workflow) -> None:
    assert workflow.lines("--quiet", "all") == []
    workflow.write(recipe="two")
    assert any(line.startswith("Building DAG") for line in workflow.lines("--verbose"))


def test_a_terminal_has_one_bar(workflow: Workflow) -> None:
    workflow.write(count=30)
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    run = subprocess.Popen(workflow.command(), cwd=workflow.directory, stderr=theirs, stdout=theirs, env=environment)
    os.close(theirs)
    shown = bytearray()
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the terminal closed with its last writer
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert run.wait(30) == 0
    text = shown.decode()
    assert "━" in text
    assert "61/61" in text or "60/61" in text
    assert "61 jobs done in " in text
    assert text.count("\n") < 10


def test_an_interrupted_run_says_how_to_go_on(workflow: Workflow) -> None:
    workflow.write(count=3, alpha="sleep 20; " + WRITE)
    run = subprocess.Popen(
        workflow.command("-j", "2"), cwd=workflow.directory, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    end = time.monotonic() + 20
    while not list(workflow.directory.glob("log")) and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(0.3)
    os.killpg(run.pid, signal.SIGINT)
    _, errors = run.communicate(timeout=30)
    assert run.returncode != 0
    lines = errors.splitlines()
    assert lines[-2].startswith("Interrupted: 0 of 7 jobs done in ")
    assert lines[-1].startswith("To go on: ")
    assert "Traceback" not in errors


# --- its parts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "short"),
    [
        ("Missing output files: a, b; Input files updated by another job: c", "missing"),
        ("Input files updated by another job: c", "follows"),
        ("Params have changed since last execution: Union of ...: before: 1 now: 0 ", "recipe changed"),
        ("Updated input files: x; Code has changed since last execution", "input edited, rule changed"),
        ("Forced execution", "forced"),
        ("Something new: x", "Something new"),
    ],
)
def test_reasons_are_short(reason: str, short: str) -> None:
    assert short_reason(reason) == short


def test_an_empty_plan_is_nothing() -> None:
    assert Plan().table() == ""


def test_routine_messages_are_known() -> None:
    assert is_routine("Provided cores: 2")
    assert is_routine("\n")
    assert not is_routine("Nothing to be done (all requested files are present and up to date).")
    assert not is_routine("Unlocked working directory.")


def test_errors_lose_their_class() -> None:
    assert tidy("WorkflowError:\nConfig is wrong\n") == "Config is wrong"
    assert tidy("NameError in file x, line 2:\nname y") == "NameError in file x, line 2:\nname y"


@pytest.mark.parametrize("profile", ["default", "slurm"])
def test_every_entry_of_the_profiles_is_an_option(profile: str) -> None:
    from snakemake.cli import get_argument_parser

    known = {option for action in get_argument_parser()._actions for option in action.option_strings}
    entries = yaml.safe_load((ROOT / "profiles" / profile / "config.yaml").read_text())
    assert {f"--{key}" for key in entries if not key.startswith("__")} <= known
