"""The comparison of a run with what a task expects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from awm_lib.runtime.state import Change, State, changes
from awm_lib.verify.answers import Answer, submitted
from awm_lib.verify.court import holds
from awm_lib.verify.expected import Expected, Rules
from awm_lib.verify.matchers import Scene, matches
from awm_lib.verify.verdict import Verdict

MAX_COMPARISONS = 100_000
"""A bound on the search for a matching of new rows, in comparisons of two rows; only contrived cases come near it."""


def judge(
    initial: State,
    final: State,
    answer: str | None,
    *,
    goal: str | None = None,
    accepted: Sequence[Sequence[Expected]] = ((),),
    rules: Rules | None = None,
    expected_answer: Answer | None = None,
) -> Verdict:
    """Decide whether a task is done.

    ``goal`` is a query over both states; ``accepted`` are the sets of changes, any one of which is right;
    ``expected_answer`` is
    compared with the submitted value of ``answer``. Complete means: the goal holds, the changes are exactly one of
    the accepted
    sets, and the answer is right.
    """
    chosen_rules = rules or Rules()
    actual = [change for change in changes(initial, final) if _counts(change, chosen_rules)]
    best: _Comparison | None = None
    for wanted in accepted:
        comparison = _compare(wanted, actual, chosen_rules, Scene(initial.now, final.now))
        if best is None or comparison.score > best.score:
            best = comparison
    assert best is not None, "a task accepts at least one set of changes"
    found = best

    @cache
    def reached() -> bool | None:
        return holds(initial, final, goal) if goal is not None else None

    answered = expected_answer.accepts(answer) if expected_answer is not None else None
    complete = found.exact and answered is not False and reached() is not False
    partial = 1.0 if complete else found.share if found.expected else 0.0
    if partial == 1.0 and not complete:
        partial = len(found.expected) / (len(found.expected) + 1)

    def evidence() -> dict[str, Any]:
        return {
            "goal": reached(),
            "expected": [item.plain() for item in found.expected],
            "missing": [item.plain() for item in found.missing],
            "unexpected": [change.plain(initial.schema[change.table]) for change in found.unexpected],
            "answer": None
            if expected_answer is None
            else {"submitted": submitted(answer), "expected": expected_answer.value, "right": answered},
        }

    return Verdict("complete" if complete else "others", round(partial, 4), evidence)


def unproven(reason: str) -> Verdict:
    """The verdict for a task whose solution does not work, so that nothing is known to be right."""
    return Verdict("others", 0.0, {"unproven": reason})


def _counts(change: Change, rules: Rules) -> bool:
    if change.kind == "insert" and change.table in rules.history:
        return False
    if change.kind == "update":
        return any((change.table, column) not in rules.ignored for column in change.columns)
    return True


class _Comparison:
    """Expected changes against actual ones."""

    def __init__(self, expected: Sequence[Expected], missing: list[Expected], unexpected: list[Change]) -> None:
        self.expected, self.missing, self.unexpected = expected, missing, unexpected
        self.exact = not missing and not unexpected
        self.share = 0.0 if unexpected or not expected else 1 - len(missing) / len(expected)
        self.score = (self.exact, -len(unexpected), -len(missing))


def _compare(expected: Sequence[Expected], actual: list[Change], rules: Rules, scene: Scene) -> _Comparison:
    inserts = [item for item in expected if item.kind == "insert" and item.table not in rules.history]
    rest = [item for item in expected if item.kind != "insert"]
    wanted = [*inserts, *rest]
    candidates = [change for change in actual if change.kind == "insert"]
    others: dict[tuple[str, str, tuple[Any, ...]], Change] = {
        (change.kind, change.table, change.key): change for change in actual if change.kind != "insert"
    }

    def settle(found: Scene, pairs: dict[int, Change]) -> _Comparison:
        missing = [item for at, item in enumerate(inserts) if at not in pairs]
        used = {id(change) for change in pairs.values()}
        for item in rest:
            change = others.get((item.kind, item.table, item.key))
            if change is not None and _same_update(item, change, rules, found):
                used.add(id(change))
            else:
                missing.append(item)
        return _Comparison(wanted, missing, [change for change in actual if id(change) not in used])

    exact = _exact_pairing(inserts, candidates, rules, scene, settle)
    if exact is not None:
        return exact
    pairs: dict[int, Change] = {}
    for at, item in enumerate(inserts):
        for change in candidates:
            trial = Scene(scene.start, scene.end, dict(scene.keys))
            if change not in pairs.values() and _same_insert(item, change, rules, trial):
                scene.keys.update(trial.keys)
                pairs[at] = change
                break
    return settle(scene, pairs)


def _exact_pairing(
    inserts: list[Expected],
    candidates: list[Change],
    rules: Rules,
    scene: Scene,
    settle: Callable[[Scene, dict[int, Change]], _Comparison],
) -> _Comparison | None:
    """Search for a pairing of all expected with all actual new rows under which nothing is missing or unexpected.

    The expected row with the fewest rows that fit goes first: parents that look the same are told apart by the rows
    that refer to them.
    """
    if sorted(item.table for item in inserts) != sorted(change.table for change in candidates):
        return None
    comparisons = 0

    def fitting(item: Expected, found: Scene, taken: set[int]) -> list[tuple[Change, Scene]]:
        nonlocal comparisons
        options = []
        for change in candidates:
            if change.table == item.table and id(change) not in taken:
                comparisons += 1
                trial = Scene(found.start, found.end, dict(found.keys))
                if _same_insert(item, change, rules, trial):
                    options.append((change, trial))
        return options

    def search(found: Scene, pairs: dict[int, Change]) -> _Comparison | None:
        if len(pairs) == len(inserts):
            comparison = settle(Scene(found.start, found.end, dict(found.keys)), pairs)
            return comparison if comparison.exact else None
        taken = {id(change) for change in pairs.values()}
        chosen: tuple[int, list[tuple[Change, Scene]]] | None = None
        for at, item in enumerate(inserts):
            if at not in pairs:
                options = fitting(item, found, taken)
                if chosen is None or len(options) < len(chosen[1]):
                    chosen = (at, options)
                if len(options) <= 1:
                    break
        assert chosen is not None
        for change, trial in chosen[1]:
            if comparisons > MAX_COMPARISONS:
                return None
            deeper = search(trial, {**pairs, chosen[0]: change})
            if deeper is not None:
                return deeper
        return None

    return search(scene, {})


def _same_insert(item: Expected, change: Change, rules: Rules, scene: Scene) -> bool:
    if change.table != item.table:
        return False
    after = change.after or {}
    if item.label and len(change.key) == 1 and not scene.bind(item.label, change.key[0]):
        return False
    return all(
        (item.table, name) in rules.ignored or matches(value, after.get(name), scene)
        for name, value in item.cells.items()
    )


def _same_update(item: Expected, change: Change, rules: Rules, scene: Scene) -> bool:
    if item.kind == "delete":
        return True
    after = change.after or {}
    changed = {column for column in change.columns if (item.table, column) not in rules.ignored}
    if changed != set(item.cells):
        return False
    return all(matches(value, after[name], scene) for name, value in item.cells.items())
