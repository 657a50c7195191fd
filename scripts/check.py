"""python scripts/check.py --url URL | --all | NAME: list a server's tools, or check environments by starting them."""

import sys

from awm_lib.cli import main

if __name__ == "__main__":
    sys.exit(main(["check", *sys.argv[1:]]))
