"""What the rules run in place of ``awm``: ``python -I -S awm_lib/stage.py <command> <arguments>``.

A script's byte code is never cached, so this file only names the module that does the work.
"""

import sys

sys.path.insert(0, __file__.rpartition("/awm_lib/")[0])

from awm_lib.worker_client import main

main(sys.argv[1:])
