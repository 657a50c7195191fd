"""tasks.json, oracle.json, spec.json and seed.sqlite -> verifier.py: readable Python, the same bytes every time."""

from __future__ import annotations

import difflib
import json
import textwrap
from typing import TYPE_CHECKING, Any

from awm_lib import sqltext
from awm_lib.contracts.oracle import Solution
from awm_lib.contracts.tasks import AnswerForm, Task
from awm_lib.errors import ContractError, StaleView, SynthesisError
from awm_lib.memo import Memo, digest
from awm_lib.oracles.relations import Derived, derive, rules_of
from awm_lib.textfile import demand_file
from awm_lib.verify import matchers
from awm_lib.verify.expected import Expected

if TYPE_CHECKING:
    from awm_lib.runtime.environment import Environment, Verifier

WIDTH = 116
_TEXTS: Memo[str] = Memo(16)


def compile_verifier(environment: Environment) -> str:
    """The text of verifier.py.

    A task whose solution does not go as it says gets a verifier that never says complete, with the reason.
    """
    sources = (environment.scenario, environment.tasks, environment.spec, environment.oracle, environment.image)
    return _TEXTS.get(digest(*sources), lambda: _compile(environment))


def _compile(environment: Environment) -> str:
    solutions = {solution.task: solution for solution in environment.oracle.solutions}
    functions, used = [], {"State", "Verdict", "judge"}
    for task in environment.tasks.tasks:
        functions.append(_function(environment, task, solutions.get(task.id), used))
    names = "\n".join(f'    "{task.id}": verify_{task.id},' for task in environment.tasks.tasks)
    head = f'''"""Verifiers of {environment.name}: {sqltext.in_docstring(environment.scenario.title)}.

Compiled from tasks.json, oracle.json, spec.json and seed.sqlite; edit those. Each function judges the state before
and after a run, and the answer given. A run is complete if its goal holds, it changed exactly the expected rows, and
its
answer is right. Keys of new rows, moments and days are matched by relation, since they differ from run to run.
"""

{_imports(used)}
'''
    return head + "".join(functions) + f"\n\nVERIFIERS = {{\n{names}\n}}\n"


def load_verifiers(environment: Environment) -> dict[str, Verifier]:
    """Compile the verifiers and make them callable.

    What runs is the recompiled text; a verifier.py that differs from it raises StaleView with the difference. Only a
    text that is known to be what recompilation gives is taken as it is.
    """
    text = environment.known_verifier
    if text is None:
        text = compile_verifier(environment)
        if environment.directory is not None:
            check_equal(environment.directory / "verifier.py", text)
    namespace: dict[str, Any] = {"__name__": f"verifiers_of_{environment.name}"}
    exec(compile(text, f"<verifier.py of {environment.name}>", "exec"), namespace)
    verifiers: dict[str, Verifier] = namespace["VERIFIERS"]
    return verifiers


def check_equal(path: Any, text: str) -> None:
    """Raise StaleView, with the difference, unless a file has exactly this text."""
    demand_file(path)
    try:
        found = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ContractError(f"{path} does not exist", hint=f"build it: snakemake {path}") from None
    except UnicodeDecodeError:
        found = ""
    if found == text:
        return
    difference = difflib.unified_diff(
        found[: 2 * len(text)].splitlines(),
        text.splitlines(),
        f"{path} (as it is)",
        f"{path} (recompiled)",
        lineterm="",
        n=1,
    )
    shown = list(difference)[:30]
    raise StaleView(
        f"{path} is not what its sources compile to, so it is not run:\n" + "\n".join(f"  {line}" for line in shown),
        hint=f"edit the sources instead, then: rm {path} && snakemake {path}",
    )


def _imports(used: set[str]) -> str:
    names = sorted(used, key=lambda name: (not name[0].isupper(), name))
    line = f"from awm_lib.verify import {', '.join(names)}"
    if len(line) <= WIDTH:
        return line
    return "from awm_lib.verify import (\n" + "".join(f"    {name},\n" for name in names) + ")"


def _function(environment: Environment, task: Task, solution: Solution | None, used: set[str]) -> str:
    doc = textwrap.fill(task.instruction, 108, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
    doc = sqltext.in_docstring(doc)
    if doc.endswith('"'):
        doc += " "
    head = f'''

def verify_{task.id}(initial: State, final: State, answer: str | None) -> Verdict:
    """
{doc}
    """
'''
    try:
        if solution is None:
            raise SynthesisError(f"task {task.id} has no solution in oracle.json")
        derived = derive(environment, task, solution)
    except SynthesisError as error:
        used.add("unproven")
        return head + f"    return unproven({literal(error.message)})\n"
    arguments = ["initial", "final", "answer"]
    if solution.goal is not None:
        arguments.append(f"goal={sql_literal(solution.goal, 8)}")
    sets = ",\n".join(_changes(changes, used) for changes in derived.accepted)
    arguments.append(f"accepted=[\n{sets},\n        ]" if any(derived.accepted) else "accepted=[[]]")
    rules = rules_of(solution)
    if rules.ignored or rules.history:
        used.add("Rules")
        parts = [
            f"{name}={sorted(values)!r}"
            for name, values in (("ignored", rules.ignored), ("history", rules.history))
            if values
        ]
        arguments.append(f"rules=Rules.of({', '.join(parts)})".replace("'", '"'))
    if task.answer is not None:
        used.add("Answer")
        arguments.append(f"expected_answer={_answer(task.answer, solution, derived)}")
    body = "".join(f"        {argument},\n" for argument in arguments)
    return f"{head}    return judge(\n{body}    )\n"


def sql_literal(sql: str, indent: int) -> str:
    """A statement as Python source: on one line if it fits, else laid out in a triple-quoted text."""
    lines = sqltext.pretty(sql, WIDTH - indent - 8).split("\n")
    flat = " ".join(line.strip() for line in lines)
    if len(flat) <= WIDTH - indent - 16:
        return literal(flat)
    if any('"""' in line or "\\" in line or sqltext.CONTROL.search(line) for line in lines):
        return literal(sqltext.pretty(sql, 10_000))
    pad = " " * (indent + 4)
    return '"""\n' + "\n".join(pad + line for line in lines) + "\n" + " " * indent + '"""'


def _answer(form: AnswerForm, solution: Solution, derived: Derived) -> str:
    assert solution.answer is not None
    value = solution.answer.value if solution.answer.source is None else derived.answer
    parts = [literal(form.type), literal(value)]
    if form.unit:
        parts.append(f"unit={literal(form.unit)}")
    if form.ordered:
        parts.append("ordered=True")
    if form.tolerance:
        parts.append(f"tolerance={form.tolerance!r}")
    return f"Answer({', '.join(parts)})"


def _changes(changes: list[Expected], used: set[str]) -> str:
    if not changes:
        return "            []"
    return (
        "            [\n" + "".join(f"                {_change(item, used)},\n" for item in changes) + "            ]"
    )


def _change(item: Expected, used: set[str]) -> str:
    used.add(item.kind)
    key = literal(item.key[0] if len(item.key) == 1 else item.key)
    if item.kind == "delete":
        return f"delete({literal(item.table)}, {key})"
    cells = [f"{literal(name)}: {_cell(value, used)}" for name, value in item.cells.items()]
    head = f"{item.kind}({literal(item.table)}, {literal(item.label) if item.kind == 'insert' else key}, "
    flat = head + "{" + ", ".join(cells) + "})"
    if len(flat) <= WIDTH - 17:
        return flat
    pad = " " * 20
    return head + "{\n" + "".join(f"{pad}{cell},\n" for cell in cells) + " " * 16 + "})"


def _cell(value: Any, used: set[str]) -> str:
    if not isinstance(value, matchers.Matcher):
        return literal(value)
    name = type(value).__name__
    used.add(name)
    if isinstance(value, matchers.key):
        return f"key({literal(value.label)}{f', plus={value.plus}' if value.plus else ''})"
    if isinstance(value, matchers.moment):
        parts = [f"after={value.after}"] if value.after else []
        parts += [f"slack={value.slack}"] if value.slack else []
        return f"moment({', '.join(parts)})"
    if isinstance(value, matchers.day):
        return f"day({f'after={value.after}' if value.after else ''})"
    if isinstance(value, matchers.like):
        return f"like({', '.join(_cell(part, used) for part in value.parts)})"
    if isinstance(value, matchers.contains):
        return f"contains({literal(value.text)})"
    if isinstance(value, matchers.near):
        return f"near({value.value!r}, {value.within!r})"
    return f"{name}()"


def literal(value: Any) -> str:
    """A value as Python source, texts in double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple):
        return "(" + ", ".join(literal(item) for item in value) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, list):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    return repr(value)
