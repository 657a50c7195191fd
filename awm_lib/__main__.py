"""``python -m awm_lib``, and ``python awm_lib``: the console command without its script on PATH."""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:  # run by its path: the package beside it is meant, not one that is installed elsewhere
    here = str(Path(__file__).resolve().parent)
    sys.path[:] = [str(Path(here).parent), *(entry for entry in sys.path if entry != here)]

from awm_lib.cli import main

if __name__ == "__main__":
    sys.exit(main())
