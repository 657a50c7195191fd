"""Parts of docs/evaluation.md that follow from the code: the settings of a run, and the tables."""

from __future__ import annotations

from awm_lib import tables
from awm_lib.contracts.run import RunSettings
from awm_lib.docs import default_text, field_docs
from awm_lib.evaluation.tables import TABLES


def settings_reference() -> str:
    """Every setting of a run as a Markdown table."""
    texts = field_docs(RunSettings)
    lines = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for name, field in RunSettings.model_fields.items():
        default = "" if field.is_required() else "none" if field.default is None else f"`{default_text(field.default)}`"
        meaning = texts[name].replace("``", "`").replace("<tool_call>", "`<tool_call>`").replace("|", "\\|")
        lines.append(f"| `{name}` | {default} | {meaning.replace('<answer>', '`<answer>`')} |")
    return "\n".join(lines) + "\n"


def reference() -> str:
    """Both parts, as they stand at the end of docs/evaluation.md."""
    return f"## Settings of a run\n\n{settings_reference()}\n## Tables of eval.duckdb\n\n{tables.reference(TABLES)}"
