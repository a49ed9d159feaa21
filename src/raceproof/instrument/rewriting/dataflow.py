"""Whether a stored value was computed from a load of the same place: the read-modify-write mark.

Flow-insensitive and per function: a place is its text (`self.balance`, `stock[key]`), and a value
depends on every place that it, or what was ever assigned to a local name in it, mentions.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

_LOOKUPS = frozenset({"get", "setdefault", "pop"})
"""`d.get(k)` loads `d[k]`."""


@dataclass(slots=True)
class Mentions:
    """The places and the names that an expression looks at."""

    places: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def add(self, expression: ast.expr, target: str = "") -> None:
        """What an expression that is bound to the name `target`, or to anything, looks at."""
        for operand in _operands(expression, target):
            self._add(operand)

    def _add(self, operand: ast.expr) -> None:
        for node in _evaluated(operand):
            match node:
                case ast.Name(id=name, ctx=ast.Load()):
                    self.names.add(name)
                case ast.Attribute(ctx=ast.Load()) | ast.Subscript(ctx=ast.Load()):
                    self.places.add(text(node))
                case ast.Call(func=ast.Attribute(value=base, attr=name), args=[key, *_]) if (
                    name in _LOOKUPS
                ):
                    self.places.add(f"{text(base)}[{text(key)}]")


class Dataflow:
    """What the local names of one function (or of the module's top level) were computed from."""

    def __init__(self, body: Sequence[ast.stmt] | ast.expr) -> None:
        self._values: dict[str, Mentions] = {}
        for name, value in _assignments(body):
            self._values.setdefault(name, Mentions()).add(value)

    def loads(self, value: ast.expr, target: ast.expr) -> bool:
        """Whether `value`, about to be stored into `target`, was computed from `target`."""
        wanted = text(target)
        seen = Mentions()
        seen.add(value, target.id if isinstance(target, ast.Name) else "")
        waiting = list(seen.names)
        places, names = seen.places, seen.names
        while waiting:
            known = self._values.get(waiting.pop())
            if known is not None:
                places |= known.places
                waiting.extend(known.names - names)
                names |= known.names
        return wanted in (names if isinstance(target, ast.Name) else places)


def text(node: ast.expr) -> str:
    """Source text that is the same for the same place, whether it is loaded or stored."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{text(node.value)}.{node.attr}"
    try:
        return ast.unparse(node)
    except RecursionError:
        return "..."


def _operands(value: ast.expr, target: str) -> Iterator[ast.expr]:
    """The parts that the value is made of.

    `self.x or {}` and `self.x if self.x else {}` either keep what is there or replace it: nothing
    is computed from it, and doing so twice does no harm.
    """
    match value:
        case ast.BoolOp(values=[*tested, last]):
            for part in tested:
                if not _is_lookup(part, target):
                    yield from _operands(part, target)
            yield from _operands(last, target)
        case ast.IfExp(body=body, orelse=orelse):
            for part in (body, orelse):
                if not _is_lookup(part, target):
                    yield from _operands(part, target)
        case _:
            yield value


def _is_lookup(node: ast.expr, target: str) -> bool:
    match node:
        case ast.Name(id=name):
            return name == target
        case ast.Attribute() | ast.Subscript():
            return True
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in _LOOKUPS
    return False


def _evaluated(expression: ast.AST) -> Iterator[ast.AST]:
    """The nodes of an expression, except the bodies of lambdas: those are not evaluated."""
    waiting: list[ast.AST] = [expression]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def _assignments(body: Iterable[ast.AST] | ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Each `name = value` of a function, nested functions and classes left out."""
    waiting: list[ast.AST] = [body] if isinstance(body, ast.AST) else list(body)
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    yield from _paired(target, value)
            case (
                ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                | ast.AugAssign(target=ast.Name(id=name), value=value)
                | ast.NamedExpr(target=ast.Name(id=name), value=value)
            ):
                yield name, value
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Lambda():
                continue
        waiting.extend(ast.iter_child_nodes(node))


def _paired(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    for single, part in pairs(target, value):
        if isinstance(single, ast.Name):
            yield single.id, part


def pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Each single target of an assignment with the part of the value that it gets, or all of it."""
    if isinstance(target, ast.Starred):
        yield from pairs(target.value, value)
    elif not isinstance(target, ast.Tuple | ast.List):
        yield target, value
    elif (
        isinstance(value, ast.Tuple | ast.List)
        and len(value.elts) == len(target.elts)
        and not any(isinstance(e, ast.Starred) for e in [*target.elts, *value.elts])
    ):
        for element, part in zip(target.elts, value.elts, strict=True):
            yield from pairs(element, part)
    else:
        for element in target.elts:
            yield from pairs(element, value)
