"""Opens many episodes of an environment and says what that took: open_episodes.py DIRECTORY COUNT."""

from __future__ import annotations

import gc
import json
import sys
import time

import psutil

from awm_lib.runtime import Environment


def main(directory: str, number: int) -> None:
    """Print seconds and bytes as JSON."""
    environment = Environment.load(directory)
    tool = next(t for t in environment.tools.values() if not t.writes and not t.input_schema.get("required"))
    environment.start().call(tool.name, {})
    gc.collect()
    process = psutil.Process()
    before = process.memory_info().rss
    began = time.perf_counter()
    episodes = [environment.start() for _ in range(number)]
    seconds = time.perf_counter() - began
    opened = process.memory_info().rss - before
    for episode in episodes:
        episode.call(tool.name, {})
    called = process.memory_info().rss - before
    image = len(environment.image)
    print(json.dumps({"seconds": seconds, "bytes": opened, "called_bytes": called, "image_bytes": image}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
