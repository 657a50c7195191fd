"""The pages in a real browser: forms, results, changes, tables, documentation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from awm_lib.runtime import Environment
from tests.browser import Page, chromium
from tests.servers import Server, arguments, client, keyed_tool, reading_tool, serving, writing_calls


@pytest.fixture(scope="module")
def env(built_environment: Path) -> Environment:
    return Environment.load(built_environment)


@pytest.fixture(scope="module")
def shared(built_environment: Path) -> Iterator[Server]:
    with serving(built_environment / "server.py", "--port", "0") as running:
        yield running


@pytest.fixture
def server(shared: Server) -> Server:
    with client(shared) as http:
        http.post("/reset").raise_for_status()
    return shared


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    with chromium() as page:
        page.size(1440, 900)
        yield page


@pytest.fixture
def page(browser: Page) -> Iterator[Page]:
    browser.open("about:blank")
    browser.problems.clear()
    browser.requests.clear()
    yield browser
    assert browser.problems == []


def show(page: Page, server: Server, tool: str) -> None:
    """Open a tool's form on a fresh page."""
    page.open("about:blank")
    page.open(f"{server.url}/#tool/{tool}")
    page.wait(f"document.querySelector('main h2')?.innerText === {json.dumps(tool)}")


def call(page: Page, values: dict[str, object]) -> str:
    """Fill the form and send it; the status that the page shows."""
    for name, value in values.items():
        page.fill(f"#arg-{name}", value if isinstance(value, str) else json.dumps(value))
    page.evaluate("document.querySelector('#result').replaceChildren()")
    page.click("#send")
    page.wait("!!document.querySelector('#status')")
    return page.text("#status")


def test_page_shows_the_environment(page: Page, server: Server, env: Environment, tmp_path: Path) -> None:
    show(page, server, reading_tool(env).name)
    assert page.text("#title") == env.scenario.title
    assert page.text("#fact-clock") == env.context.now
    assert env.context.user.name in page.text("#fact-user")
    assert page.text("#tool-count") == str(len(env.tools))
    assert page.text("#table-count") == str(len(env.schema))
    page.screenshot(tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 10_000


def test_page_asks_no_other_host(page: Page, server: Server, env: Environment) -> None:
    show(page, server, reading_tool(env).name)
    page.open(f"{server.url}/docs")
    page.wait("document.querySelectorAll('.operation').length > 3")
    asked = [url for url in page.requests if not url.startswith(("about:", "data:"))]
    assert asked
    assert all(url.startswith(f"{server.url}/") for url in asked)


def test_form_has_a_field_for_every_argument(page: Page, server: Server, env: Environment) -> None:
    for tool in list(env.tools.values())[::5]:
        show(page, server, tool.name)
        fields = page.evaluate("[...document.querySelectorAll('#fields [name]')].map(field => field.name)")
        assert fields == list(tool.input_schema["properties"])


def test_calling_a_tool_shows_its_result(page: Page, server: Server, env: Environment) -> None:
    tool = reading_tool(env)
    show(page, server, tool.name)
    assert call(page, {}) == "done"
    data = env.start().call(tool.name, {}).data
    if data.get("items"):
        assert page.evaluate("document.querySelectorAll('#result tbody tr').length") == len(data["items"])
    assert page.text("#fact-calls") == "1"


def test_solution_by_hand_shows_the_rows_that_changed(
    page: Page, server: Server, env: Environment, built_environment: Path
) -> None:
    episode = env.start()
    for step in writing_calls(built_environment, env):
        expected = episode.call(step.tool, arguments(step))
        show(page, server, step.tool)
        given = {name: value for name, value in arguments(step).items() if value is not None}
        assert call(page, given) == ("done" if expected.error is None else expected.error.kind)
    page.problems.clear()  # the browser counts refused calls as errors
    changes = episode.changes()
    assert page.text("#change-count") == str(len(changes))
    shown = page.evaluate("[...document.querySelectorAll('.change > div')].map(head => head.innerText)")
    for change in changes:
        assert any(change.table in text and change.kind in text for text in shown)
    page.click("#reset")
    page.wait("document.querySelector('#change-count').innerText === ''")
    assert "Nothing has changed" in page.text("#changes")


def test_refused_call_shows_kind_and_message(page: Page, server: Server, env: Environment) -> None:
    tool, key = keyed_tool(env)
    show(page, server, tool.name)
    for value in ("not a number", 987_654_321):
        expected = env.start().call(tool.name, {key: value}).error
        assert expected is not None
        assert call(page, {key: value}) == expected.kind
        assert page.text(".problem") == expected.message
    page.problems.clear()  # the browser counts refused calls as errors


def test_arguments_can_be_written_as_json(page: Page, server: Server, env: Environment) -> None:
    tool, key = keyed_tool(env)
    show(page, server, tool.name)
    page.click("#as-json")
    page.fill("#raw", f'{{"{key}": 1, "surplus": true}}')
    page.click("#send")
    page.wait("!!document.querySelector('#status')")
    assert page.text("#status") == "invalid_arguments"
    assert "surplus" in page.text(".problem")
    page.problems.clear()  # the browser counts refused calls as errors


def test_tables_can_be_looked_through(page: Page, server: Server, env: Environment) -> None:
    episode = env.start()
    name = max(env.schema, key=lambda table: episode.rows(table, 0, 0)[1])
    rows, total = episode.rows(name, 50, 0)
    page.open(f"{server.url}/#table/{name}")
    page.wait("!!document.querySelector('main .pager')")
    assert page.evaluate("document.querySelectorAll('main tbody tr').length") == len(rows)
    assert f"of {total}" in page.text("main .pager")
    columns = page.evaluate("[...document.querySelectorAll('main th')].map(cell => cell.firstChild.data)")
    assert columns == [column.name for column in env.schema[name].columns]
    if total > len(rows):
        page.evaluate("[...document.querySelectorAll('.pager button')].at(-1).click()")
        page.wait("document.querySelector('main .pager').innerText.includes('rows 51')")


def test_filter_narrows_the_list(page: Page, server: Server, env: Environment) -> None:
    tool = reading_tool(env).name
    show(page, server, tool)
    page.fill("#filter", tool)
    shown = page.evaluate("[...document.querySelectorAll('#tools a span:first-child')].map(item => item.innerText)")
    assert tool in shown
    assert len(shown) < len(env.tools)


def test_data_never_becomes_markup(page: Page, server: Server, env: Environment) -> None:
    tool, key = keyed_tool(env)
    show(page, server, tool.name)
    hostile = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
    page.click("#as-json")
    page.fill("#raw", json.dumps({key: 1, hostile: 1}))
    page.click("#send")
    page.wait("!!document.querySelector('#status')")
    assert "<img" in page.text(".problem")
    assert page.evaluate("document.querySelectorAll('main img, main script').length") == 0
    assert page.evaluate("document.title") != "owned"
    page.problems.clear()  # the browser counts refused calls as errors


def test_documentation_has_every_tool(page: Page, server: Server, env: Environment) -> None:
    page.open(f"{server.url}/docs")
    page.wait("document.querySelectorAll('.operation').length > 3")
    text = page.text("#main")
    for name, tool in env.tools.items():
        assert f"/tools/{name}" in text
        assert tool.summary.rstrip(".") in text
    assert "/reset" in text
    assert "curl" in text


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (1440, True), (1000, False), (400, False)])
def test_layout_fits_the_window(page: Page, server: Server, env: Environment, width: int, dark: bool) -> None:
    page.size(width, 900, dark=dark)
    try:
        show(page, server, reading_tool(env).name)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (max(map(int, ground[4:-1].split(","))) < 80) is dark
    finally:
        page.size(1440, 900)
