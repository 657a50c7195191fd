"""The viewer in a real browser: served while a run goes on, and exported as files."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import jsonschema
import pytest

from awm_lib.cli import main
from awm_lib.contracts.run import RunSettings
from awm_lib.docs import CONTRACTS, schema
from awm_lib.evaluation.run import evaluate
from awm_lib.evaluation.store import Store
from awm_lib.evaluation.trial import TrialKey
from tests import characters as cast
from tests.browser import Page, chromium
from tests.llmserver import llm_server
from tests.servers import serving

HOSTILE = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"


@pytest.fixture(scope="module")
def results(built_environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs over one environment: the oracle, nobody, and a model whose replies are hostile markup."""
    results = tmp_path_factory.mktemp("viewer") / "results"
    shutil.copytree(built_environment, results / "e_commerce_33")
    for agent in ("oracle", "noop"):
        evaluate(RunSettings(name=agent, agent=agent), results)

    def hostile(task: cast.Known, turn: int) -> cast.Step:
        step = cast.solver(task, turn)
        return cast.Step(text=f"{HOSTILE} {step.text}") if not step.calls else step

    with pytest.MonkeyPatch.context() as patch, llm_server(cast.script(results, {"m": hostile})) as server:
        patch.chdir(results.parent)
        evaluate(RunSettings(name="model", agent="llm", model="m", base_url=server.url), results)
    return results


@pytest.fixture(scope="module")
def viewer(results: Path) -> Iterator[str]:
    command = ["-m", "awm_lib", "eval", "--results", results, "view", "oracle", "--port", "0", "--no-open"]
    with serving(*command) as running:
        base, _, fragment = running.line.strip().removeprefix("page ").partition("#")
        assert fragment == "/run/oracle"
        yield base


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    with chromium() as page:
        page.size(1300, 900)
        yield page


@pytest.fixture
def page(browser: Page) -> Iterator[Page]:
    browser.open("about:blank")
    browser.problems.clear()
    browser.requests.clear()
    yield browser
    assert browser.problems == []


def show(page: Page, base: str, *path: str, until: str = "!!document.querySelector('.card')") -> None:
    page.open("about:blank")
    page.open(f"{base}#/{'/'.join(path)}")
    page.wait(until)


@pytest.mark.parametrize("name", ["run", "summary", "trajectory"])
def test_files_of_runs_keep_the_published_schemas(results: Path, name: str) -> None:
    validator = jsonschema.Draft202012Validator(schema(name))
    files = sorted((results / "evals").rglob(CONTRACTS[name][0]))
    assert len(files) == (10 if name == "trajectory" else 3)
    for file in files:
        assert [error.message for error in validator.iter_errors(json.loads(file.read_text()))] == []


def test_runs_are_listed_and_lead_to_their_pages(page: Page, viewer: str) -> None:
    show(page, viewer)
    rows = page.evaluate("[...document.querySelectorAll('#runs tbody tr')].map(row => row.innerText)")
    assert [row.split()[0] for row in rows] == ["model", "noop", "oracle"]
    assert "100.0 %" in rows[2]
    assert "0.0 %" in rows[1]
    page.click("#runs tbody tr:last-child a")
    page.wait("document.querySelector('#figures')?.innerText.includes('100.0 %')")
    page.fill("#filter", "commerce")
    assert page.evaluate("document.querySelectorAll('#environments tbody tr').length") == 1
    page.fill("#filter", "banking")
    assert page.evaluate("document.querySelectorAll('#environments tbody tr').length") == 0


def test_why_trials_failed_is_shown(page: Page, viewer: str) -> None:
    show(page, viewer, "run", "noop", until="!!document.querySelector('#failures')")
    assert "no_action" in page.text("#failures")
    show(page, viewer, "run", "noop", "e_commerce_33")
    assert page.evaluate("document.querySelectorAll('.card').length") == 10
    page.click(".card a")
    page.wait("document.querySelector('#outcome')?.innerText.includes('no_action')")
    assert "missing" in page.text("#expected") or "answer" in page.text("#verdict")


def test_a_trial_is_shown_step_by_step(page: Page, viewer: str, results: Path) -> None:
    task = cast.two_writes(results / "e_commerce_33")
    trial = Store(results / "evals" / "oracle").find(TrialKey("e_commerce_33", task, 1))
    assert trial is not None
    assert trial.final is not None
    show(page, viewer, "run", "oracle", "e_commerce_33", task, "1", until="!!document.querySelector('.step')")
    assert trial.instruction in page.text("main")
    shown = page.evaluate("[...document.querySelectorAll('.step .call b')].map(node => node.innerText)")
    assert shown == [call.tool for call in trial.calls]
    for at, call in enumerate(trial.calls):
        rows = page.evaluate(f"document.querySelectorAll('.step')[{at}].querySelectorAll('.change').length")
        assert rows == len(call.changes)
        arguments = page.evaluate(f"document.querySelectorAll('.step .arguments')[{at}].innerText")
        assert json.loads(arguments) == call.arguments
    assert page.evaluate("document.querySelectorAll('#expected .change').length") >= 2
    assert page.evaluate("document.querySelectorAll('#actual .change').length") == len(trial.final.changes)
    assert "missing" not in page.text("#expected")


def test_what_a_model_says_never_becomes_markup(page: Page, viewer: str) -> None:
    show(page, viewer, "run", "model", "e_commerce_33", "t01", "1", until="!!document.querySelector('.said')")
    assert "<img" in page.text("main")
    assert page.evaluate("document.querySelectorAll('main img, main script').length") == 0
    assert "owned" not in page.evaluate("document.title")


def test_two_runs_are_compared(page: Page, viewer: str) -> None:
    show(page, viewer, until="!!document.querySelector('#compare')")
    page.fill("#one", "oracle")
    page.fill("#other", "noop")
    page.click("#compare")
    page.wait("!!document.querySelector('#differing')")
    assert "+100.0" in page.text("#comparison")
    assert page.evaluate("document.querySelectorAll('#differing tbody tr').length") == 10


def test_the_page_asks_no_other_host_and_refuses_other_names(page: Page, viewer: str) -> None:
    show(page, viewer, "run", "oracle")
    asked = [url for url in page.requests if not url.startswith(("about:", "data:"))]
    assert asked
    assert all(url.startswith(viewer) for url in asked)
    assert httpx.get(f"{viewer}data/runs", headers={"host": "evil.example"}).status_code == 421
    for path in (
        "trial/oracle/..%2f..%2fe_commerce_33/t01/1",
        "environment/oracle/..%2f..",
        "run/..%2f..",
        "nothing",
        "trial/oracle",
    ):
        answer = httpx.get(f"{viewer}data/{path}")
        assert answer.status_code in (404, 422), path
        assert "error" in answer.json()


def test_a_run_is_shown_while_it_goes_on(
    page: Page, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(results / "e_commerce_33", tmp_path / "results" / "e_commerce_33")
    monkeypatch.chdir(tmp_path)
    gate = threading.Event()

    def waiting(task: cast.Known, turn: int) -> cast.Step:
        if task.id != "t01" and turn == 1:
            gate.wait(60)
        return cast.solver(task, turn)

    with llm_server(cast.script(tmp_path / "results", {"m": waiting})) as server:
        settings = RunSettings(
            name="live", agent="llm", model="m", base_url=server.url, tasks=["t01", "t02"], concurrency=1
        )
        run = threading.Thread(target=evaluate, args=(settings, tmp_path / "results"))
        run.start()
        try:
            command = ["-m", "awm_lib", "eval", "--results", tmp_path / "results", "view", "--port", "0", "--no-open"]
            replies = tmp_path / "results" / "evals" / "live" / "trials" / "e_commerce_33" / "t02-1" / "replies.jsonl"
            with serving(*command) as viewer:
                show(
                    page,
                    viewer.url,
                    "run",
                    "live",
                    until="document.querySelector('#figures')?.innerText.includes('running')",
                )
                page.wait("!document.getElementById('live').hidden")
                assert replies.exists()
                page.open(f"{viewer.url}/#/run/live/e_commerce_33/t02/1")
                page.wait("document.querySelector('main').innerText.toLowerCase().includes('replies so far')")
                gate.set()
                page.wait("document.querySelector('#outcome')?.innerText.includes('complete')")
                page.wait("document.getElementById('live').hidden")
        finally:
            gate.set()
            run.join(60)


def test_an_export_needs_no_server(
    page: Page, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "page"
    assert main(["eval", "--results", str(results), "export", "oracle", "noop", "model", "--to", str(folder)]) == 0
    assert "index.html" in capsys.readouterr().out
    base = f"file://{folder}/index.html"
    show(page, base, "run", "oracle", "e_commerce_33", "t01", "1", until="!!document.querySelector('.step')")
    show(page, base, "compare", "oracle", "noop", until="!!document.querySelector('#differing')")
    show(page, base, "run", "model", "e_commerce_33", "t01", "1", until="!!document.querySelector('.said')")
    assert "owned" not in page.evaluate("document.title")
    assert all(url.startswith(("file://", "about:", "data:")) for url in page.requests)


@pytest.mark.parametrize(("width", "dark"), [(1300, False), (400, False), (1300, True)])
def test_layout_fits_the_window(page: Page, viewer: str, width: int, dark: bool) -> None:
    page.size(width, 900, dark=dark)
    try:
        for path in ((), ("run", "noop"), ("run", "model", "e_commerce_33", "t01", "1"), ("compare", "oracle", "noop")):
            show(page, viewer, *path)
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (max(map(int, ground[4:-1].split(","))) < 80) is dark
    finally:
        page.size(1300, 900)
