"""Verdicts: whether a final state and an answer are what a task asks for.

Compiled ``verifier.py`` files import their vocabulary from here.
"""

from awm_lib.runtime.state import State
from awm_lib.verify.answers import Answer
from awm_lib.verify.expected import Expected, Rules, delete, insert, update
from awm_lib.verify.judge import judge, unproven
from awm_lib.verify.matchers import contains, day, key, like, moment, near, non_empty, varies
from awm_lib.verify.verdict import Verdict

__all__ = [
    "Answer",
    "Expected",
    "Rules",
    "State",
    "Verdict",
    "contains",
    "day",
    "delete",
    "insert",
    "judge",
    "key",
    "like",
    "moment",
    "near",
    "non_empty",
    "unproven",
    "update",
    "varies",
]
