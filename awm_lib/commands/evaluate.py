"""Evaluate an agent on built environments: trials, summary and tables under results/evals/. The same command goes on
where it was stopped. With --task and --mcp-url an agent does any task at any MCP server instead.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from awm_lib.errors import AwmError

if TYPE_CHECKING:
    from awm_lib.contracts.run import RunSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The settings of a run; docs/evaluation.md explains them."""
    parser.add_argument(
        "--agent", choices=["oracle", "noop", "random", "llm"], help="who acts (default: llm if --model)"
    )
    parser.add_argument("--run", help="name of the run (default: the agent's, or made of the model's)")
    parser.add_argument("--settings", help="all settings as JSON; the workflow gives them so")
    parser.add_argument("--results", type=Path, default=Path("results"), help="where the build is (default results)")
    parser.add_argument("--catalogue", type=Path, help="choose among the scenarios of this file only")
    parser.add_argument("--jobs", "-j", type=int, default=0, help="processes for agents without a model (default: all)")
    parser.add_argument("--fresh", action="store_true", help="delete the run's trials and begin anew")

    which = parser.add_argument_group("which trials")
    which.add_argument("--envs", default=None, help="all, a number, or names with commas between (default all)")
    which.add_argument("--split", choices=["train", "validation", "test"], help="only environments of this split")
    which.add_argument("--category", dest="categories", action="append", help="only of this category; may be repeated")
    which.add_argument("--tasks", help="only tasks with these ids, with commas between")
    which.add_argument(
        "--level",
        dest="levels",
        action="append",
        choices=["easy", "middle", "hard"],
        help="only tasks of this difficulty; may be repeated",
    )
    which.add_argument("--trials", type=int, help="trials of each task (default 1)")
    which.add_argument("--seed", type=int, help="starts the choices of the random agent (default 1)")

    model = parser.add_argument_group("the model; its key: OPENAI_API_KEY, AZURE_OPENAI_API_KEY")
    model.add_argument("--model", help="its name at the endpoint")
    model.add_argument("--base-url", help="the endpoint, such as http://127.0.0.1:8000/v1")
    model.add_argument("--provider", choices=["openai", "azure"], help="kind of endpoint (default openai-compatible)")
    model.add_argument(
        "--protocol",
        choices=["native", "meta"],
        help="function calling, or list_tools and call_tool in <tool_call> blocks (default native)",
    )
    model.add_argument(
        "--results-as", choices=["tool", "user"], help="role of results in the meta protocol (default tool)"
    )
    model.add_argument("--temperature", type=float, help="of its replies (default: the endpoint's)")
    model.add_argument("--max-tokens", type=int, help="most tokens of a reply (default 2048)")
    model.add_argument("--min-tokens", type=int, help="least tokens of a reply (vLLM)")
    model.add_argument(
        "--template-arguments", type=_object, metavar="JSON", help="arguments of the chat template (vLLM)"
    )
    model.add_argument("--extra", type=_object, metavar="JSON", help="other fields of each request")
    model.add_argument("--window", type=int, help="turns of history that it sees (default all)")
    model.add_argument("--lenient", action="store_true", default=None, help="find answers without an <answer> block")
    model.add_argument(
        "--stop-on-violation",
        action="store_true",
        default=None,
        help="end a trial at the first step against the format",
    )
    model.add_argument(
        "--price", type=float, nargs=2, metavar=("PROMPTS", "REPLIES"), help="dollars per million tokens"
    )

    limits = parser.add_argument_group("limits")
    limits.add_argument("--concurrency", type=int, help="trials at once (default 16)")
    limits.add_argument("--max-turns", type=int, help="replies in a trial (default 30)")
    limits.add_argument("--max-total-tokens", type=int, help="tokens of a trial")
    limits.add_argument("--max-seconds", type=float, help="seconds that a trial's replies may take")
    limits.add_argument("--max-cost", type=float, help="dollars that a trial may cost")
    limits.add_argument("--timeout", type=float, help="seconds for a reply (default 300)")
    limits.add_argument("--retries", type=int, help="how often a failed request is made again (default 6)")
    limits.add_argument("--backoff", type=float, help="seconds before the first retry; doubles with each (default 1)")
    limits.add_argument(
        "--patience", type=float, help="most seconds to wait while an endpoint is too busy (default 3600)"
    )

    free = parser.add_argument_group("a task of your own, at any server")
    free.add_argument("--task", help="what to do, in your words")
    free.add_argument("--mcp-url", help="the server, such as http://127.0.0.1:8001/mcp")
    free.add_argument("--save", type=Path, help="write the trajectory to this file")


_OWN = {"agent", "run", "settings", "results", "catalogue", "jobs", "fresh", "envs", "tasks", "task", "mcp_url", "save"}


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, and print what came out; 1 if a calibrating agent shows that the data set is not sound."""
    settings = _settings(arguments)
    if (arguments.task is None) != (arguments.mcp_url is None):
        raise AwmError("--task and --mcp-url go together", hint="to choose tasks by their ids: --tasks t01,t02")
    if arguments.task is not None:
        from awm_lib.evaluation.free import run_free

        return run_free(settings, arguments.task, arguments.mcp_url, arguments.save)

    from awm_lib.evaluation.run import evaluate
    from awm_lib.evaluation.store import EVALS
    from awm_lib.evaluation.text import summary_text

    try:
        summary = evaluate(
            settings, arguments.results, catalogue=arguments.catalogue, jobs=arguments.jobs, fresh=arguments.fresh
        )
    except KeyboardInterrupt:
        print("stopped; what is done is kept, and the same command goes on", file=sys.stderr)
        raise
    print(summary_text(summary, arguments.results / EVALS / summary.run))
    return 0


def _settings(arguments: argparse.Namespace) -> RunSettings:
    from awm_lib.contracts.run import RunSettings

    if arguments.settings is not None:
        return RunSettings.parse(_object(arguments.settings), "--settings")
    given: dict[str, Any] = {
        name: value for name, value in vars(arguments).items() if name not in _OWN and value is not None
    }
    given["agent"] = arguments.agent or ("llm" if arguments.model else None)
    if given["agent"] is None:
        raise AwmError("who is to act?", hint="--agent oracle, noop or random; or --agent llm --model NAME")
    if arguments.envs is not None and arguments.envs != "all":
        text = arguments.envs.strip()
        given["environments"] = int(text) if text.isascii() and text.isdigit() else _names(text)
    if arguments.tasks is not None:
        given["tasks"] = _names(arguments.tasks)
    given["name"] = arguments.run or run_name(given)
    return RunSettings.parse(given, "the command line")


def run_name(given: dict[str, Any]) -> str:
    """A name for a run: the agent's, or the model's and what else differs from the defaults in how it acts."""
    if given["agent"] != "llm":
        return str(given["agent"])
    parts = [str(given.get("model", "llm")).rsplit("/", 1)[-1]]
    parts += [str(given["protocol"])] if given.get("protocol", "native") != "native" else []
    parts += [f"t{given['temperature']:g}"] if "temperature" in given else []
    parts += [f"w{given['window']}"] if "window" in given else []
    parts += ["lenient"] if given.get("lenient") else []
    name = re.sub(r"[^a-z0-9_.-]+", "-", "-".join(parts).lower()).strip("-.")
    return name[:64] or "llm"


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is not a JSON object")
    return value
