"""python scripts/check.py --url URL | --all | NAME: list a server's tools, or check environments by starting them."""

import argparse
import sys

from awm_lib.commands import check
from awm_lib.serve.server import run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python scripts/check.py", description=check.__doc__)
    check.add_arguments(parser)
    options = parser.parse_args()
    sys.exit(run(lambda: check.run(options)))
