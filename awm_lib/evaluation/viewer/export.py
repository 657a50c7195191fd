"""The viewer as files that need no server: a folder to keep, to send, or to put on a web server.

Browsers let no page read files beside it, but let it load scripts; so each piece of data is a script that hands it
over. An environment's trials are in one file, which is loaded when it is looked at.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

from awm_lib import jsonfile
from awm_lib.errors import AwmError
from awm_lib.evaluation.store import Store, key_of
from awm_lib.evaluation.viewer.data import Viewer
from awm_lib.evaluation.viewer.server import SCRIPTS, page_file


def export(stores: Sequence[Store], target: Path) -> int:
    """Write the page over some runs of one directory; the number of files. Raises AwmError if it cannot be written."""
    viewer = Viewer(stores[0].home.parent)
    names = [store.home.name for store in stores]
    files: dict[str, bytes] = {name: page_file(name).encode() for name in ("index.html", "viewer.css", *SCRIPTS)}
    pieces: dict[str, Any] = {"runs": {"runs": [item for item in viewer.runs()["runs"] if item["name"] in names]}}
    for name in names:
        pieces[f"run/{name}"] = viewer.run(name)
    for one, other in permutations(names, 2):
        try:
            pieces[f"compare/{one}/{other}"] = viewer.compare(one, other)
        except AwmError as error:  # no task in common: the page says so
            pieces[f"compare/{one}/{other}"] = {"error": {"message": error.message}}
    files["data/index.js"] = _script({**pieces, "exported": True})
    try:
        for name, content in files.items():
            jsonfile.write_bytes(target / name, content)
        count = len(files)
        for store in stores:
            for scenario in store.scenarios():
                jsonfile.write_bytes(
                    target / "data" / store.home.name / f"{scenario}.js", _environment(viewer, store, scenario)
                )
                count += 1
    except OSError as error:
        raise AwmError(f"{target} cannot be written: {(error.strerror or str(error)).lower()}") from None
    return count


def _environment(viewer: Viewer, store: Store, scenario: str) -> bytes:
    run = store.home.name
    pieces: dict[str, Any] = {f"environment/{run}/{scenario}": viewer.environment(run, scenario)}
    for trial in store.read(scenario):
        key = key_of(trial)
        pieces[f"trial/{run}/{scenario}/{key.task}/{key.number}"] = {"trajectory": trial.plain()}
    return _script(pieces)


def _script(pieces: dict[str, Any]) -> bytes:
    """Data as a script; what would end or upset a script element is escaped, should somebody put it into one."""
    text = json.dumps(pieces, ensure_ascii=False, separators=(",", ":"))
    return f"receive({text.replace('<', chr(92) + 'u003c')});\n".encode()
