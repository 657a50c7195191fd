"""Look at evaluations: view opens a page, export writes it as files, compare sets two runs against each other, show
prints a summary.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from awm_lib.serve.server import DEFAULT_HOST, listen

DEFAULT_PORT = 8002


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the four actions."""
    parser.add_argument("--results", type=Path, default=Path("results"), help="where the build is (default results)")
    actions = parser.add_subparsers(dest="action", required=True, metavar="view|export|compare|show")

    view = actions.add_parser("view", help="serve a page over all runs, and open it at one")
    view.add_argument("run", nargs="?", help="a run's directory or name (default: the list of runs)")
    view.add_argument("--host", default=DEFAULT_HOST, help="address to listen on (default %(default)s)")
    view.add_argument("--port", type=int, default=DEFAULT_PORT, help="port, 0 for any free one (default %(default)s)")
    view.add_argument("--no-open", action="store_true", help="print the address, and open no browser")

    export = actions.add_parser("export", help="write the page over some runs as files that need no server")
    export.add_argument("runs", nargs="+", help="directories or names of runs")
    export.add_argument("--to", type=Path, required=True, help="the folder to write")

    compare = actions.add_parser("compare", help="the paired difference of two runs, with its interval")
    compare.add_argument("one", help="a run's directory or name")
    compare.add_argument("other", help="another's")
    compare.add_argument("--json", action="store_true", help="print everything as JSON")

    show = actions.add_parser("show", help="print a run's summary")
    show.add_argument("run", help="a run's directory or name")


def run(arguments: argparse.Namespace) -> int:
    """Do what is asked for."""
    return {"view": _view, "export": _export, "compare": _compare, "show": _show}[arguments.action](arguments)


def _view(arguments: argparse.Namespace) -> int:
    from awm_lib.errors import AwmError
    from awm_lib.evaluation.find import find_run
    from awm_lib.evaluation.store import EVALS
    from awm_lib.evaluation.viewer.server import serve

    evals, fragment = arguments.results / EVALS, ""
    if arguments.run is not None:
        home = find_run(arguments.run, arguments.results).home
        evals, fragment = home.parent, f"#/run/{home.name}"
    elif not evals.is_dir():
        raise AwmError(f"there are no runs in {evals}", hint="python scripts/evaluate.py --agent oracle")
    with listen(arguments.host, arguments.port) as listener:
        serve(evals, listener, arguments.host, fragment, browse=not arguments.no_open)
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from awm_lib.evaluation.find import find_run
    from awm_lib.evaluation.viewer.export import export

    stores = [find_run(run, arguments.results) for run in dict.fromkeys(arguments.runs)]
    count = export(stores, arguments.to)
    print(f"{count:,} files: open {arguments.to / 'index.html'}")
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    from awm_lib.evaluation.compare import Side, compare, comparison_text
    from awm_lib.evaluation.find import find_run

    found = compare(*(Side.read(find_run(run, arguments.results)) for run in (arguments.one, arguments.other)))
    print(found.encode().decode() if arguments.json else comparison_text(found), end="" if arguments.json else "\n")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    from awm_lib.errors import ContractError
    from awm_lib.evaluation.find import find_run
    from awm_lib.evaluation.report import read_summary
    from awm_lib.evaluation.text import summary_text

    store = find_run(arguments.run, arguments.results)
    summary = read_summary(store.home)
    if summary is None:
        raise ContractError(f"{store.home} is not finished", hint="the same evaluation goes on with it")
    print(summary_text(summary, store.home))
    return 0
