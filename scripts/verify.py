"""python scripts/verify.py RUN --mode code|sql: score the stored trials of a run again."""

import sys

from awm_lib.cli import main

if __name__ == "__main__":
    sys.exit(main(["verify", *sys.argv[1:]]))
