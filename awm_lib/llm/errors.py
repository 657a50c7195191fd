"""What can go wrong between a request and a usable reply.

AwmError
└── LlmError
    ├── EndpointUnavailable     no connection, a server's error or a timeout, after all retries
    ├── RateLimited             too many requests for longer than we wait, or the account's quota is used up
    ├── AuthenticationFailed    no key, a wrong key, or one without access to the model
    ├── BadRequest              the endpoint does not take the request
    ├── BudgetSpent             max_cost_usd would be passed
    ├── NotRecorded             a replay that has no kept reply for a request
    └── UnusableReply           a reply came, and was paid
        ├── Refused             the model refuses
        ├── ContentFiltered     the endpoint's filter cut the reply or the request
        ├── CutOff              the reply ends at its token limit
        ├── EmptyReply          there is nothing in it
        └── MalformedReply      it is not the JSON that was asked for

No message holds a key (``awm_lib.llm.endpoint.Endpoint.redact``).
"""

from __future__ import annotations

from pathlib import Path

from awm_lib.errors import AwmError


class LlmError(AwmError):
    """Anything between a request and a usable reply."""

    transient = False
    """Whether sending the same request again may help."""

    def __init__(
        self, message: str, *, hint: str | None = None, where: str = "", raw: Path | None = None,
        retry_after: float | None = None,
    ) -> None:  # fmt: skip
        """``where`` names stage and scenario; ``raw`` is the file of the reply as it came, if one was kept;
        ``retry_after`` are the seconds that the endpoint asks to wait."""
        super().__init__(message, hint=hint)
        self.where = where
        self.raw = raw
        self.retry_after = retry_after

    def at(self, where: str, raw: Path | None = None) -> LlmError:
        """The same error, with its place."""
        self.where = self.where or where
        self.raw = self.raw or raw
        if where and not self.message.startswith(where):
            self.message = f"{where}: {self.message}"
            self.args = (self.message,)
        return self


class EndpointUnavailable(LlmError):
    """No connection, a server's error, or no reply in time."""

    transient = True


class RateLimited(LlmError):
    """The endpoint takes no more requests for now (429)."""

    transient = True


class AuthenticationFailed(LlmError):
    """The endpoint does not accept the key, or the key may not use the model."""


class BadRequest(LlmError):
    """The endpoint does not take the request."""

    is_about_form = True
    """Whether another form of the same request may be taken; not if the model or the address is wrong."""


class BudgetSpent(LlmError):
    """One more request could cost more than ``max_cost_usd`` allows."""


class NotRecorded(LlmError):
    """A replay has no kept reply for a request."""


class UnusableReply(LlmError):
    """A reply came, but nothing can be made of it."""


class Refused(UnusableReply):
    """The model refuses to do it."""


class ContentFiltered(UnusableReply):
    """The endpoint's content filter stepped in."""


class CutOff(UnusableReply):
    """The reply ends at its token limit."""


class EmptyReply(UnusableReply):
    """The reply has no text."""


class MalformedReply(UnusableReply):
    """The reply is not the JSON that was asked for."""
