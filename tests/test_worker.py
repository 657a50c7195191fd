"""The worker, through real processes: a copy of the package with one command that does what each test asks for."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from awm_lib import worker, worker_client
from awm_lib.processors import processors

PROBE = '''
"""A command that shows and does what a test of the worker needs."""
import os, sys, threading, time
from pathlib import Path

VERSION = "one"

def add_arguments(parser):
    parser.add_argument("action")
    parser.add_argument("words", nargs="*")

def run(args):
    action, words = args.action, args.words
    if action == "show":
        mask = os.umask(0)
        os.umask(mask)
        print(sys.argv, os.getcwd(), mask, os.environ.get("COLOUR"), sys.stdin.read())
        print(sys.stdout.encoding, sys.stdout.errors, sys.stderr.errors, sys.stdout.line_buffering)
        print("to stderr", file=sys.stderr)
    elif action == "exit":
        return int(words[0])
    elif action == "stop":
        sys.exit(words[0])
    elif action == "fail":
        raise RuntimeError("a bug of ours")
    elif action == "wrong":
        from awm_lib.errors import AwmError
        raise AwmError("spec.json: no such tool", hint="write one")
    elif action == "kill":
        import signal
        os.kill(os.getpid(), signal.SIGTERM)
    elif action == "processes":
        print(os.getppid(), os.getpid())
    elif action == "version":
        print(VERSION, (Path(__file__).parent.parent / "data.yaml").read_text())
    elif action == "thread":
        threading.Thread(target=lambda: (time.sleep(0.2), print("from a thread"))).start()
    elif action == "sleep":
        Path(words[0]).write_text(f"{os.getppid()} {os.getpid()}")
        try:
            time.sleep(30)
        finally:
            Path(words[0] + ".cleaned").write_text("")
    return 0
'''


class Project:
    """A copy of the package in which ``awm certify`` is the probe, with a runtime directory of its own."""

    def __init__(self, root: Path, runtime: Path) -> None:
        self.root = root
        self.runtime = runtime
        self.package = root / "awm_lib"
        source = Path(worker.__file__).parent
        (self.package / "commands").mkdir(parents=True)
        for name in ("__init__.py", "__main__.py", "cli.py", "errors.py", "stage.py"):
            shutil.copy(source / name, self.package)
        for path in [*source.glob("worker*.py"), source / "processors.py"]:
            shutil.copy(path, self.package)
        (self.package / "commands" / "__init__.py").write_text("")
        self.probe = self.package / "commands" / "certify.py"
        self.probe.write_text(PROBE)
        (self.package / "data.yaml").write_text("data")
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "AWM_WORKER")},
            "XDG_RUNTIME_DIR": str(runtime),
            "AWM_WORKER_IDLE": "3",
            # Python itself takes an edit within one second that keeps the size for none, where it has cached byte code.
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-I", "-S", str(self.package / "stage.py"), "certify", *words]

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**self.environment, **variables}
        return subprocess.run(
            self.command(*words), env=environment, capture_output=True, text=True, input="given", timeout=30
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(self.command(*words), env=self.environment, stdout=pipe, stderr=pipe, text=True)

    def processes(self) -> tuple[int, int]:
        """The ids of the parent of a command, and of the command."""
        parent, child = self.run("processes").stdout.split()
        return int(parent), int(child)

    def sockets(self) -> list[Path]:
        return list(self.runtime.glob("*/*.sock"))


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    # A socket's address is limited to about 100 bytes: not under pytest's own long directory.
    with tempfile.TemporaryDirectory(prefix="awm") as runtime:
        yield Project(tmp_path / "a project", Path(runtime))
    # The directory is gone, and with it the socket: the worker ends by itself.


def until(condition: object, seconds: float = 8.0) -> bool:
    """Wait until the condition holds; whether it did."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


# --- the same with and without it -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("show", "a b", "größe", "--", "-x"),
        ("exit", "3"),
        ("stop", "a message"),
        ("wrong",),
        ("kill",),
        ("thread",),
        ("--help",),
        ("--nonsense",),
    ],
    ids=lambda words: words[0],
)
def test_a_command_does_the_same_in_the_worker(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    old = os.umask(0o027)
    try:
        plain = project.run(*words, AWM_WORKER="0", COLOUR="blue")
        warm = project.run(*words, COLOUR="blue")
    finally:
        os.umask(old)
    assert project.sockets(), "the second command was not run by a worker"
    if words == ("kill",):  # a signal ends the plain process; a shell and the worker say it as 128 + its number
        assert (plain.returncode, warm.returncode) == (-signal.SIGTERM, 128 + signal.SIGTERM)
        return
    assert (warm.returncode, warm.stderr) == (plain.returncode, plain.stderr)
    assert warm.stdout.replace("'awm'", "") == plain.stdout.replace(f"'{project.package}/__main__.py'", "").replace(
        f"'{project.package}'", ""
    )


def test_a_bug_shows_its_traceback(project: Project) -> None:
    done = project.run("fail")
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("RuntimeError: a bug of ours\n")


# --- one worker, and only while it is wanted --------------------------------------------------------------------------


def test_commands_share_one_worker_and_nothing_else(project: Project) -> None:
    first, second = project.processes(), project.processes()
    assert first[0] == second[0] != os.getpid()


def test_a_stage_takes_over_from_another_and_nothing_of_it_stays(project: Project, tmp_path: Path) -> None:
    """One child runs one stage after the other, each with its own surroundings."""
    children = set()
    for number in range(3):
        shown = project.run("show", str(number), COLOUR=f"blue {number}").stdout
        assert f"'{number}'" in shown
        assert f"blue {number} given" in shown
        assert "None given" in project.run("show").stdout
        children.add(project.processes()[1])
    assert len(children) == 1


@pytest.mark.parametrize("words", [("fail",), ("stop", "a message"), ("kill",)], ids=lambda words: words[0])
def test_a_child_that_did_not_end_well_is_replaced(project: Project, words: tuple[str, ...]) -> None:
    first = project.processes()[1]
    project.run(*words)
    assert until(lambda: not alive(first))
    assert project.processes()[1] != first


def test_a_child_that_is_killed_while_idle_is_replaced(project: Project) -> None:
    parent, first = project.processes()
    os.kill(first, signal.SIGKILL)
    assert project.processes()[0] == parent
    assert project.processes()[1] != first


def test_a_child_lets_go_of_files_and_directories(project: Project, tmp_path: Path) -> None:
    _, child = project.processes()
    if Path(f"/proc/{child}/fd").exists():
        assert {Path(f"/proc/{child}/fd/{number}").readlink() for number in range(3)} == {Path(os.devnull)}
        assert Path(f"/proc/{child}/cwd").readlink() == Path("/")


def test_no_more_stages_run_than_there_are_processors(project: Project, tmp_path: Path) -> None:
    wanted = processors() + 2
    clients = [project.start("sleep", str(tmp_path / f"mark{number}")) for number in range(wanted)]
    assert until(lambda: len(list(tmp_path.glob("mark?"))) == processors())
    time.sleep(0.3)
    assert len(list(tmp_path.glob("mark?"))) == processors()
    for client in clients:
        client.send_signal(signal.SIGINT)  # those that wait end too, and were never started
    assert [client.wait(10) for client in clients] == [130] * wanted
    assert len(list(tmp_path.glob("mark?"))) <= 2 * processors()
    for client in clients:
        client.communicate()


def test_many_clients_start_one_worker(project: Project) -> None:
    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(lambda _: project.processes(), range(16)))
    assert len({parent for parent, _ in outcomes}) == 1


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="threads are counted in /proc")
def test_the_worker_has_one_thread(project: Project) -> None:
    parent, _ = project.processes()
    assert "\nThreads:\t1\n" in Path(f"/proc/{parent}/status").read_text()


def test_an_idle_worker_ends(project: Project) -> None:
    project.environment["AWM_WORKER_IDLE"] = "0.3"
    parent, _ = project.processes()
    assert until(lambda: not alive(parent))
    assert not project.sockets()


def test_a_worker_without_its_socket_ends(project: Project) -> None:
    project.environment["AWM_WORKER_IDLE"] = "1"
    parent, _ = project.processes()
    project.sockets()[0].unlink()
    assert project.processes()[0] != parent
    assert until(lambda: not alive(parent))


# --- stale code -------------------------------------------------------------------------------------------------------


def test_edited_code_is_used_at_once(project: Project) -> None:
    assert project.run("version").stdout == "one data\n"
    parent, _ = project.processes()
    project.probe.write_text(PROBE.replace('"one"', '"two"'))  # the same size: only its time tells
    assert project.run("version").stdout == "two data\n"
    assert until(lambda: not alive(parent))


@pytest.mark.parametrize("change", ["edited", "added", "removed"])
def test_a_change_of_a_data_file_replaces_the_worker(project: Project, change: str) -> None:
    extra = project.package / "packs" / "shop.yaml"
    extra.parent.mkdir()
    if change != "added":
        extra.write_text("a: 1")
    parent, _ = project.processes()
    if change == "removed":
        extra.unlink()
    else:
        extra.write_text("a: 2")
    assert project.processes()[0] != parent


def test_a_command_that_runs_outlives_a_change(project: Project, tmp_path: Path) -> None:
    started = tmp_path / "started"
    client = project.start("sleep", str(started))
    assert until(started.exists)
    project.probe.write_text(PROBE.replace("one", "six"))
    assert project.run("version").stdout == "six data\n"
    assert client.poll() is None
    client.send_signal(signal.SIGINT)
    assert client.wait(10) == 130
    client.communicate()


# --- deaths -----------------------------------------------------------------------------------------------------------


def started_sleep(project: Project, mark: Path) -> tuple[subprocess.Popen[str], int, int]:
    client = project.start("sleep", str(mark))
    assert until(lambda: mark.exists() and mark.read_text().count(" ") == 1)
    parent, child = map(int, mark.read_text().split())
    return client, parent, child


def test_a_killed_worker_fails_its_commands_and_is_replaced(project: Project, tmp_path: Path) -> None:
    client, parent, child = started_sleep(project, tmp_path / "mark")
    os.kill(parent, signal.SIGKILL)
    _, errors = client.communicate(timeout=10)
    assert client.returncode == worker_client.WORKER_DIED
    assert errors.startswith("error: the worker that ran this command was killed")
    assert until(lambda: not alive(child)), "the command outlived its worker"
    assert project.processes()[0] != parent


def test_a_killed_client_takes_its_command_along(project: Project, tmp_path: Path) -> None:
    client, parent, child = started_sleep(project, tmp_path / "mark")
    client.kill()
    client.communicate(timeout=10)
    assert until(lambda: not alive(child))
    assert (tmp_path / "mark.cleaned").exists()
    assert project.processes()[0] == parent


def test_an_interrupt_reaches_the_command_and_waits_for_it(project: Project, tmp_path: Path) -> None:
    client, _, child = started_sleep(project, tmp_path / "mark")
    client.send_signal(signal.SIGINT)
    _, errors = client.communicate(timeout=10)
    assert (client.returncode, errors) == (130, "interrupted\n")
    assert (tmp_path / "mark.cleaned").exists()  # the command has ended; its process does right after
    assert until(lambda: not alive(child))


# --- where there is none ----------------------------------------------------------------------------------------------


def test_it_can_be_switched_off(project: Project) -> None:
    assert project.run("processes", AWM_WORKER="0").stdout.split()[0] == str(os.getpid())
    assert not project.sockets()


def test_a_directory_that_others_may_enter_is_not_used(project: Project) -> None:
    directory = project.runtime / f"awm-{os.getuid()}"
    directory.mkdir()
    directory.chmod(0o755)
    project.run("processes", TMPDIR=str(project.runtime))
    assert not project.sockets()


def test_a_socket_that_cannot_be_made_is_no_error(project: Project) -> None:
    deep = project.runtime / ("x" * 90)
    deep.mkdir()
    done = project.run("processes", XDG_RUNTIME_DIR=str(deep))
    assert done.stdout.split()[0] == str(os.getpid())


def test_a_worker_that_cannot_start_is_no_error(project: Project) -> None:
    (project.package / "worker.py").write_text("this is not Python")
    done = project.run("processes")
    assert done.stdout.split()[0] == str(os.getpid())


# --- what it costs ----------------------------------------------------------------------------------------------------


def test_the_client_is_lean(project: Project) -> None:
    project.processes()
    costs = []
    for _ in range(10):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        project.run("exit", "0")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        costs.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(costs) < 0.030, "seconds of CPU of one client"


def preloaded(expression: str) -> str:
    """Preload in a fresh interpreter and evaluate an expression there."""
    code = f"import sys; from awm_lib.worker_preload import preload; preload(); print({expression})"
    root = Path(worker.__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stderr == "", "every entry of PRELOAD can be imported"
    return done.stdout.strip()


def test_nothing_heavy_is_preloaded() -> None:
    heavy = ["openai", "fastmcp", "mcp", "duckdb", "torch", "numpy", "rich", "snakemake", "starlette", "httpx"]
    assert preloaded(f"[name for name in {heavy} if name in sys.modules]") == "[]"


def test_the_stage_command_is_quoted_for_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_client, "PACKAGE", "/a project/awm_lib")
    assert worker.stage_command().endswith(" -I -S '/a project/awm_lib/stage.py'")
