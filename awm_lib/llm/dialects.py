"""How an endpoint wants requests said: found out from what it refuses, and remembered for all later runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from awm_lib import jsonfile
from awm_lib.contracts.llm import Structured
from awm_lib.llm.chat import ChatRequest, Dialect
from awm_lib.llm.endpoint import OPENAI, Endpoint

_FORMAT_WORDS = ("response_format", "json_schema", "json_object", "schema", "structured", "grammar", "guided")


class Dialects:
    """The dialect of one endpoint and model, kept in a file where there is one."""

    def __init__(self, endpoint: Endpoint, structured: Structured, path: Path | None) -> None:
        self._key = f"{endpoint.model} at {endpoint.base_url}"
        self._path = path
        self._fixed = structured
        own = endpoint.provider == "azure" or endpoint.base_url == OPENAI
        self.current = self._remembered() or Dialect(max_tokens="max_completion_tokens" if own else "max_tokens")
        if structured != "auto":
            self.current = replace(self.current, mode=structured)

    def _remembered(self) -> Dialect | None:
        try:
            return Dialect(**self._read()[self._key])
        except (KeyError, TypeError):
            return None

    def _read(self) -> dict[str, dict[str, Any]]:
        if self._path is None:
            return {}
        try:
            found = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def remember(self, dialect: Dialect) -> None:
        """Use a dialect from now on: an endpoint has just answered in it."""
        self.current = dialect
        if self._path is not None and self._remembered() != dialect:
            jsonfile.write_bytes(self._path, jsonfile.encode({**self._read(), self._key: asdict(dialect)}))

    def others(self, dialect: Dialect, request: ChatRequest, said: str) -> Iterator[Dialect]:
        """What to try after an endpoint refused a request (400), the likeliest first; nothing if it is not that."""
        text = said.lower()
        if request.temperature is not None and dialect.temperature and "temperature" in text:
            yield replace(dialect, temperature=False)
        if request.max_tokens is not None and "max_" in text:
            other = "max_tokens" if dialect.max_tokens == "max_completion_tokens" else "max_completion_tokens"
            yield replace(dialect, max_tokens=other)  # type: ignore[arg-type]
        if request.output is None or self._fixed != "auto" or dialect.mode == "text":
            return
        if any(word in text for word in _FORMAT_WORDS) or not any(w in text for w in ("context", "token", "length")):
            yield replace(dialect, mode="json" if dialect.mode == "schema" else "text")
