"""Values that a JSON Schema accepts, for tools of which nothing else is known."""

from __future__ import annotations

import random
from typing import Any

WORDS = ("blue", "urgent", "as discussed", "spare part", "North entrance")


def sample_object(schema: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Arguments: all that are required, and some of the others."""
    required = schema.get("required", [])
    return {
        name: sample(part, chance)
        for name, part in schema.get("properties", {}).items()
        if name in required or chance.random() < 0.3
    }


def sample(schema: dict[str, Any], chance: random.Random) -> Any:
    """A value of a schema; of the first of several that it allows."""
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return chance.choice(schema["enum"])
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return sample(schema[key][0], chance)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((item for item in kind if item != "null"), "null")
    return _of_kind(str(kind), schema, chance)


def _of_kind(kind: str, schema: dict[str, Any], chance: random.Random) -> Any:
    if kind in ("integer", "number"):
        low = int(schema.get("minimum", 1))
        high = int(schema.get("maximum", low + 40))
        return chance.randint(low, max(low, min(high, low + 40)))
    if kind == "boolean":
        return chance.random() < 0.5
    if kind == "array":
        return [sample(schema.get("items", {}), chance) for _ in range(max(1, int(schema.get("minItems", 1))))]
    if kind == "object":
        return sample_object(schema, chance)
    if kind == "null":
        return None
    layout = {"date": "2026-01-15", "date-time": "2026-01-15T10:00:00Z"}.get(str(schema.get("format")))
    return layout or chance.choice(WORDS)[: int(schema.get("maxLength", 100))]
