"""What can be told of an expression from its form alone."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

Looking = ast.Name | ast.Attribute | ast.Subscript
"""Expressions whose value existed before: others may have it too."""
Obtaining = ast.Name | ast.Attribute | ast.Subscript | ast.Call
Given = (
    ast.Name
    | ast.Attribute
    | ast.Subscript
    | ast.Call
    | ast.Await
    | ast.NamedExpr
    | ast.IfExp
    | ast.BoolOp
)
"""Expressions whose value may have existed before."""
Tested = ast.Name | ast.Attribute | ast.Subscript | ast.Call | ast.Await | ast.NamedExpr
Fresh = (
    ast.Constant
    | ast.JoinedStr
    | ast.List
    | ast.Tuple
    | ast.Set
    | ast.Dict
    | ast.ListComp
    | ast.SetComp
    | ast.DictComp
    | ast.GeneratorExp
)
"""Expressions whose value is new: iterating it disturbs nobody."""
Nameless = ast.Constant | ast.BinOp | ast.UnaryOp | ast.Compare | ast.JoinedStr | ast.Lambda
"""Expressions whose value is not worth a name in a report."""


def is_docstring(node: ast.stmt) -> bool:
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
    return False


def is_declaration(node: ast.stmt) -> bool:
    """Whether the compiler makes no code of the statement, in a function."""
    match node:
        case ast.Global() | ast.Nonlocal() | ast.AnnAssign(target=ast.Name(), value=None):
            return True
    return False


def is_constant(node: ast.expr) -> bool:
    """A constant, a negative number, or a display of such."""
    match node:
        case ast.Constant() | ast.UnaryOp(operand=ast.Constant()):
            return True
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
            return all(map(is_constant, elements))
    return False


def is_atom(node: ast.expr) -> bool:
    """A constant that no container is equal to, unlike `[]`."""
    match node:
        case ast.Constant() | ast.UnaryOp(operand=ast.Constant()):
            return True
        case ast.Tuple(elts=elements):
            return all(map(is_atom, elements))
    return False


def is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)


def constant_text(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""


def is_spread(arguments: Sequence[ast.expr]) -> bool:
    """Whether some of them are given by `*`, so that their number is not known."""
    return any(isinstance(argument, ast.Starred) for argument in arguments)


def has_slice(key: ast.expr) -> bool:
    return isinstance(key, ast.Slice) or (
        isinstance(key, ast.Tuple) and any(isinstance(e, ast.Slice) for e in key.elts)
    )


def bounds_of(key: ast.expr) -> list[ast.expr]:
    parts = key.elts if isinstance(key, ast.Tuple) else [key]
    found: list[ast.expr] = []
    for part in parts:
        if isinstance(part, ast.Slice):
            found.extend(b for b in (part.lower, part.upper, part.step) if b is not None)
        else:
            found.append(part)
    return found


def map_bounds(key: ast.expr, change: Callable[[ast.expr], ast.expr]) -> ast.expr:
    if isinstance(key, ast.Tuple):
        key.elts = [map_bounds(element, change) for element in key.elts]
        return key
    if isinstance(key, ast.Slice):
        for bound in ("lower", "upper", "step"):
            value = getattr(key, bound)
            if value is not None:
                setattr(key, bound, change(value))
        return key
    return change(key)


def rebinds(name: ast.expr, values: Sequence[ast.expr]) -> bool:
    """Whether a walrus among the values binds the name anew."""
    return isinstance(name, ast.Name) and any(
        isinstance(part, ast.NamedExpr) and part.target.id == name.id
        for value in values
        for part in ast.walk(value)
    )
