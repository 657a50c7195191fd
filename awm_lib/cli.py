"""The console command ``awm``: finds the command's module, and turns its errors into messages.

A command is a module under ``awm_lib.commands`` with two functions::

    def add_arguments(parser: argparse.ArgumentParser) -> None: ...
    def run(args: argparse.Namespace) -> int: ...        # the exit code

Nothing but that module is imported, so a stage command pays only for what it uses. To add a command, write its
module and add a line to ``COMMANDS``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NamedTuple


class Command(NamedTuple):
    """Where a command lives, and the line that ``awm --help`` shows for it."""

    module: str
    help: str
    group: str


STAGES = "Stages of a build (the workflow runs these)"
PEOPLE = "For people"

COMMANDS: dict[str, Command] = {
    "scenarios": Command("awm_lib.commands.scenarios", "write the catalogue of scenarios", STAGES),
    "synthesize": Command("awm_lib.commands.synthesize", "make the files that a provider writes", STAGES),
    "database": Command("awm_lib.commands.database", "compile schema and rows to seed.sqlite", STAGES),
    "server": Command("awm_lib.commands.server", "compile spec.json to server.py", STAGES),
    "oracle": Command("awm_lib.commands.oracle", "resolve and execute the solving calls of the tasks", STAGES),
    "verifier": Command("awm_lib.commands.verifier", "compile oracle.json to verifier.py", STAGES),
    "certify": Command("awm_lib.commands.certify", "execute the checks of an environment's certificate", STAGES),
    "gate": Command("awm_lib.commands.gate", "judge the certificates of a build", STAGES),
    "write": Command("awm_lib.commands.write", "have a language model write a stage's files", STAGES),
    "solve": Command("awm_lib.commands.solve", "have a language model attempt the tasks", STAGES),
    "statistics": Command("awm_lib.commands.statistics", "tabulate all environments, or report on them", STAGES),
    "summary": Command("awm_lib.commands.summary", "say what is built, and what to try next", PEOPLE),
    "stats": Command("awm_lib.commands.stats", "ask what the built environments contain, in SQL", PEOPLE),
    "cost": Command("awm_lib.commands.cost", "say what language models cost so far, and will", PEOPLE),
    "serve": Command("awm_lib.commands.serve", "serve an environment over MCP and REST, with a page", PEOPLE),
    "check": Command("awm_lib.commands.check", "list the tools of a running server, or start and check all", PEOPLE),
    "evaluate": Command("awm_lib.commands.evaluate", "run an agent on built environments, and score it", PEOPLE),
    "verify": Command("awm_lib.commands.verify", "score the stored trials of an evaluation again", PEOPLE),
    "eval": Command("awm_lib.commands.eval", "view, export and compare evaluations", PEOPLE),
    "pin": Command("awm_lib.commands.pin", "keep a hand edit of a built file for good", PEOPLE),
    "unpin": Command("awm_lib.commands.unpin", "give a pinned file back to its stage", PEOPLE),
    "pack": Command("awm_lib.commands.pack", "check and preview a domain pack", PEOPLE),
    "docs": Command("awm_lib.commands.docs", "write the generated pages of the documentation", PEOPLE),
}

INTERRUPTED = 130
BROKEN_PIPE = 141
USAGE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 2 a mistake of the user, 130 interrupted.

    A user's mistake (``AwmError``, or a file that cannot be used) is one message on stderr without a traceback;
    ``AWM_DEBUG=1`` adds the traceback. Any other exception is a bug of ours and propagates.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    return guard(lambda: _dispatch(words))


def guard(command: Callable[[], int]) -> int:
    """Run something for a person and return its exit code; errors become messages as ``main`` says."""
    try:
        code = command()
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return BROKEN_PIPE
    except OSError as error:
        if error.filename is None or os.environ.get("AWM_DEBUG"):
            raise
        _complain(f"{os.fspath(error.filename)!s}: {(error.strerror or str(error)).lower()}", None)
        return USAGE
    except Exception as error:
        from awm_lib.errors import AwmError

        if not isinstance(error, AwmError) or os.environ.get("AWM_DEBUG"):
            raise
        _complain(error.message, error.hint)
        return error.exit_code


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(overview())
        return 0 if words else USAGE
    if words[0] == "--version":
        from importlib.metadata import version

        print(f"awm {version('awm-lib')}")
        return 0
    name, rest = words[0], words[1:]
    if name not in COMMANDS:
        from awm_lib.errors import nearest

        _complain(f"there is no command {name!r}", nearest(name, COMMANDS) + " `awm --help` lists them all")
        return USAGE
    return _run(name, rest)


def _run(name: str, rest: list[str]) -> int:
    import argparse

    module = import_module(COMMANDS[name].module)
    summary = (module.__doc__ or COMMANDS[name].help).strip()
    parser = argparse.ArgumentParser(
        prog=f"awm {name}", description=summary, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    module.add_arguments(parser)
    try:
        args = parser.parse_args(rest)
    except SystemExit as stop:  # argparse has said what is wrong, or shown the help
        return stop.code if isinstance(stop.code, int) else USAGE
    if COMMANDS[name].group != STAGES or not hasattr(args, "directory"):
        return int(module.run(args))
    from awm_lib.timings import Timer

    timer = Timer()
    code = int(module.run(args))
    if code == 0:
        timer.record(args.directory, f"{name} {args.stage}" if hasattr(args, "stage") else name)
    return code


def overview() -> str:
    """The list of commands by group, made without importing any of them."""
    lines = ["usage: awm <command> [arguments]        awm <command> --help explains one", ""]
    width = max(map(len, COMMANDS))
    for group in (PEOPLE, STAGES):
        lines.append(f"{group}:")
        lines += [f"  {name:<{width}}  {entry.help}" for name, entry in COMMANDS.items() if entry.group == group]
        lines.append("")
    return "\n".join(lines).rstrip()


def _complain(message: str, hint: str | None) -> None:
    sys.stdout.flush()
    print(f"error: {message}", file=sys.stderr)
    for line in (hint or "").splitlines():
        print(f"  {line}", file=sys.stderr)


def _silence_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush does not complain about the closed pipe."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)


if __name__ == "__main__":
    sys.exit(main())
