"""The OpenAPI 3.1 document of an environment's REST interface."""

from __future__ import annotations

from typing import Any

from awm_lib.runtime import Environment
from awm_lib.runtime.tools import Tool
from awm_lib.serve.wire import STATUS, version

_TOOL_ERRORS = {
    "invalid_arguments": "An argument is missing, unknown, or of the wrong type or value",
    "not_found": "A record that an argument names does not exist, or not for this user",
    "conflict": "The state does not allow it: out of stock, already cancelled, a duplicate, ...",
    "not_allowed": "A business rule forbids it",
    "limit_exceeded": "The call would take more steps or give more data than an episode allows",
    "internal": "A fault of the server, never of the caller",
}


def document(env: Environment) -> dict[str, Any]:
    """Describe every address that a client of this environment uses."""
    scenario = env.scenario
    tags = [*sorted({tag for tool in env.tools.values() for tag in tool.tags}), "episode"]
    paths: dict[str, Any] = {f"/tools/{tool.name}": {"post": _tool(tool)} for tool in env.tools.values()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": scenario.title,
            "version": version(),
            "summary": f"The tools of {env.name} over REST",
            "description": f"{scenario.description} The same tools are served over MCP at /mcp. State is in memory: "
            "POST /reset brings back the initial state.",
        },
        "tags": [{"name": tag} for tag in tags],
        "paths": paths | _episode_paths(),
        "components": {
            "schemas": {"Error": _ERROR},
            "responses": {
                kind: {
                    "description": f"`{kind}`: {text}",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                }
                for kind, text in _TOOL_ERRORS.items()
            },
        },
    }


_ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["kind", "message"],
            "properties": {
                "kind": {"type": "string", "enum": list(STATUS)},
                "message": {"type": "string", "description": "What is wrong, and what to do next"},
            },
        }
    },
}


def _tool(tool: Tool) -> dict[str, Any]:
    properties = tool.input_schema.get("properties", {})
    operation: dict[str, Any] = {
        "operationId": tool.name,
        "summary": tool.summary,
        "tags": list(tool.tags),
        "x-effect": tool.effect,
        "x-destructive": tool.destructive,
        "x-idempotent": tool.idempotent,
        "requestBody": {
            "required": bool(tool.input_schema.get("required")),
            "content": {"application/json": {"schema": tool.input_schema, "example": example(tool)}},
        },
        "responses": {
            "200": {
                "description": "The result",
                "content": {"application/json": {"schema": tool.output_schema}},
            },
            **{
                str(STATUS[kind]): {"$ref": f"#/components/responses/{kind}"}
                for kind in _TOOL_ERRORS
                if properties or kind != "invalid_arguments"
            },
        },
    }
    if tool.description:
        operation["description"] = tool.description
    return operation


def example(tool: Tool) -> dict[str, Any]:
    """Arguments for the documentation: the examples of the contract, for what is required."""
    return {p.name: p.example for p in tool.parameters if p.is_required and p.example is not None}


def _episode_paths() -> dict[str, Any]:
    def answer(summary: str, text: str, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "summary": summary,
            "tags": ["episode"],
            "responses": {"200": {"description": text, "content": {"application/json": {"schema": schema}}}},
        }

    record = {"type": "object"}
    reset = {"type": "object", "properties": {"reset": {"const": True}, "now": {"type": "string"}}}
    health = {
        "type": "object",
        "properties": {"status": {"const": "ok"}, "scenario": {"type": "string"}, "tools": {"type": "integer"}},
    }
    tools = {
        "type": "object",
        "properties": {"scenario": {"type": "string"}, "tools": {"type": "array", "items": record}},
    }
    changes = {"type": "object", "properties": {"changes": {"type": "array", "items": record}}}
    rows = answer("Rows of a table", "A page of rows", record) | {
        "parameters": [
            {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}},
            *(
                {"name": name, "in": "query", "schema": {"type": "integer", "minimum": 0, "default": default}}
                for name, default in (("limit", 50), ("offset", 0))
            ),
        ]
    }
    return {
        "/reset": {"post": answer("Go back to the initial state", "Done; the clock is at its start", reset)},
        "/tools": {"get": answer("List the tools", "Every tool with its schemas", tools)},
        "/state": {"get": answer("The clock, the user and the tables", "The episode", record)},
        "/state/tables/{name}": {"get": rows},
        "/state/changes": {"get": answer("What differs from the initial state", "Rows, before and after", changes)},
        "/health": {"get": answer("Whether the server answers", "It does", health)},
    }
