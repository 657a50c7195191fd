"""The ``llm:`` section of config.yaml: which model writes and solves, and what it may cost."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from awm_lib.contracts.base import Contract

Provider = Literal["offline", "openai", "azure"]
Structured = Literal["auto", "schema", "json", "text"]
Path = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Dollars = Annotated[float, Field(ge=0)]


class Price(Contract):
    """What a model costs, in US dollars per million tokens."""

    model: str
    """The model's name, or the beginning of its name."""
    input: Dollars
    output: Dollars
    cached_input: Dollars | None = None
    """For input that the endpoint had cached; by default the price of input."""


class Embeddings(Contract):
    """How texts are compared to find scenarios that are too much alike."""

    provider: Literal["local", "openai"] = "local"
    """``local`` is a small model on this machine (``make install-embeddings``); ``openai`` an endpoint's."""
    model: str = "text-embedding-3-small"
    """The endpoint's model."""
    similarity: Annotated[float, Field(gt=0, le=1)] = 0.85
    """The cosine similarity from which two scenarios count as the same."""
    per_category: Annotated[int, Field(ge=1)] = 80
    """Most scenarios of one category."""


class Llm(Contract):
    """The settings of language models."""

    model: str = ""
    """The model's name, or the deployment's on Azure. ``AWM_SYN_OVERRIDE_MODEL`` wins."""
    base_url: str | None = None
    """The address of an OpenAI-compatible endpoint, such as ``http://127.0.0.1:8000/v1``; ``OPENAI_BASE_URL`` wins."""
    api_version: str = "2025-01-01-preview"
    """The version of Azure's interface."""
    directory: Path = ".llm"
    """Where replies, the ledger and accepted scenarios are kept. No rule and no ``make clean`` deletes it."""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    """Sent if given and if the model takes it."""
    max_tokens: Annotated[int, Field(ge=256)] | None = None
    """Most tokens of one reply; by default the endpoint's own limit."""
    extra_body: dict[str, Any] = {}
    """Further fields of each request, such as ``{reasoning_effort: low}``."""
    structured: Structured = "auto"
    """How JSON is asked for: by ``schema``, ``json`` mode or plain ``text``. ``auto`` finds out and remembers it."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 4
    """Most requests for one stage of one scenario: the first, and corrections with exact findings."""
    timeout: Annotated[float, Field(gt=0)] = 900
    """Seconds for a whole reply, however slowly it comes."""
    retries: Annotated[int, Field(ge=0)] = 6
    """How often a request is sent again after a lost connection, a timeout or an error of the server."""
    backoff: Annotated[float, Field(gt=0)] = 1.0
    """Seconds before the first retry; it doubles with each, up to a minute, with jitter. ``Retry-After`` wins."""
    patience: Annotated[float, Field(ge=0)] = 3600
    """Most seconds that a request waits because the endpoint says that there are too many (429)."""
    concurrency: Annotated[int, Field(ge=1, le=1024)] = 24
    """Requests at once, over all jobs of the build. Run a third more jobs than this (``-j 32``): a job also checks."""
    tokens_per_minute: Annotated[int, Field(ge=1000)] | None = None
    """Tokens (input and output) per minute, over all jobs of the build."""
    max_cost_usd: Dollars | None = None
    """What all requests of the ledger may cost. A run stops before it is passed, and goes on when it is raised."""
    prices: list[Price] = []
    """Prices of models, for the ledger, ``awm cost`` and ``max_cost_usd``."""
    replay: bool = False
    """Take kept replies only, and send nothing."""
    on_unproven: Literal["replace", "drop", "keep"] = "replace"
    """What becomes of a task whose proof still fails after its attempts: ``replace`` asks for another task once (then
    drops), ``drop`` leaves it out, ``keep`` leaves it in, and the certificate fails."""
    min_tasks: Annotated[int, Field(ge=1)] = 5
    """Fewest proven tasks with which an environment stands; below, its last stage fails."""
    solve: Annotated[int, Field(ge=0, le=32)] = 0
    """How often a model that sees only instruction and tools attempts each task; 0 leaves this stage out."""
    seeds: Path = "resources/seeds.jsonl"
    """The first scenarios, a line of JSON for each; more are made after their model. It is never written."""
    suitability: Annotated[int, Field(ge=1, le=10)] = 6
    """From which score (1 to 10) a proposed scenario is kept: how well its data and rules can be simulated."""
    embeddings: Embeddings = Embeddings()
    """How scenarios are compared."""
