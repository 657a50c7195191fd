"""Replies, kept by what was asked: a file for each, written before anybody works with it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from awm_lib import jsonfile
from awm_lib.llm.chat import ChatReply, ChatRequest, Dialect
from awm_lib.llm.errors import NotRecorded


def request_key(model: str, request: ChatRequest, sample: int = 0) -> str:
    """The hash of what a reply depends on, 40 hex digits. ``sample`` tells apart requests for another try."""
    asked = json.dumps([model, request.plain(), sample], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()[:40]


class Cache:
    """A directory of kept replies. Two processes that keep the same one write the same file, whole."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, key: str) -> Path:
        """Where the reply of a key is kept."""
        return self.directory / key[:2] / f"{key}.json"

    def get(self, key: str) -> ChatReply | None:
        """The kept reply; None if there is none, or the file is damaged."""
        try:
            return ChatReply.of(json.loads(self.path(key).read_bytes())["reply"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, key: str, model: str, request: ChatRequest, reply: ChatReply) -> None:
        """Keep a reply, with its request, so that a person can see what was asked."""
        kept = {"model": model, "request": request.plain(), "reply": reply.plain()}
        jsonfile.write_bytes(self.path(key), jsonfile.encode(kept))


class ReplayTransport:
    """Answers nothing: whatever is not kept is an error."""

    async def send(self, request: ChatRequest, dialect: Dialect) -> ChatReply:
        """Raise NotRecorded."""
        raise NotRecorded("no reply is kept for this request", hint="run it once with llm.replay=false")

    async def close(self) -> None:
        """Nothing to close."""
