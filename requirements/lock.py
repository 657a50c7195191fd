"""Write the lock files: the exact versions of everything that is installed, for `make lock`.

Three files, each complete in itself and agreeing with the first: ``runtime.txt`` (building and serving),
``dev.txt`` (also testing) and ``embeddings.txt`` (also the embedding model). They name packages and versions
only: no registry, no hashes (a CPU build of torch has another hash on each platform) and no local versions
such as ``+cpu``, which only some registries have.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
HEADER = "# Exact versions of everything that is installed. Written by `make lock` from pyproject.toml.\n"
OPTIONS = [
    "--quiet",
    "--strip-extras",
    "--no-header",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-emit-trusted-host",
    "--annotation-style=line",
]
LOCAL_VERSION = re.compile(r"^([A-Za-z0-9_.-]+==[^\s+]+)\+\S+", re.MULTILINE)
LOCKS: dict[str, list[str]] = {
    "runtime.txt": ["--build-deps-for", "editable", "--upgrade"],
    "dev.txt": ["--extra", "dev", "--constraint", "requirements/runtime.txt"],
    "embeddings.txt": ["--extra", "embeddings", "--constraint", "requirements/runtime.txt"],
}


def main() -> int:
    """Write every lock; the first failure of the resolver ends the run with its message."""
    for name, options in LOCKS.items():
        part = HERE / f".{name}.part"
        part.unlink(missing_ok=True)
        command = [sys.executable, "-m", "piptools", "compile", *OPTIONS, *options, "-o", str(part), "pyproject.toml"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            sys.stderr.write(done.stderr)
            part.unlink(missing_ok=True)
            return done.returncode
        text = LOCAL_VERSION.sub(r"\1", part.read_text())
        part.write_text(HEADER + text)
        part.replace(HERE / name)
        print(f"requirements/{name}: {text.count('==')} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
