"""python scripts/bench.py: measure the figures of docs/benchmarks.md, each beside its floor, and write that page."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # benchmarks/ is not installed

from benchmarks.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
