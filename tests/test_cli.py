"""The console command: finding commands, and what a person reads when something is wrong."""

from __future__ import annotations

import argparse
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from awm_lib import cli
from awm_lib.errors import AwmError

ROOT = Path(cli.__file__).parent.parent


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[argparse.Namespace], int]], None]:
    """Makes ``awm probe [--number N]`` do what a test wants."""

    def install(run: Callable[[argparse.Namespace], int]) -> None:
        module = types.ModuleType("probe_command", "Do what a test wants.")
        module.add_arguments = lambda parser: parser.add_argument("--number", type=int)  # type: ignore[attr-defined]
        module.run = run  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "probe_command", module)
        monkeypatch.setitem(cli.COMMANDS, "probe", cli.Command("probe_command", "probe", cli.PEOPLE))

    return install


def raising(error: BaseException) -> Callable[[argparse.Namespace], int]:
    def run(_: argparse.Namespace) -> int:
        raise error

    return run


def test_help_lists_every_command_without_importing_any() -> None:
    code = (
        "import sys; from awm_lib.cli import main; main(['--help']); "
        "print([name for name in sys.modules if name.startswith('awm_lib.') and name != 'awm_lib.cli'])"
    )
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[-1] == "[]"
    for name, entry in cli.COMMANDS.items():
        assert f"  {name} " in shown
        assert entry.help in shown


def test_every_command_has_its_module() -> None:
    for name, entry in cli.COMMANDS.items():
        module = cli.import_module(entry.module)
        assert callable(module.add_arguments), name
        assert callable(module.run), name
        assert module.__doc__, f"`awm {name} --help` shows the module's docstring"


def test_no_command_shows_the_list_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == cli.USAGE
    assert "usage: awm <command>" in capsys.readouterr().out


def test_an_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["certfy"]) == cli.USAGE
    assert capsys.readouterr().err.startswith("error: there is no command 'certfy'\n  did you mean 'certify'?")


def test_the_exit_code_is_the_commands(command: Callable[..., None]) -> None:
    command(lambda args: args.number)
    assert cli.main(["probe", "--number", "7"]) == 7


def test_wrong_arguments_are_a_usage_error(command: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    command(lambda _: 0)
    assert cli.main(["probe", "--number", "many"]) == cli.USAGE
    assert "awm probe: error: argument --number" in capsys.readouterr().err


def test_a_users_mistake_is_one_message(command: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    command(raising(AwmError("spec.json, tool x: no such column", hint="columns are: id, name\nname one of them")))
    assert cli.main(["probe"]) == 2
    assert capsys.readouterr().err == (
        "error: spec.json, tool x: no such column\n  columns are: id, name\n  name one of them\n"
    )


def test_the_traceback_is_there_for_who_asks(command: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWM_DEBUG", "1")
    command(raising(AwmError("wrong")))
    with pytest.raises(AwmError):
        cli.main(["probe"])


def test_an_error_may_choose_its_exit_code(command: Callable[..., None]) -> None:
    error = AwmError("wrong")
    error.exit_code = 5
    command(raising(error))
    assert cli.main(["probe"]) == 5


def test_a_file_that_cannot_be_used_is_named(
    command: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "results" / "spec.json"
    command(lambda _: len(missing.read_text()))
    assert cli.main(["probe"]) == 2
    assert capsys.readouterr().err == f"error: {missing}: no such file or directory\n"


def test_a_bug_is_not_hidden(command: Callable[..., None]) -> None:
    command(raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        cli.main(["probe"])


def test_an_interrupt_is_130(command: Callable[..., None]) -> None:
    command(raising(KeyboardInterrupt()))
    assert cli.main(["probe"]) == 130


def test_a_closed_pipe_is_quiet() -> None:
    code = "import sys; from awm_lib import cli; cli.overview = lambda: 'line\\n' * 100_000; sys.exit(cli.main(['-h']))"
    line = f'{sys.executable} -c "{code}" | head -n 1; echo ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert (done.stdout, done.stderr) == ("line\n141\n", "")


@pytest.mark.parametrize("words", [["-m", "awm_lib"], ["-P", str(ROOT / "awm_lib")]], ids=["module", "path"])
def test_it_runs_without_its_script(words: list[str], tmp_path: Path) -> None:
    cwd = ROOT if words[0] == "-m" else tmp_path
    done = subprocess.run([sys.executable, *words, "--version"], cwd=cwd, capture_output=True, text=True)
    assert done.stdout.startswith("awm ")
