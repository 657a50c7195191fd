"""What every stage would compute first, computed once in the worker: templates, and schemas of replies."""

from __future__ import annotations

from awm_lib.llm.strict import output_schema
from awm_lib.synthesis.llm import replies
from awm_lib.synthesis.llm.prompts import compile_all


def warm() -> None:
    """Fill the caches of this process, from which the stages' processes are forked."""
    compile_all()
    for stage in ("Tasks", "Schema", "Rows", "Tools", "Solutions"):
        output_schema(getattr(replies, f"{stage}Reply"))
