"""A run's judgements.jsonl: what a language model says of its trials."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from awm_lib import jsonfile
from awm_lib.contracts.base import explain
from awm_lib.contracts.judgement import Judgement, JudgeVerdict, Vote
from awm_lib.contracts.summary import JudgeReport
from awm_lib.errors import ContractError
from awm_lib.evaluation.store import Store

FILE = "judgements.jsonl"


def stored_judgements(store: Store) -> list[Judgement]:
    """The judgements of a run; none if it was not judged. Raises ContractError."""
    path = store.home / FILE
    if not path.is_file():
        return []
    found = []
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True), 1):
        if line.endswith(b"\n"):
            try:
                found.append(Judgement.model_validate_json(line))
            except ValidationError as error:
                raise ContractError(
                    f"{path}, line {number} does not keep its contract:\n{explain(error)}", hint="delete the file"
                ) from None
    return found


def write_judgements(store: Store, judgements: Sequence[Judgement]) -> None:
    """Replace a run's judgements."""
    lines = [item.model_dump_json() for item in judgements]
    jsonfile.write_bytes(store.home / FILE, "".join(line + "\n" for line in lines).encode())


def settle(votes: Sequence[Vote]) -> tuple[JudgeVerdict, float]:
    """What most votes say, and how sure those are; on a tie, the verdict with more confidence in all."""
    sums: dict[JudgeVerdict, list[float]] = {}
    for vote in votes:
        sums.setdefault(vote.verdict, []).append(vote.confidence)
    verdict = max(sums, key=lambda name: (len(sums[name]), sum(sums[name])))
    return verdict, round(sum(sums[verdict]) / len(sums[verdict]), 4)


def report_of(judgements: Sequence[Judgement]) -> list[JudgeReport]:
    """What a summary says of them."""
    if not judgements:
        return []
    count = len(judgements)
    verdicts: dict[str, int] = {}
    for item in judgements:
        verdicts[item.verdict] = verdicts.get(item.verdict, 0) + 1
    agreeing = sum((item.verdict == "complete") == item.code_complete for item in judgements)
    return [
        JudgeReport(
            mode="sql",
            model=judgements[0].model,
            votes=max(len(item.votes) for item in judgements),
            trials=count,
            verdicts=dict(sorted(verdicts.items())),
            agrees_with_code=round(agreeing / count, 6),
            disagreement=round(sum(not item.unanimous for item in judgements) / count, 6),
            mean_confidence=round(sum(item.confidence for item in judgements) / count, 6),
        )
    ]
