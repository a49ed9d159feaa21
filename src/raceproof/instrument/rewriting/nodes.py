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
    keywords = [ast.keyword(name, ast.Constant(value)) for name, value in extra.items()]
    return placed(ast.Call(loaded(hook), list(operands), keywords), like)


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
