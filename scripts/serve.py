"""python scripts/serve.py e_commerce_33: serve an environment over MCP and REST, building it first if needed."""

import sys

from awm_lib.cli import main

if __name__ == "__main__":
    sys.exit(main(["serve", *sys.argv[1:]]))
