"""results/report.html: one page about a build, made from its database; the same database gives the same bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from awm_lib.statistics import figures, published, variety
from awm_lib.statistics.assets import asset
from awm_lib.statistics.index import make_index
from awm_lib.statistics.query import opened


def render(database: Path) -> bytes:
    """The page. Raises AwmError if there is no database."""
    from jinja2 import Environment, StrictUndefined

    with opened(database) as connection:
        index = make_index(connection)
        values: dict[str, Any] = {
            "totals": figures.totals(connection),
            "comparisons": figures.comparisons(connection),
            "citation": published.CITATION,
            "distributions": figures.distributions(connection),
            "shares": figures.task_shares(connection),
            "categories": figures.categories(connection),
            "checks": figures.checks(connection),
            "families": figures.families(connection),
            "failures": figures.failures(connection),
            "splits": variety.splits(connection),
            "skills": variety.skills(connection),
            "variety": variety.variety(connection),
            "pairs": variety.pairs(connection),
            "map": variety.environment_map(connection),
            "timings": variety.timings(connection),
            "blocks": index.blocks,
            "index": _script_json(index.rows),
            "style": asset("report.css"),
            "script": asset("report.js"),
        }
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(asset("report.html.j2")).render(values).encode()


def _script_json(value: Any) -> str:
    """JSON that may stand in a script element: no tag can begin in it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
