"""The REST side: the tools, a reset, and the state for the page to show.

Nothing here reads a file of the environment: what is served is the episode's tables, its tools and what it has changed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from awm_lib.errors import nearest
from awm_lib.runtime import Environment, Episode
from awm_lib.runtime.tools import Tool
from awm_lib.serve.calls import call
from awm_lib.serve.openapi import document
from awm_lib.serve.wire import Json, refuse

MAX_ROWS = 200
"""Rows of a table in one answer."""


def rest_routes(env: Environment, episode: Episode) -> list[Route]:
    """The routes of one episode, without the pages."""
    rest = _Rest(env, episode)
    return [
        Route("/health", rest.health, methods=["GET"]),
        Route("/openapi.json", rest.openapi, methods=["GET"]),
        Route("/tools", rest.tools, methods=["GET"]),
        Route("/tools/{name}", rest.tool, methods=["GET"]),
        Route("/tools/{name}", rest.call, methods=["POST"]),
        Route("/reset", rest.reset, methods=["POST"]),
        Route("/state", rest.state, methods=["GET"]),
        Route("/state/changes", rest.changes, methods=["GET"]),
        Route("/state/tables/{name}", rest.rows, methods=["GET"]),
    ]


def describe(tool: Tool) -> dict[str, Any]:
    """A tool as GET /tools shows it."""
    return {
        "name": tool.name,
        "summary": tool.summary,
        "description": tool.description,
        "effect": tool.effect,
        "destructive": tool.destructive,
        "idempotent": tool.idempotent,
        "tags": list(tool.tags),
        "input_schema": tool.input_schema,
        "output_schema": tool.output_schema,
    }


@dataclass
class _Rest:
    env: Environment
    episode: Episode

    def __post_init__(self) -> None:
        self._described = {name: describe(tool) for name, tool in self.env.tools.items()}
        self._columns = {
            table.name: [{"name": column.name, "type": column.type} for column in table.columns]
            for table in self.env.table_list()
        }
        self._document = document(self.env)

    async def health(self, _request: Request) -> Response:
        return Json({"status": "ok", "scenario": self.env.name, "tools": len(self._described)})

    async def openapi(self, _request: Request) -> Response:
        return Json(self._document)

    async def tools(self, _request: Request) -> Response:
        return Json({"scenario": self.env.name, "tools": list(self._described.values())})

    async def tool(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name in self._described:
            return Json(self._described[name])
        return refuse("unknown_tool", f"there is no tool {name[:100]!r}: {nearest(name, self._described)}")

    async def call(self, request: Request) -> Response:
        body = await request.body()
        try:
            arguments = json.loads(body) if body.strip() else {}
        except (ValueError, RecursionError) as error:
            return refuse("invalid_arguments", f"the body is not JSON: {error}", 400)
        result = call(self.episode, request.path_params["name"], arguments)
        if result.error is None:
            return Json(result.data)
        return refuse(result.error.kind, result.error.message)

    async def reset(self, _request: Request) -> Response:
        self.episode.reset()
        return Json({"reset": True, "now": self.episode.now})

    async def state(self, _request: Request) -> Response:
        env = self.env
        tables = [
            {"name": name, "columns": columns, "rows": self.episode.rows(name, 0, 0)[1]}
            for name, columns in self._columns.items()
        ]
        return Json(
            {
                "scenario": env.name,
                "title": env.scenario.title,
                "description": env.scenario.description,
                "category": env.scenario.category,
                "user": env.context.user.model_dump(mode="json"),
                "now": self.episode.now,
                "calls": self.episode.calls,
                "tables": tables,
            }
        )

    async def changes(self, _request: Request) -> Response:
        schema = self.env.schema
        return Json({"changes": [change.plain(schema[change.table]) for change in self.episode.changes()]})

    async def rows(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._columns:
            return refuse("not_found", f"there is no table {name[:100]!r}: GET /state lists the tables")
        limit, offset = (_count(request, key, default) for key, default in (("limit", 50), ("offset", 0)))
        if limit is None or offset is None:
            return refuse("invalid_arguments", "limit and offset are whole numbers, 0 or more")
        rows, total = self.episode.rows(name, min(limit, MAX_ROWS), offset)
        return Json({"table": name, "columns": self._columns[name], "rows": rows, "total": total, "offset": offset})


def _count(request: Request, key: str, default: int) -> int | None:
    text = request.query_params.get(key)
    if text is None:
        return default
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
