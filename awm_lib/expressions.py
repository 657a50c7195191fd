"""A small expression language: what packs compute rows with, and what oracles give as sources.

The syntax is a part of Python's expressions: literals, names, ``a.b`` (a field of a record), ``a[0]``, calls of the
functions that the scope offers, arithmetic, comparisons, ``and or not``, ``x if c else y``, f-strings, lists,
records ``{'k': v}`` and list comprehensions. There are no methods, no lambdas, no assignments and no attributes of
Python objects. Text is parsed with ``ast`` and turned into closures over this fixed set of node types; nothing is
ever handed to ``eval``, so an expression that a file or a model brought can compute a value and nothing else.
"""

from __future__ import annotations

import ast
import operator
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from awm_lib.errors import ExpressionError, nearest

Scope = Mapping[str, Any]
Evaluate = Callable[[Scope], Any]

MAX_LENGTH = 4_000
MAX_TEXT = 100_000
MAX_STEPS = 100_000
"""Items of comprehensions, and every hundred characters of texts made, in one evaluation."""
MAX_PARTS = 200_000
"""Values in a list, those of the lists within it included: a list may hold another many times over."""
MAX_BITS = 4_096
"""The size of a product of whole numbers, which have no bound of their own."""


class _Work(threading.local):
    """Steps that the evaluation of this thread may still take."""

    left = MAX_STEPS


_work = _Work()


def spend(steps: int) -> None:
    """Count steps of an evaluation. Raises ExpressionError when it has taken too many."""
    _work.left -= steps
    if _work.left < 0:
        raise ExpressionError("it takes too many steps")


_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}


class Expression:
    """A parsed expression. Evaluate it with ``expression(scope)``."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise ExpressionError(f"an expression of {len(text):,} characters is too long (at most {MAX_LENGTH:,})")
        self.text = text
        try:
            self.tree = ast.parse(text.strip(), mode="eval").body
            self._evaluate = _compile(self.tree)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ExpressionError(f"{text!r} is not an expression: {error}") from None

    def __call__(self, scope: Scope) -> Any:
        """Evaluate in a scope of names. Raises ExpressionError with the text of the expression."""
        _work.left = MAX_STEPS
        try:
            return self._evaluate(scope)
        except ExpressionError as error:
            inner = error
            raise ExpressionError(f"{error.message} in {self.text!r}", hint=lambda: inner.hint) from None
        except (
            TypeError,
            ValueError,
            ArithmeticError,
            LookupError,
            AttributeError,
            RecursionError,
            MemoryError,
        ) as error:
            raise ExpressionError(f"{self.text!r} cannot be evaluated: {error}") from None

    def names(self) -> set[str]:
        """All names that it uses, those of functions included."""
        return {node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)}

    def fields(self, root: str) -> set[str]:
        """The fields that it uses of one name: ``fields('slot')`` of ``slot.a + slot.b`` is {'a', 'b'}."""
        return {
            node.attr
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == root
        }


@lru_cache(maxsize=20_000)
def parse(text: str) -> Expression:
    """Parse an expression; the same text is parsed once. Raises ExpressionError."""
    return Expression(text)


def replace_fields(text: str, root: str, replacement: Callable[[str], str]) -> str:
    """Rewrite each ``root.field`` of an expression as the expression that ``replacement(field)`` gives."""

    class Replace(ast.NodeTransformer):
        def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
            if isinstance(node.value, ast.Name) and node.value.id == root:
                return ast.parse(replacement(node.attr), mode="eval").body
            return self.generic_visit(node)

    return ast.unparse(Replace().visit(ast.parse(text.strip(), mode="eval").body))


def field_of(value: Any, name: str) -> Any:
    """A field of a record. Raises ExpressionError that lists the fields that there are."""
    if not isinstance(value, Mapping):
        raise ExpressionError(f"{_brief(value)} has no fields (asked for .{name})")
    try:
        return value[name]
    except KeyError:
        known = [str(field) for field in value]
        raise ExpressionError(f"there is no field {name!r}", hint=lambda: nearest(name, known)) from None


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _multiply(left: Any, right: Any) -> Any:
    if isinstance(left, str | list) or isinstance(right, str | list):
        raise ExpressionError("only numbers can be multiplied")
    if type(left) is int and type(right) is int and left.bit_length() + right.bit_length() > MAX_BITS:
        raise ExpressionError("a number grows too large")
    return left * right


def _add(left: Any, right: Any) -> Any:
    result = left + right
    if isinstance(result, str | list):
        if len(result) > MAX_TEXT:
            raise ExpressionError("a text or list grows too long")
        spend(len(result) // 100)
    return result


def _bounded(values: list[Any]) -> list[Any]:
    """The same list. Raises ExpressionError if lists within lists make it too large to compare or to show."""
    if not any(type(value) in (list, dict) for value in values):
        return values
    left, heap = MAX_PARTS, [values]
    while heap:
        parts = heap.pop()
        left -= len(parts)
        if left < 0:
            raise ExpressionError("a list grows too long")
        heap += [part if type(part) is list else list(part.values()) for part in parts if type(part) in (list, dict)]
    return values


def _compile(node: ast.AST) -> Evaluate:
    compiler = _COMPILERS.get(type(node))
    if compiler is None:
        raise ValueError(f"{type(node).__name__} is not part of the language")
    return compiler(node)


def _constant(node: ast.Constant) -> Evaluate:
    value = node.value
    if not isinstance(value, str | int | float | bool | None):
        raise ValueError(f"a literal {value!r} is not part of the language")
    return lambda scope: value


def _name(node: ast.Name) -> Evaluate:
    name = node.id

    def evaluate(scope: Scope) -> Any:
        try:
            return scope[name]
        except KeyError:
            known = list(scope)
            raise ExpressionError(f"there is no name {name!r}", hint=lambda: nearest(name, known)) from None

    return evaluate


def _attribute(node: ast.Attribute) -> Evaluate:
    value, name = _compile(node.value), node.attr
    return lambda scope: field_of(value(scope), name)


def _subscript(node: ast.Subscript) -> Evaluate:
    value = _compile(node.value)
    if isinstance(node.slice, ast.Slice):
        parts = [_compile(part) if part else (lambda scope: None) for part in (node.slice.lower, node.slice.upper)]
        if node.slice.step is not None:
            raise ValueError("a slice with a step is not part of the language")
        return lambda scope: value(scope)[parts[0](scope) : parts[1](scope)]
    index = _compile(node.slice)
    return lambda scope: value(scope)[index(scope)]


def _call(node: ast.Call) -> Evaluate:
    if not isinstance(node.func, ast.Name):
        raise ValueError("only functions of the scope can be called, by name")
    if any(isinstance(argument, ast.Starred) for argument in node.args) or any(k.arg is None for k in node.keywords):
        raise ValueError("* and ** are not part of the language")
    name = node.func.id
    arguments = [_compile(argument) for argument in node.args]
    keywords = [(str(keyword.arg), _compile(keyword.value)) for keyword in node.keywords]

    def evaluate(scope: Scope) -> Any:
        function = scope.get(name)
        if not callable(function):
            raise ExpressionError(
                f"there is no function {name!r}", hint=nearest(name, (n for n, v in scope.items() if callable(v)))
            )
        return function(*[a(scope) for a in arguments], **{key: value(scope) for key, value in keywords})

    return evaluate


def _binary(node: ast.BinOp) -> Evaluate:
    left, right = _compile(node.left), _compile(node.right)
    if isinstance(node.op, ast.Mult):
        return lambda scope: _multiply(left(scope), right(scope))
    if isinstance(node.op, ast.Add):
        return lambda scope: _add(left(scope), right(scope))
    if isinstance(node.op, ast.Mod):

        def modulo(scope: Scope) -> Any:
            value = left(scope)
            if isinstance(value, str):
                raise ExpressionError("% formats no text here; write an f-string")
            return value % right(scope)

        return modulo
    function = _BINARY.get(type(node.op))
    if function is None:
        raise ValueError(f"the operator {type(node.op).__name__} is not part of the language")
    return lambda scope: function(left(scope), right(scope))


def _unary(node: ast.UnaryOp) -> Evaluate:
    value = _compile(node.operand)
    if isinstance(node.op, ast.Not):
        return lambda scope: not value(scope)
    if isinstance(node.op, ast.USub):
        return lambda scope: -value(scope)
    raise ValueError(f"the operator {type(node.op).__name__} is not part of the language")


def _boolean(node: ast.BoolOp) -> Evaluate:
    values = [_compile(value) for value in node.values]
    stop_at = isinstance(node.op, ast.Or)

    def evaluate(scope: Scope) -> Any:
        result: Any = None
        for value in values:
            result = value(scope)
            if bool(result) is stop_at:
                break
        return result

    return evaluate


def _compare(node: ast.Compare) -> Evaluate:
    first = _compile(node.left)
    rest = [(_COMPARE[type(op)], _compile(value)) for op, value in zip(node.ops, node.comparators, strict=True)]

    def evaluate(scope: Scope) -> bool:
        left = first(scope)
        for compare, value in rest:
            right = value(scope)
            if not compare(left, right):
                return False
            left = right
        return True

    return evaluate


def _conditional(node: ast.IfExp) -> Evaluate:
    test, then, otherwise = _compile(node.test), _compile(node.body), _compile(node.orelse)
    return lambda scope: then(scope) if test(scope) else otherwise(scope)


def _list(node: ast.List | ast.Tuple) -> Evaluate:
    items = [_compile(item) for item in node.elts]
    return lambda scope: _bounded([item(scope) for item in items])


def _record(node: ast.Dict) -> Evaluate:
    if any(key is None for key in node.keys):
        raise ValueError("** is not part of the language")
    items = [(_compile(key), _compile(value)) for key, value in zip(node.keys, node.values, strict=True) if key]

    def evaluate(scope: Scope) -> dict[Any, Any]:
        record = {key(scope): value(scope) for key, value in items}
        _bounded(list(record.values()))
        return record

    return evaluate


def _comprehension(node: ast.ListComp | ast.GeneratorExp) -> Evaluate:
    element = _compile(node.elt)
    loops = []
    for loop in node.generators:
        if not isinstance(loop.target, ast.Name) or loop.is_async:
            raise ValueError("a comprehension has one plain name per 'for'")
        loops.append((loop.target.id, _compile(loop.iter), [_compile(test) for test in loop.ifs]))

    def walk(scope: dict[str, Any], depth: int) -> Iterator[Any]:
        if depth == len(loops):
            yield element(scope)
            return
        name, values, tests = loops[depth]
        for value in values(scope):
            spend(1)
            scope[name] = value
            if all(test(scope) for test in tests):
                yield from walk(scope, depth + 1)

    return lambda scope: _bounded(list(walk(dict(scope), 0)))


def _f_string(node: ast.JoinedStr) -> Evaluate:
    parts: list[Evaluate] = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(_constant(part))
        elif isinstance(part, ast.FormattedValue):
            value = _compile(part.value)
            layout = _f_string(part.format_spec) if isinstance(part.format_spec, ast.JoinedStr) else None
            if part.conversion != -1:
                raise ValueError("!r, !s and !a are not part of the language")
            parts.append(_formatted(value, layout))

    def evaluate(scope: Scope) -> str:
        text = "".join(str(part(scope)) for part in parts)
        spend(len(text) // 100)
        return text

    return evaluate


def _formatted(value: Evaluate, layout: Evaluate | None) -> Evaluate:
    def evaluate(scope: Scope) -> str:
        shape = layout(scope) if layout else ""
        if len(shape) > 8 or any(
            len(digits) > 2 for digits in "".join(c if c.isdigit() else " " for c in shape).split()
        ):
            raise ExpressionError(f"the format {shape!r} is too wide")
        return format(value(scope), shape)

    return evaluate


_COMPILERS: dict[type[ast.AST], Callable[[Any], Evaluate]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Call: _call,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _boolean,
    ast.Compare: _compare,
    ast.IfExp: _conditional,
    ast.List: _list,
    ast.Tuple: _list,
    ast.Dict: _record,
    ast.ListComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.JoinedStr: _f_string,
}
