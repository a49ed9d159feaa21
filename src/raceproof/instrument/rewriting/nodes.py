"""Making the nodes of rewritten code, each in the place of a node of the user's."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any, TypeVar

Node = TypeVar("Node", bound=ast.AST)


def placed(node: Node, like: ast.AST) -> Node:
    return ast.copy_location(node, like)


def loaded(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def hook_call(hook: str, operands: Sequence[ast.expr], like: ast.AST, **extra: Any) -> ast.Call:
    """`hook(operands, extra...)`, in the place of its operands or, if these have none, of `like`.

    It begins on the line of the first operand and ends on that of the last, so that whoever
    follows the lines of the program (a debugger, coverage) is led to no line twice.
    """
    keywords = [ast.keyword(name, ast.Constant(value)) for name, value in extra.items()]
    located: list[ast.AST] = [o for o in operands if hasattr(o, "lineno")] or [like]
    function = placed(loaded(hook), located[0])
    call = placed(ast.Call(function, list(operands), keywords), located[-1])
    move_to_attribute(call, located[-1])
    return call


def move_to_attribute(node: ast.expr, like: ast.AST) -> None:
    """Has the node begin where the compiler lets `like` begin when it is evaluated.

    That is on the line of the name for an attribute that is looked up, or a method that is called.
    """
    found = like.func if isinstance(like, ast.Call) else like
    if isinstance(found, ast.Attribute) and found.end_lineno != found.lineno:
        assert found.end_lineno is not None
        assert found.end_col_offset is not None
        column = found.end_col_offset - len(found.attr.encode())
        if column >= 0:  # else it is no attribute of the source: pytest has made it
            node.lineno, node.col_offset = found.end_lineno, column


def unplaced(node: ast.expr) -> ast.expr:
    """The same, to stand wherever what is around it stands."""
    for part in ast.walk(node):
        for attribute in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
            part.__dict__.pop(attribute, None)
    return node


def called(function: str, operands: ast.expr, like: ast.AST) -> ast.Call:
    """`function(*operands)`: a native operation under another name."""
    arguments: list[ast.expr] = [ast.Starred(operands, ast.Load())]
    return placed(ast.Call(loaded(function), arguments, []), like)


def as_statement(expression: ast.expr, like: ast.AST) -> ast.stmt:
    return placed(ast.Expr(expression), like)


def first_of(value: ast.expr, *others: ast.expr) -> ast.expr:
    """`(value, others...)[0]`: evaluates all, is the first."""
    both = placed(ast.Tuple([value, *others], ast.Load()), value)
    return placed(ast.Subscript(both, ast.Constant(0), ast.Load()), value)


def walrus(temp: str, value: ast.expr) -> ast.expr:
    """`(temp := value)`."""
    return placed(ast.NamedExpr(ast.Name(temp, ast.Store()), value), value)


def mention(node: ast.expr) -> ast.expr:
    """Another mention of a simple expression, or of something made of such."""
    match node:
        case ast.Name(id=name):
            return placed(loaded(name), node)
        case ast.Constant(value=value):
            return placed(ast.Constant(value), node)
        case ast.UnaryOp(operand=operand):
            return placed(ast.UnaryOp(ast.USub(), mention(operand)), node)
        case ast.Tuple(elts=elements):
            return placed(ast.Tuple([mention(e) for e in elements], ast.Load()), node)
        case ast.BinOp(left=left, op=op, right=right):
            return placed(ast.BinOp(mention(left), op, mention(right)), node)
    raise TypeError(node)
