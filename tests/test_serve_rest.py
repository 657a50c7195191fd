"""The same tools over REST, its documentation, and the state for the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from awm_lib.runtime import Environment
from awm_lib.serve.wire import STATUS
from tests.servers import Server, arguments, client, keyed_tool, reading_tool, serving, writing_calls


@pytest.fixture(scope="module")
def env(built_environment: Path) -> Environment:
    return Environment.load(built_environment)


@pytest.fixture(scope="module")
def server(built_environment: Path) -> Iterator[Server]:
    with serving(built_environment / "server.py", "--port", "0") as running:
        yield running


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with client(server) as peer:
        peer.post("/reset").raise_for_status()
        yield peer


def test_call_answers_what_the_episode_answers(http: httpx.Client, env: Environment, built_environment: Path) -> None:
    episode = env.start()
    for call in writing_calls(built_environment, env):
        expected = episode.call(call.tool, arguments(call))
        answer = http.post(f"/tools/{call.tool}", json=arguments(call))
        assert answer.status_code == (200 if expected.error is None else STATUS[expected.error.kind])
        assert answer.json() == expected.plain()


def test_call_without_body_has_no_arguments(http: httpx.Client, env: Environment) -> None:
    tool = reading_tool(env).name
    assert http.post(f"/tools/{tool}").json() == env.start().call(tool, {}).data


def test_errors_have_the_status_of_their_kind(http: httpx.Client, env: Environment) -> None:
    tool, key = keyed_tool(env)
    for body, status, kind in (
        ({}, 422, "invalid_arguments"),
        ({key: "x"}, 422, "invalid_arguments"),
        ([1], 422, "invalid_arguments"),
        ({key: 987_654_321}, 404, "not_found"),
    ):
        answer = http.post(f"/tools/{tool.name}", json=body)
        assert answer.status_code == status
        assert answer.json()["error"]["kind"] == kind
    answer = http.post(f"/tools/{tool.name}x", json={})
    assert (answer.status_code, answer.json()["error"]["kind"]) == (404, "unknown_tool")
    assert tool.name in answer.json()["error"]["message"]


def test_body_that_is_not_json_is_told(http: httpx.Client, env: Environment) -> None:
    answer = http.post(f"/tools/{reading_tool(env).name}", content=b"{")
    assert answer.status_code == 400
    assert "not JSON" in answer.json()["error"]["message"]


def test_tools_are_described(http: httpx.Client, env: Environment) -> None:
    listed = http.get("/tools").json()["tools"]
    assert [tool["name"] for tool in listed] == list(env.tools)
    one = reading_tool(env)
    described = http.get(f"/tools/{one.name}").json()
    assert described["input_schema"] == one.input_schema
    assert described["output_schema"] == one.output_schema
    assert http.get("/tools/none_such").status_code == 404
    assert http.get("/state").json()["calls"] == 0, "asking for a description is not a call"


def test_openapi_describes_every_tool(http: httpx.Client, env: Environment) -> None:
    document = http.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    assert {f"/tools/{name}" for name in env.tools} <= document["paths"].keys()
    assert {"/reset", "/health", "/tools"} <= document["paths"].keys()
    for reference in _references(document):
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["summary"]
            for response in operation["responses"].values():
                assert response.get("$ref") or response["description"]
            if body := operation.get("requestBody"):
                jsonschema.Draft202012Validator.check_schema(body["content"]["application/json"]["schema"])


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _references(item)


def test_results_fit_the_documented_schema(http: httpx.Client, env: Environment) -> None:
    tool = reading_tool(env)
    schema = http.get("/openapi.json").json()["paths"][f"/tools/{tool.name}"]["post"]["responses"]["200"]
    jsonschema.validate(http.post(f"/tools/{tool.name}").json(), schema["content"]["application/json"]["schema"])


def test_state_shows_tables_and_rows(http: httpx.Client, env: Environment) -> None:
    state = http.get("/state").json()
    assert state["scenario"] == env.name
    assert state["now"] == env.context.now
    assert state["user"]["id"] == env.context.user.id
    assert [table["name"] for table in state["tables"]] == list(env.schema)
    name, total = next((table["name"], table["rows"]) for table in state["tables"] if table["rows"] > 2)
    page = http.get(f"/state/tables/{name}", params={"limit": 2, "offset": 1}).json()
    assert page["total"] == total
    assert page["rows"] == env.start().rows(name, 2, 1)[0]
    assert http.get(f"/state/tables/{name}", params={"limit": "all"}).status_code == 422
    assert http.get("/state/tables/sqlite_master").status_code == 404


def test_health(http: httpx.Client, env: Environment) -> None:
    assert http.get("/health").json() == {"status": "ok", "scenario": env.name, "tools": len(env.tools)}


def test_reset_is_one_request(http: httpx.Client, env: Environment, built_environment: Path) -> None:
    for call in writing_calls(built_environment, env):
        http.post(f"/tools/{call.tool}", json=arguments(call))
    assert http.get("/state/changes").json()["changes"]
    assert http.post("/reset").status_code == 200
    state = http.get("/state").json()
    assert (state["now"], state["calls"]) == (env.context.now, 0)
    assert http.get("/state/changes").json()["changes"] == []
