"""``awm pack check NAME``: sample worlds of a pack, certify every template, and say what is wrong and where."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("action", choices=["check", "list"], help="check a pack, or list the packs")
    parser.add_argument("name", nargs="?", help="the pack")
    parser.add_argument(
        "--samples", type=int, default=3, help="worlds with all modules to fill every template in (default 3)"
    )
    parser.add_argument("--template", help="only this template")


def run(arguments: argparse.Namespace) -> int:
    """Check a pack; exit code 1 if anything is wrong."""
    from awm_lib.errors import AwmError
    from awm_lib.synthesis.offline.load import load_pack, pack_names

    if arguments.action == "list":
        print("\n".join(pack_names()))
        return 0
    if arguments.name is None:
        raise AwmError("awm pack check needs the name of a pack", hint="awm pack list")
    from awm_lib.synthesis.offline.check import check_pack

    pack = load_pack(arguments.name)
    report = check_pack(pack, arguments.samples, arguments.template)
    wrong = len(report.problems)
    for found in report.templates.values():
        if found.filled * 2 < found.tried:
            found.problems += found.unbound
        state = "ok" if not found.problems else "PROBLEMS"
        calls = f"{found.calls / found.filled:.0f}" if found.filled else "-"
        mutants = f"mutants {found.killed}/{found.made - found.equivalent} (+{found.equivalent} equivalent)"
        print(f"{found.template.name:44} {found.filled}/{found.tried} filled  calls {calls:>2}  {mutants:38} {state}")
        for problem in found.problems:
            print(f"    {problem}")
        for note in found.unbound if not found.problems else ():
            print(f"    note: {note}")
        wrong += len(found.problems)
    for line in report.worlds:
        print(line)
    for problem in report.problems:
        print(f"PROBLEM {problem}")
    tables = sum(len(module.tables) for module in pack.modules)
    business = sum(len(module.tools) for module in pack.modules)
    plain = sum(len(crud.verbs) for module in pack.modules for crud in module.crud)
    made = sum(found.made - found.equivalent for found in report.templates.values())
    killed = sum(found.killed for found in report.templates.values())
    equivalent = sum(found.equivalent for found in report.templates.values())
    print(
        f"\n{pack.head.name}: {len(pack.modules)} modules, {tables} tables, "
        f"{business + plain} tools ({business} business), "
        f"{len(report.templates)} templates, {len(pack.niches)} niches; mutants killed {killed} of {made} "
        f"(+{equivalent} equivalent); {wrong} problems"
    )
    return 1 if wrong else 0
