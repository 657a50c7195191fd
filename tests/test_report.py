"""results/report.html in a real browser: figures, the index, opening an environment; nothing asked of any host."""

from __future__ import annotations

import json
import re
import shutil
import zlib
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest

from awm_lib.contracts.certificate import Certificate
from awm_lib.contracts.tasks import Tasks
from awm_lib.runtime import Environment
from awm_lib.statistics.database import build
from awm_lib.statistics.histogram import histogram
from awm_lib.statistics.report import render
from tests.browser import Page, chromium
from tests.conftest import Project

NAME = "e_commerce_33"
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=document.title='owned'>"


def names(results: Path) -> list[str]:
    return [json.loads(line)["name"] for line in (results / "scenarios.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def results(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built catalogue with a report; one environment has hostile texts, one scenario failed."""
    target = tmp_path_factory.mktemp("report") / "results"
    shutil.copytree(finished.results, target)
    for file in ("scenario.json", "tasks.json"):
        path = target / "banking_2" / file
        value = json.loads(path.read_text())
        if file == "tasks.json":
            value["tasks"][0]["instruction"] = f"Please {HOSTILE}"
        else:
            value["title"] = HOSTILE
        path.write_text(json.dumps(value))
    build(target, names(target), {"banking_9": f"synthesize: {HOSTILE}"}, target / "stats.duckdb")
    (target / "report.html").write_bytes(render(target / "stats.duckdb"))
    return target


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    with chromium() as page:
        page.size(1280, 900)
        yield page


@pytest.fixture
def page(browser: Page, results: Path) -> Iterator[Page]:
    browser.open("about:blank")
    browser.problems.clear()
    browser.requests.clear()
    browser.open((results / "report.html").as_uri())
    browser.wait("document.querySelectorAll('.env').length > 0")
    yield browser
    assert browser.problems == []
    asked = {url.split("#")[0] for url in browser.requests} - {"about:blank"}
    assert all(url.startswith("data:") or url.endswith("/report.html") for url in asked), asked
    assert browser.evaluate("document.title") != "owned"


def test_figures_are_those_of_the_build(page: Page, results: Path) -> None:
    certificates = [Certificate.read(results / name / "certificate.json") for name in names(results)]
    tools = sum(certificate.counts.tools for certificate in certificates)
    assert [text.split("\n")[0] for text in tiles(page)][:3] == [
        str(len(certificates)), str(sum(len(c.tasks) for c in certificates)), str(tools),
    ]  # fmt: skip
    text = page.text("#figures")
    assert re.search(rf"Tools per environment\s+{tools / len(certificates):.1f} \(\S+\)\s+35\.1 \(35\)", text)
    assert re.search(r"doing nothing\s+0 of \d+\s+15-17 %", text)
    assert "arXiv 2602.10090" in text
    assert page.evaluate("document.querySelectorAll('#distributions svg.histogram .bar').length") > 12
    assert "banking_9" in page.text("#failures")
    assert page.text("#categories tbody tr:last-child th") == "all"
    for check in certificates[0].tasks[0].checks:
        assert check.check in page.text("#proofs")


def tiles(page: Page) -> list[str]:
    return page.evaluate("[...document.querySelectorAll('.tile')].map(tile => tile.innerText)")


def test_an_environment_opens_with_schema_tasks_and_tools(page: Page, results: Path, tmp_path: Path) -> None:
    env = Environment.load(results / NAME)
    page.click(f"[data-name={NAME}] button")
    page.wait("document.querySelectorAll('.tasks li').length > 0")
    body = page.text(f"[data-name={NAME}] .body")
    for task in Tasks.read(results / NAME / "tasks.json").tasks:
        assert task.instruction in body
    rows = page.evaluate("[...document.querySelectorAll('.tools tbody th')].map(cell => cell.innerText)")
    assert rows == list(env.tools)
    drawn = page.evaluate("[...document.querySelectorAll('.diagram g')].map(box => box.dataset.table)")
    assert sorted(drawn) == sorted(env.schema)
    lines = {
        (table.name, column.references[0])
        for table in env.schema.values()
        for column in table.columns
        if column.references and column.references[0] != table.name
    }
    assert page.evaluate("document.querySelectorAll('.diagram path').length") == len(lines)
    boxes = page.evaluate(
        "[...document.querySelectorAll('.diagram rect')].map(box => `${box.x.baseVal.value},${box.y.baseVal.value}`)"
    )
    assert len(set(boxes)) == len(env.schema)
    page.screenshot(tmp_path / "report.png")
    assert (tmp_path / "report.png").stat().st_size > 10_000
    page.click(f"[data-name={NAME}] button")
    assert page.evaluate("document.querySelectorAll('.body').length") == 0


def test_the_index_is_searched_filtered_and_sorted(page: Page, results: Path) -> None:
    listed = "[...document.querySelectorAll('.env')].map(one => one.dataset.name)"
    assert sorted(page.evaluate(listed)) == sorted(names(results))
    page.fill("#query", NAME)
    assert page.evaluate(listed) == [NAME]
    page.fill("#query", "remove_address")  # a tool's name
    found = [name for name in names(results) if "remove_address" in Environment.load(results / name).tools]
    assert sorted(page.evaluate(listed)) == sorted(found)
    page.fill("#query", "no such thing")
    assert page.evaluate(listed) == []
    assert page.text("#found") == f"0 of {len(names(results))}"
    page.fill("#query", "")
    choose(page, "category", "banking")
    assert {name.rsplit("_", 1)[0] for name in page.evaluate(listed)} == {"banking"}
    choose(page, "category", "")
    choose(page, "order", "rows")
    sizes = [Certificate.read(results / name / "certificate.json").counts.rows for name in page.evaluate(listed)]
    assert sizes == sorted(sizes, reverse=True)


def choose(page: Page, field: str, value: str) -> None:
    page.evaluate(
        f"(field => {{ field.value = {json.dumps(value)}; field.dispatchEvent(new Event('change')) }})"
        f"(document.querySelector('#{field}'))"
    )


def test_an_address_opens_its_environment(page: Page, results: Path) -> None:
    page.evaluate(f"location.hash = '{NAME}'")
    page.wait("document.querySelectorAll('.tasks li').length > 0")
    assert page.text("#found") == f"1 of {len(names(results))}"


def test_what_an_environment_says_is_text(page: Page) -> None:
    page.click("[data-name=banking_2] button")
    page.wait("document.querySelectorAll('.tasks li').length > 0")
    assert HOSTILE in page.text("[data-name=banking_2] b")
    assert HOSTILE in page.text("[data-name=banking_2] .tasks")
    assert HOSTILE in page.text("#failures")
    assert page.evaluate("document.querySelectorAll('main img, main script').length") == 0


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (400, False)])
def test_layout_fits_the_window(page: Page, width: int, dark: bool) -> None:
    page.size(width, 900, dark=dark)
    try:
        page.click(f"[data-name={NAME}] button")
        page.wait("document.querySelectorAll('.tasks li').length > 0")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (max(map(int, ground[4:-1].split(","))) < 80) is dark
    finally:
        page.size(1280, 900)


def test_a_thousand_environments_stay_usable(browser: Page, results: Path, tmp_path: Path) -> None:
    """The rows of four environments under many names: the page lists a part, and opens the last at once."""
    import duckdb

    shutil.copy2(results / "stats.duckdb", tmp_path / "stats.duckdb")
    connection = duckdb.connect(str(tmp_path / "stats.duckdb"))
    for (table,) in connection.execute(
        "SELECT table_name FROM duckdb_columns() WHERE column_name = 'scenario'"
    ).fetchall():
        connection.execute(
            f"CREATE TABLE many AS SELECT * REPLACE (scenario || '_' || number AS scenario) FROM {table}, range(250) "
            f"AS copies(number); ALTER TABLE many DROP number; DROP TABLE {table}; ALTER TABLE many RENAME TO {table}"
        )
    connection.close()
    data = render(tmp_path / "stats.duckdb")
    assert len(data) < 3_000_000
    (tmp_path / "report.html").write_bytes(data)
    browser.problems.clear()
    browser.open((tmp_path / "report.html").as_uri())
    browser.wait("document.querySelectorAll('.env').length > 0")
    assert browser.text("#found") == "1,000 of 1,000"
    assert browser.evaluate("document.querySelectorAll('.env').length") <= 80
    spent = browser.evaluate(
        "(() => { const field = document.querySelector('#query'), began = performance.now(); field.value = 'address';"
        " field.dispatchEvent(new Event('input')); return performance.now() - began })()"
    )
    assert spent < 500  # milliseconds; measured: 5
    browser.evaluate("location.hash = 'e_commerce_33_249'")
    browser.wait("document.querySelectorAll('.tasks li').length > 0")
    assert browser.problems == []


def test_the_same_database_gives_the_same_bytes(results: Path, tmp_path: Path) -> None:
    assert render(results / "stats.duckdb") == (results / "report.html").read_bytes()
    build(results, names(results), {"banking_9": f"synthesize: {HOSTILE}"}, tmp_path / "stats.duckdb")
    assert render(tmp_path / "stats.duckdb") == (results / "report.html").read_bytes()


def test_the_file_refers_to_no_other(results: Path) -> None:
    text = (results / "report.html").read_text()
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!#|data:)[^"']*""", text.replace(HOSTILE, ""))
    assert not re.findall(r"@import|url\(", text)
    assert set(re.findall(r"https?://[\w./]+", text)) == {"http://www.w3.org/2000/svg"}  # a name space, never fetched
    block = re.search(r'id="block0">([^<]+)<', text)
    assert block is not None
    first = json.loads(zlib.decompress(b64decode(block.group(1))))[0]
    assert set(first) == {"modules", "reasons", "schema", "tools", "tasks"}


def test_an_empty_build_has_a_page(tmp_path: Path) -> None:
    build(tmp_path, [], {"banking_9": "synthesize: no rows"}, tmp_path / "stats.duckdb")
    text = render(tmp_path / "stats.duckdb").decode()
    assert "banking_9" in text
    assert "nothing to show" in text


@pytest.mark.parametrize(
    ("values", "bars", "shown"),
    [
        ([3, 3, 4], 2, "3 calls: 2"),
        ([7], 1, "7 calls: 1"),
        (list(range(100)), 20, "0 to 4 calls: 5"),
        ([10_000, 10_010], 2, "10,010 calls: 1"),
    ],
)
def test_histogram_counts_every_value(values: list[int], bars: int, shown: str) -> None:
    svg = histogram(values, "calls", 5.5)
    assert sum(int(number) for number in re.findall(r"calls: (\d+)</title>", svg)) == len(values)
    plain = histogram(values, "calls")
    assert plain.count("<rect") == bars
    assert f"<title>{shown}</title>" in plain
    places = [float(x) for x in re.findall(r'\bx1?="(-?[\d.]+)"', svg)]
    assert all(0 <= place <= 360 for place in places)


@pytest.mark.slow
def test_the_reports_of_snakemake_have_it(built: Project) -> None:
    done = built.snakemake("results/report.html")
    assert done.returncode == 0, done.stdout + done.stderr
    done = built.snakemake("--report", "all.html", "results/report.html")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Adding report.html" in done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr
    text = (built.home / "all.html").read_text()
    assert "figures, tools, tasks and proofs" in text
