"""Making the nodes of rewritten code, each in the place of a node of the user's."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any, TypeVar

Node = TypeVar("Node", bound=ast.AST)


def at(node: Node, like: ast.AST) -> Node:
    return ast.copy_location(node, like)


def name_node(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def hook_call(hook: str, operands: Sequence[ast.expr], like: ast.AST, **extra: Any) -> ast.Call:
    keywords = [ast.keyword(name, ast.Constant(value)) for name, value in extra.items()]
    return at(ast.Call(name_node(hook), list(operands), keywords), like)


def statement(expression: ast.expr, like: ast.AST) -> ast.stmt:
    return at(ast.Expr(expression), like)


def first_of(value: ast.expr, *others: ast.expr) -> ast.expr:
    """`(value, others...)[0]`: evaluates all, is the first."""
    both = at(ast.Tuple([value, *others], ast.Load()), value)
    return at(ast.Subscript(both, ast.Constant(0), ast.Load()), value)


def keep(temp: str, value: ast.expr) -> ast.expr:
    """`(temp := value)`."""
    return at(ast.NamedExpr(ast.Name(temp, ast.Store()), value), value)


def mention(node: ast.expr) -> ast.expr:
    """Another mention of a simple expression, or of a tuple of such."""
    match node:
        case ast.Name(id=name):
            return at(name_node(name), node)
        case ast.Constant(value=value):
            return at(ast.Constant(value), node)
        case ast.UnaryOp(operand=operand):
            return at(ast.UnaryOp(ast.USub(), mention(operand)), node)
        case ast.Tuple(elts=elements):
            return at(ast.Tuple([mention(e) for e in elements], ast.Load()), node)
    raise TypeError(node)
