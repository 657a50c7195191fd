"""Calls as a model writes them, ``name = tool(argument=source, ...)``, as calls of a solution. Nothing is executed."""

from __future__ import annotations

import ast

from awm_lib.contracts.oracle import Argument, Call
from awm_lib.errors import ExpressionError
from awm_lib.expressions import parse
from awm_lib.synthesis.llm.replies import CallReply

MAX_LENGTH = 6_000


def read_call(reply: CallReply, number: int) -> Call:
    """A call, its values not known yet. Raises ExpressionError with what is wrong with it, ValueError of the contract.

    ``number`` counts the calls of the solution, for the name of a call that has none.
    """
    text = reply.call.strip().rstrip(";")
    if len(text) > MAX_LENGTH:
        raise ExpressionError("the call is too long")
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"{_brief(text)} is not a call: {error}") from None
    name, node = f"step_{number}", statements[0] if len(statements) == 1 else None
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        name, value = node.targets[0].id, node.value
    elif isinstance(node, ast.Expr):
        value = node.value
    else:
        raise ExpressionError(f"{_brief(text)}: write it as name = tool(argument=source, ...)")
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Name):
        raise ExpressionError(f"{_brief(text)}: to the right of = stands one call of one tool")
    if value.args or any(keyword.arg is None for keyword in value.keywords):
        raise ExpressionError(f"{_brief(text)}: every argument is named, as in tool(argument=source)")
    arguments = []
    for keyword in value.keywords:
        source = ast.get_source_segment(text, keyword.value) or ast.unparse(keyword.value)
        parse(source)  # raises ExpressionError for what is not of the language
        arguments.append(Argument(name=str(keyword.arg), value=None, source=source))
    if reply.when is not None:
        parse(reply.when)
    return Call(id=name, tool=value.func.id, arguments=arguments, refused=reply.refused, when=reply.when)


def _brief(text: str) -> str:
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= 100 else flat[:97] + "...")
