"""The README shows real output: every block that names a built file is in that file, every command exists."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import ROOT, Project

_BLOCK = re.compile(r"<!-- results/e_commerce_33/(\S+) -->\n```\w+\n(.*?)\n```", re.S)


def test_shown_parts_of_files_are_in_the_files(finished: Project) -> None:
    blocks = _BLOCK.findall((ROOT / "README.md").read_text())
    assert {name for name, _ in blocks} >= {"server.py", "tasks.json", "oracle.json", "verifier.py", "certificate.json"}
    for name, text in blocks:
        built = (finished.results / "e_commerce_33" / name).read_text()
        # A block may leave out what stands between two of its paragraphs or calls.
        for line in text.splitlines():
            assert line.rstrip(",") in built, f"{name} has no line {line!r}"


def test_every_link_leads_somewhere() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_make_target_that_is_named_exists() -> None:
    makefile = Path(ROOT / "Makefile").read_text()
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"`make ([a-z-]+)`", page.read_text()):
            assert f"\n{target}:" in makefile, f"{page.name}: make {target}"
