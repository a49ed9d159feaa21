"""Which variables only ever hold numbers, strings and the like, which no thread can change.

A guess from all the bindings of a name in its block, made to keep hooks out of `while i < n` and
`total += x`; it starts by believing every name and drops those bound to anything else.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from raceproof.instrument.rewriting.knowledge import PLAIN_RESULTS

Bindings: TypeAlias = dict[str, list[ast.expr | None]]
"""All that is assigned to each name; None is something unknown."""

_NUMBER = ast.Constant(0)


class Plain:
    """The plain variables of one function, lambda, comprehension or module."""

    def __init__(
        self,
        body: Iterable[ast.AST],
        is_builtin: Callable[[str], bool],
        is_plain_outside: Callable[[str], bool],
        unknown: Iterable[str] = (),
    ) -> None:
        self._is_builtin = is_builtin
        self._is_plain_outside = is_plain_outside
        self._bound: Bindings = {name: [None] for name in unknown}
        for node in _own_nodes(body):
            self._note(node)
        self.names = {name for name, values in self._bound.items() if None not in values}
        changed = True
        while changed:
            dropped = {
                name
                for name in self.names
                if not all(value is not None and self.holds(value) for value in self._bound[name])
            }
            self.names -= dropped
            changed = bool(dropped)

    def holds(self, value: ast.expr) -> bool:
        """Whether the expression is plain, as far as we know."""
        match value:
            case ast.Constant() | ast.JoinedStr() | ast.Compare():
                return True
            case ast.Name(id=name):
                if name in self._bound:
                    return name in self.names
                return self._is_plain_outside(name)
            case ast.UnaryOp(op=ast.Not()):
                return True
            case ast.UnaryOp(operand=operand):
                return self.holds(operand)
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                return self.holds(left) and self.holds(right)  # [0] * 3 is a list
            case ast.BinOp(left=left, right=right):
                return self.holds(left) or self.holds(right)  # 1 + [0] is an error
            case ast.IfExp(body=body, orelse=orelse):
                return self.holds(body) and self.holds(orelse)
            case ast.BoolOp(values=values):
                return all(map(self.holds, values))
            case ast.NamedExpr(value=inner):
                return self.holds(inner)
            case ast.Call(func=ast.Name(id=name)):
                return name in PLAIN_RESULTS and self._is_builtin(name)
        return False

    def _note(self, node: ast.AST) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._bind(target, value)
            case (
                ast.AnnAssign(target=target, value=ast.expr() as value)
                | ast.NamedExpr(target=target, value=value)
            ):
                self._bind(target, value)
            case ast.AugAssign(target=ast.Name(id=name) as target, op=op, value=value):
                self._bind(target, ast.BinOp(ast.Name(name, ast.Load()), op, value))
            case (
                ast.For(target=target, iter=values) | ast.comprehension(target=target, iter=values)
            ):
                self._bind(target, self._element(values))
            case ast.AsyncFor(target=target):
                self._bind(target, None)
            case ast.With(items=items) | ast.AsyncWith(items=items):
                for item in items:
                    if item.optional_vars is not None:
                        self._bind(item.optional_vars, None)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                for alias in aliases:
                    self._unknown(alias.asname or alias.name.partition(".")[0])
            case ast.MatchMapping(rest=str() as name):
                self._unknown(name)
            case (
                ast.ExceptHandler(name=str() as name)
                | ast.MatchAs(name=str() as name)
                | ast.MatchStar(name=str() as name)
                | ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
            ):
                self._unknown(name)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                for name in names:
                    self._unknown(name)

    def _unknown(self, name: str) -> None:
        self._bound.setdefault(name, []).append(None)

    def _bind(self, target: ast.expr, value: ast.expr | None) -> None:
        match target:
            case ast.Name(id=name):
                self._bound.setdefault(name, []).append(value)
            case ast.Starred(value=inner):
                self._bind(inner, None)
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                values: list[ast.expr] | list[None] = [None] * len(targets)
                if (
                    isinstance(value, ast.Tuple)
                    and len(value.elts) == len(targets)
                    and not any(isinstance(e, ast.Starred) for e in [*targets, *value.elts])
                ):
                    values = value.elts
                for each, part in zip(targets, values, strict=True):
                    self._bind(each, part)

    def _element(self, iterable: ast.expr) -> ast.expr | None:
        """What a loop over the iterable binds, if that is known."""
        match iterable:
            case ast.Call(func=ast.Name(id="range")) if self._is_builtin("range"):
                return _NUMBER
            case ast.Call(func=ast.Name(id="enumerate")) if self._is_builtin("enumerate"):
                return ast.Tuple([_NUMBER, ast.Tuple([], ast.Load())], ast.Load())
        return None


def _own_nodes(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes of a block; what blocks inside it bind is left out, but for `:=`."""
    waiting = list(body)
    comprehensions: list[ast.AST] = []
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            comprehensions.append(node)
            continue
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))
    while comprehensions:
        for node in ast.walk(comprehensions.pop()):
            if isinstance(node, ast.NamedExpr):
                yield node
