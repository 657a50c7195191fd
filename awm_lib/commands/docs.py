"""``awm docs``: write the generated pages of the documentation, or check that they are up to date."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a page is out of date")


def run(arguments: argparse.Namespace) -> int:
    """Write or check the pages."""
    from awm_lib import jsonfile
    from awm_lib.docs import pages

    stale = [(path, data) for path, data in pages(Path()).items() if not path.is_file() or path.read_bytes() != data]
    for path, data in stale:
        print(f"{path} is out of date" if arguments.check else f"wrote {path}")
        if not arguments.check:
            jsonfile.write_bytes(path, data)
    return 1 if arguments.check and stale else 0
