"""run.json: how the trials of an evaluation are made, and which trials it has."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from awm_lib.contracts.base import Contract
from awm_lib.contracts.names import ScenarioName, TaskId

AgentName = Literal["oracle", "noop", "random", "llm"]
Level = Literal["easy", "middle", "hard"]
Split = Literal["train", "validation", "test"]
RunName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.\-]{0,63}$")]
"""A directory's name, and a target's: results/evals/<name>/summary.json."""
Address = Annotated[str, StringConstraints(pattern=r"^https?://\S+$", max_length=2_000)]


class RewardScale(Contract):
    """The outcome reward of each verdict; the defaults are the paper's."""

    complete: float = 1.0
    partial: float = 0.1
    """Some of the expected changes, and nothing else."""
    others: float = 0.0
    violation: float = -1.0
    """A step against the format, which ends an episode where ``stop_on_violation`` is set."""


class RunSettings(Contract):
    """One evaluation: an agent, its limits, and the trials that it makes."""

    name: RunName
    """The directory under results/evals/."""
    agent: AgentName
    """oracle, noop and random need no model and calibrate a data set; llm asks a model."""

    environments: Annotated[int, Field(ge=1)] | list[ScenarioName] | Literal["all"] = "all"
    """All that are built, the first so many of them by name, or those named."""
    split: Split | None = None
    """Only scenarios of this split."""
    categories: list[str] = []
    """Only scenarios of these categories; empty for all."""
    tasks: list[TaskId] = []
    """Only tasks with these ids; empty for all."""
    levels: list[Level] = []
    """Only tasks of these levels of difficulty; empty for all."""
    trials: Annotated[int, Field(ge=1, le=1_000)] = 1
    """How often each task is tried."""

    seed: Annotated[int, Field(ge=0)] = 1
    """Starts the choices of the random agent."""
    random_calls: Annotated[int, Field(ge=1, le=100)] = 10
    """Calls of the random agent in a trial."""

    model: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    """The model's name at its endpoint; for a deployment of Azure, the deployment's name."""
    provider: Literal["openai", "azure"] = "openai"
    """openai for OpenAI and everything that speaks its interface, such as vLLM; azure for Azure OpenAI."""
    base_url: Address | None = None
    """The endpoint's address, such as http://127.0.0.1:8000/v1. Its key is read from the environment."""
    protocol: Literal["native", "meta"] = "native"
    """native: the API's function calling. meta: list_tools and call_tool in <tool_call> blocks, one call in a turn."""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    """Of the model's replies; by default the endpoint's own."""
    max_tokens: Annotated[int, Field(ge=1)] = 2_048
    """Most tokens of one reply."""
    min_tokens: Annotated[int, Field(ge=0)] | None = None
    """Least tokens of one reply (vLLM)."""
    template_arguments: dict[str, Any] = {}
    """Arguments of the chat template (vLLM), such as {enable_thinking: true}."""
    extra: dict[str, Any] = {}
    """Other fields of each request, as the endpoint takes them."""
    results_as: Literal["tool", "user"] = "tool"
    """The role of results in the meta protocol. An endpoint that demands function calls before results needs user."""
    window: Annotated[int, Field(ge=1)] | None = None
    """Turns of history that the model sees beside system, task and tool list; by default all. The paper's is 3."""
    lenient: bool = False
    """Take the answer from a last reply without an <answer> block, for models that were trained without it."""
    stop_on_violation: bool = False
    """End an episode at the first step against the format, as in training."""

    max_turns: Annotated[int, Field(ge=1, le=1_000)] = 30
    """Replies of the model in a trial."""
    max_total_tokens: Annotated[int, Field(ge=1)] | None = None
    """Tokens of a trial, those of prompts included."""
    max_seconds: Annotated[float, Field(gt=0)] | None = None
    """Seconds that a trial's replies may take together; waiting for a failing endpoint does not count."""
    max_cost: Annotated[float, Field(gt=0)] | None = None
    """Dollars that a trial may cost."""
    timeout: Annotated[float, Field(gt=0)] = 300
    """Seconds for a whole reply, after which a request has failed."""
    retries: Annotated[int, Field(ge=0, le=100)] = 6
    """How often a request that failed is made again before that is recorded."""
    backoff: Annotated[float, Field(gt=0)] = 1.0
    """Seconds before the first retry; it doubles with each, up to a minute. Retry-After wins."""
    patience: Annotated[float, Field(ge=0)] = 3_600
    """Most seconds that a request waits because the endpoint says that there are too many (429)."""
    price: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    """What the model costs, in dollars per million tokens: [prompts, replies]."""
    concurrency: Annotated[int, Field(ge=1, le=10_000)] = 16
    """Trials at once."""
    rewards: RewardScale = RewardScale()
    """Rewards of verdicts: complete, partial, others, and the penalty for a step against the format."""

    @model_validator(mode="after")
    def _model_fits_agent(self) -> Self:
        if self.agent == "llm" and self.model is None:
            raise ValueError("the agent llm needs a model: give its name with --model")
        if self.max_cost is not None and self.price is None:
            raise ValueError("max_cost needs the model's price: give it with --price PROMPTS REPLIES")
        if self.agent != "llm" and self.model is not None:
            raise ValueError(f"the agent {self.agent} asks no model; did you mean --agent llm?")
        return self

    @property
    def asks_model(self) -> bool:
        """Whether trials take seconds and cost money, so that every turn is kept as it comes."""
        return self.agent == "llm"

    def identity(self) -> dict[str, Any]:
        """What makes a trial what it is. Runs that differ elsewhere only, have the same trials in common."""
        return {name: value for name, value in self.plain().items() if name not in _CHOICES}


_CHOICES = {
    "name", "environments", "split", "categories", "tasks", "levels", "trials", "concurrency", "rewards", "base_url",
    "timeout", "retries", "backoff", "patience", "price",
}  # fmt: skip
"""Settings that choose trials, or say how they are run and scored; the rest is the identity of a run."""
