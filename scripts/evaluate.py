"""python scripts/evaluate.py --agent oracle --envs all: evaluate an agent on built environments."""

import sys

from awm_lib.cli import main

if __name__ == "__main__":
    sys.exit(main(["evaluate", *sys.argv[1:]]))
