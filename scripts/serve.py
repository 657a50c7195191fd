"""python scripts/serve.py e_commerce_33: serve an environment over MCP and REST, building it first if needed."""

import argparse
import sys

from awm_lib.commands import serve
from awm_lib.serve.server import run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python scripts/serve.py", description=serve.__doc__)
    serve.add_arguments(parser)
    options = parser.parse_args()
    sys.exit(run(lambda: serve.run(options)))
