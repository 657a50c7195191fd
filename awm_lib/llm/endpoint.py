"""Which endpoint and model to use, from arguments, the environment, a ``.env`` file and config.yaml, in this order."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from awm_lib.contracts.llm import Llm
from awm_lib.errors import AwmError
from awm_lib.llm.errors import AuthenticationFailed

OPENAI = "https://api.openai.com/v1"
NO_KEY = "none"
"""Sent where a server of one's own asks for no key."""
SHORTEST_SECRET = 8
"""A key shorter than this is a placeholder, and blotting it out would only garble messages."""
PROVIDER, MODEL = "AWM_SYN_LLM_PROVIDER", "AWM_SYN_OVERRIDE_MODEL"
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*\Z")


@dataclass(frozen=True)
class Endpoint:
    """One model at one address. The key is apart: in no repr, no log, no file."""

    provider: Literal["openai", "azure"]
    base_url: str
    model: str
    api_version: str | None = None
    key: SecretStr = field(default=SecretStr(NO_KEY), repr=False, compare=False)

    @property
    def label(self) -> str:
        """Model and address, for messages."""
        return f"{self.model} at {self.base_url}"

    def redact(self, text: str) -> str:
        """A text without the key, in case the endpoint repeats it."""
        secret = self.key.get_secret_value()
        return text.replace(secret, "[key]") if len(secret) >= SHORTEST_SECRET else text


def environment(directory: Path = Path()) -> dict[str, str]:
    """The variables of the process, and below them those of ``.env`` in a directory. Empty ones count as absent."""
    found = {**read_dotenv(directory / ".env"), **{name: value for name, value in os.environ.items() if value}}
    return {name: value for name, value in found.items() if value}


def read_dotenv(path: Path) -> dict[str, str]:
    """The variables of a ``.env`` file: NAME=value, ``export``, quotes and comments. Nothing if there is no file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, IsADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError):
        raise AwmError(f"{path} cannot be read", hint="it holds lines of NAME=value in UTF-8") from None
    found = {}
    for line in lines:
        match = _LINE.match(line)
        if match and not line.lstrip().startswith("#"):
            found[match.group(1)] = _unquoted(match.group(2))
    return found


def _unquoted(text: str) -> str:
    if text[:1] in ("'", '"'):
        end = text.find(text[0], 1)
        return text[1:end] if end > 0 else text[1:]
    return re.split(r"\s+#", text, maxsplit=1)[0]


def chosen_provider(configured: str, variables: Mapping[str, str]) -> str:
    """The provider: the environment's, else the configured one. Raises AwmError for one that does not exist."""
    name = variables.get(PROVIDER, configured).strip().lower()
    if name not in ("offline", "openai", "azure"):
        raise AwmError(f"{PROVIDER}: there is no provider {name!r}", hint="there are: offline, openai, azure")
    return name


def model_name(settings: Llm, variables: Mapping[str, str]) -> str:
    """The model: the environment's, else the configured one; empty if neither names one."""
    return variables.get(MODEL) or settings.model


def resolve_endpoint(
    settings: Llm,
    *,
    provider: str = "openai",
    base_url: str | None = None,
    model: str | None = None,
    variables: Mapping[str, str] | None = None,
) -> Endpoint:
    """The endpoint to use. Arguments win over the environment, the environment over the settings.

    Raises AwmError if no model is named, AuthenticationFailed if the endpoint needs a key and there is none.
    """
    known = environment() if variables is None else variables
    chosen = model or model_name(settings, known)
    if not chosen:
        raise AwmError("no model is named", hint=f"set llm.model in config.yaml, or {MODEL}")
    if provider == "azure":
        return _azure(settings, chosen, base_url, known)
    url = (base_url or known.get("OPENAI_BASE_URL") or settings.base_url or OPENAI).rstrip("/")
    key = known.get("OPENAI_API_KEY")
    if key is None and url == OPENAI:
        raise AuthenticationFailed("there is no key for OpenAI", hint="set OPENAI_API_KEY, or put it into .env")
    return Endpoint("openai", _checked(url), chosen, key=SecretStr(key or NO_KEY))


def embedding_endpoint(settings: Llm, variables: Mapping[str, str] | None = None) -> Endpoint:
    """The endpoint of embeddings: ``EMBEDDING_OPENAI_*``, else the same as for replies. Raises as that does."""
    known = dict(environment() if variables is None else variables)
    if "EMBEDDING_OPENAI_BASE_URL" in known:  # another host: it does not get the key of the first
        known["OPENAI_BASE_URL"] = known["EMBEDDING_OPENAI_BASE_URL"]
        known.pop("OPENAI_API_KEY", None)
    if "EMBEDDING_OPENAI_API_KEY" in known:
        known["OPENAI_API_KEY"] = known["EMBEDDING_OPENAI_API_KEY"]
    return resolve_endpoint(settings, model=settings.embeddings.model, variables=known)


def _azure(settings: Llm, model: str, base_url: str | None, known: Mapping[str, str]) -> Endpoint:
    url = base_url or known.get("AZURE_ENDPOINT_URL") or settings.base_url
    if not url:
        raise AwmError("there is no address of the Azure resource", hint="set AZURE_ENDPOINT_URL or llm.base_url")
    key = known.get("AZURE_OPENAI_API_KEY")
    if not key:
        raise AuthenticationFailed("there is no key for Azure", hint="set AZURE_OPENAI_API_KEY, or put it into .env")
    version = known.get("OPENAI_API_VERSION") or settings.api_version
    return Endpoint("azure", _checked(url.rstrip("/")), model, version, SecretStr(key))


def _checked(url: str) -> str:
    """An address without user and password, which would end up in messages."""
    if not re.match(r"https?://[^/\s]+", url):
        raise AwmError("the endpoint's address is not a URL", hint="such as http://127.0.0.1:8000/v1")
    if "@" in url.split("://", 1)[1].split("/", 1)[0]:
        raise AwmError("the endpoint's address has a user or password in it", hint="give the key as OPENAI_API_KEY")
    return url
