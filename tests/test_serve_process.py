"""The server as a process: its start, its end, and the mistakes that a person makes."""

from __future__ import annotations

import shutil
import signal
import socket
from pathlib import Path

import httpx
import pytest

from awm_lib.runtime import Environment
from tests.servers import client, run_script, serving


@pytest.fixture
def copied(built_environment: Path, tmp_path: Path) -> Path:
    """A built environment that a test may spoil, in results/ of its own."""
    target = tmp_path / "results" / built_environment.name
    shutil.copytree(built_environment, target)
    return target


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ends_silently_on_a_signal(built_environment: Path, number: signal.Signals) -> None:
    # With a connection that stays open.
    with serving(built_environment / "server.py", "--port", "0") as server, client(server) as http:
        http.get("/health").raise_for_status()
        assert server.stop(number) == (0, "", "")


def test_says_its_addresses_when_it_is_ready(built_environment: Path) -> None:
    with serving(built_environment / "server.py", "--port", "0") as server:
        assert server.url in server.line
        assert server.mcp in server.line
        httpx.get(f"{server.url}/health").raise_for_status()


def test_script_serves_by_name(built_environment: Path) -> None:
    script = Path(__file__).resolve().parent.parent / "scripts" / "serve.py"
    results = built_environment.parent
    with serving(script, built_environment.name, "--results", results, "--port", "0") as server:
        assert httpx.get(f"{server.url}/health").json()["scenario"] == built_environment.name


def test_port_in_use_is_one_clear_error(built_environment: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        results = built_environment.parent
        done = run_script("serve.py", built_environment.name, "--results", results, "--port", str(port))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        f"error: port {port} of 127.0.0.1 is in use",
        "  stop what uses it, or choose another port with --port",
    ]


@pytest.mark.parametrize("port", ["70000", "-1", "http"])
def test_port_that_is_none(built_environment: Path, port: str) -> None:
    done = run_script("serve.py", built_environment.name, f"--port={port}")
    assert done.returncode == 2
    assert "is not a port" in done.stderr


def test_host_that_is_none(built_environment: Path) -> None:
    results = built_environment.parent
    done = run_script("serve.py", built_environment.name, "--results", results, "--host", "no.such.host.invalid")
    assert done.returncode == 2
    assert "--host" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["../e_commerce_33", "/etc", "E-Commerce", "a;b", ""])
def test_name_with_path_characters_is_refused(name: str, tmp_path: Path) -> None:
    for script in ("serve.py", "check.py"):
        done = run_script(script, name, "--results", tmp_path)
        assert done.returncode == 2
        assert "is not a scenario name" in done.stderr
        assert "Traceback" not in done.stderr


def test_hand_edited_server_is_refused(copied: Path) -> None:
    server = copied / "server.py"
    server.write_text(server.read_text() + "\nprint('tampered')\n")
    done = run_script("serve.py", copied.name, "--results", copied.parent, "--port", "0")
    assert done.returncode == 2
    assert "tampered" in done.stderr, "the message has the difference"
    assert done.stdout == "", "nothing of the file was run"
    assert "Traceback" not in done.stderr


def test_check_does_not_run_a_file_that_was_changed(copied: Path, tmp_path: Path) -> None:
    server, trace = copied / "server.py", tmp_path / "trace"
    server.write_text(f"open({str(trace)!r}, 'w')\n" + server.read_text())
    done = run_script("check.py", "--all", "--results", copied.parent)
    assert done.returncode == 1
    assert "trace" in done.stderr
    assert not trace.exists()


@pytest.mark.parametrize("name", ["seed.sqlite", "tasks.json"])
def test_truncated_file_is_one_clear_error(copied: Path, name: str) -> None:
    file = copied / name
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    done = run_script("serve.py", copied.name, "--results", copied.parent, "--port", "0")
    assert done.returncode == 2
    assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_check_lists_the_tools_of_a_running_server(built_environment: Path) -> None:
    env = Environment.load(built_environment)
    with serving(built_environment / "server.py", "--port", "0") as server:
        done = run_script("check.py", "--url", server.mcp)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["TOOL", "EFFECT", "PARAMETERS", "SUMMARY"]
    assert [line.split()[0] for line in lines[1:-1]] == list(env.tools)
    assert lines[-1] == f"{len(env.tools)} tools"
    for line, tool in zip(lines[1:-1], env.tools.values(), strict=True):
        effect = "read" if tool.effect == "read" else "destroy" if tool.destructive else "write"
        assert line.split()[1] == effect


def test_check_says_that_no_server_answers() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/mcp"
        done = run_script("check.py", "--url", url)
    assert done.returncode == 2
    assert f"no MCP server answers at {url}" in done.stderr
    assert "Traceback" not in done.stderr


def test_check_of_all_starts_every_server(copied: Path) -> None:
    done = run_script("check.py", "--all", "--results", copied.parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1 checked, 1 ok, 0 failed")


def test_check_of_all_names_what_fails(copied: Path) -> None:
    broken = copied.parent / "broken_1"
    shutil.copytree(copied, broken)
    (broken / "seed.sqlite").write_bytes(b"nothing")
    done = run_script("check.py", "--all", "--results", copied.parent)
    assert done.returncode == 1
    assert done.stdout.startswith("2 checked, 1 ok, 1 failed")
    assert "broken_1: does not start" in done.stderr
    assert copied.name not in done.stderr


def test_check_of_one(built_environment: Path) -> None:
    done = run_script("check.py", built_environment.name, "--results", built_environment.parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{built_environment.name}: ok, ")
    done = run_script("check.py", "e_comerce_33", "--results", built_environment.parent)
    assert done.returncode == 2
    assert f"did you mean '{built_environment.name}'?" in done.stderr


def test_check_of_nothing(tmp_path: Path) -> None:
    done = run_script("check.py", "--all", "--results", tmp_path)
    assert done.returncode == 2
    assert "nothing is built" in done.stderr
