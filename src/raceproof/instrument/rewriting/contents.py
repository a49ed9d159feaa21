"""Expressions that look at the content of a container: its truth, its elements one by one, all of
it at once by an operator.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Final

from raceproof.events import Loop
from raceproof.instrument.rewriting.knowledge import FRESH, VIEWS
from raceproof.instrument.rewriting.nodes import hook_call, loaded, mention, placed, walrus
from raceproof.instrument.rewriting.shapes import (
    Fresh,
    Looking,
    Obtaining,
    Tested,
    is_atom,
    is_constant,
    is_text,
)
from raceproof.instrument.rewriting.walker import Walker

_COMBINING = ast.Add | ast.Sub | ast.BitOr | ast.BitAnd | ast.BitXor
"""Operators that containers have, too."""

RANK_OF: Final = "_rp_rank_of"
ORDERINGS: Final = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


class Contents(Walker):
    """Handlers of operators, displays and tests."""

    def wrapped(
        self, hook: str, kind: str, node: ast.expr, name: str = "", loop: Loop | None = None
    ) -> ast.expr:
        """`hook(<node>, S)`."""
        site = self.site(kind, node, name, loop=loop)
        return hook_call(hook, [self.expr(node), site], node)

    def read(self, node: ast.expr) -> ast.expr:
        return self.wrapped("_rp_read", "read", node)

    def seen(self, node: ast.expr) -> ast.expr:
        """What is looked at as a whole; a display, in each of its elements."""
        match node:
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                elements[:] = map(self.seen, elements)
                return node
            case ast.Dict(keys=keys, values=values) if None not in keys:
                node.keys = [None if key is None else self.expr(key) for key in keys]
                values[:] = map(self.seen, values)
                return node
        return self.read(node) if self.looks(node) else self.expr(node)

    def spread(self, node: ast.expr) -> ast.expr:
        """What is unpacked by `*` or `**`, or onto several targets: all of it is read now."""
        if isinstance(node, Obtaining) and not (
            isinstance(node, ast.Name) and self.is_own_spread(node.id)
        ):
            return self.read(node)
        return self.expr(node)

    def is_address(self, node: ast.expr) -> bool:
        """Whether it is `id(...)`."""
        match node:
            case ast.Call(func=ast.Name(id="id"), args=[value], keywords=[]):
                return not isinstance(value, ast.Starred) and self.scope.is_builtin("id")
        return False

    def rank(self, node: ast.expr) -> ast.expr:
        """Instead of `id(...)`, where it only serves to put objects in some order."""
        assert isinstance(node, ast.Call)
        (value,) = node.args
        site = self.site("ident", node)
        return hook_call("_rp_rank", [self.expr(value), site], value)

    def sort_by_rank(self, keywords: Sequence[ast.keyword]) -> None:
        """The `key` of a sort that goes by `id` goes by ranks instead."""
        for keyword in keywords:
            match keyword:
                case ast.keyword(arg="key", value=ast.Name(id="id") as value):
                    if self.scope.is_builtin("id"):
                        keyword.value = placed(loaded(RANK_OF), value)
                case ast.keyword(arg="key", value=ast.Lambda(args=args, body=ast.Call() as body)):
                    names = [part.arg for part in ast.walk(args) if isinstance(part, ast.arg)]
                    if self.is_address(body) and "id" not in names:
                        body.func = placed(loaded(RANK_OF), body.func)

    def keywords(self, keywords: Sequence[ast.keyword]) -> None:
        for keyword in keywords:
            keyword.value = (
                self.expr(keyword.value) if keyword.arg is not None else self.spread(keyword.value)
            )

    def expr_Starred(self, node: ast.Starred) -> ast.expr:
        node.value = self.spread(node.value)
        return node

    def expr_Dict(self, node: ast.Dict) -> ast.expr:
        values = []
        for i, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
            if key is None:
                values.append(self.spread(value))
            else:
                node.keys[i] = self.expr(key)
                values.append(self.expr(value))
        node.values = values
        return node

    def iterated(
        self, node: ast.expr, hook: str = "_rp_iter", loop: Loop | None = None
    ) -> ast.expr:
        """What a for loop or comprehension goes through.

        `loop` is for what has no loop in the source of its own, should it go on for ever.
        """
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in FRESH and self.scope.is_builtin(name):
                return self.expr(node)
        if isinstance(node, Fresh) or self.is_plain(node):
            return self.expr(node)
        return self.wrapped(hook, "iter", node, loop=loop)

    def expr_Yield(self, node: ast.Yield) -> ast.expr:
        """Announced before a generator leaves: until then, nobody else may enter it."""
        value = node.value or placed(ast.Constant(None), node)
        node.value = self.wrapped("_rp_yield", "yield", value)
        return node

    def expr_YieldFrom(self, node: ast.YieldFrom) -> ast.expr:
        node.value = self.iterated(node.value)
        return node

    def truth(self, node: ast.expr) -> ast.expr:
        """An expression whose truth is all that is asked for."""
        match node:
            case ast.BoolOp():
                node.values = [self.truth(value) for value in node.values]
                return node
            case ast.IfExp():
                node.test = self.truth(node.test)
                node.body, node.orelse = self.truth(node.body), self.truth(node.orelse)
                return node
        if isinstance(node, Tested) and not self.is_plain(node):
            return self.wrapped("_rp_true", "truth", node)
        return self.expr(node)

    def expr_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        *tested, last = node.values
        node.values = [*map(self.truth, tested), self.expr(last)]
        return node

    def expr_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        operand = node.operand
        node.operand = self.truth(operand) if isinstance(node.op, ast.Not) else self.expr(operand)
        return node

    def expr_IfExp(self, node: ast.IfExp) -> ast.expr:
        node.test = self.truth(node.test)
        node.body, node.orelse = self.expr(node.body), self.expr(node.orelse)
        return node

    def expr_Compare(self, node: ast.Compare) -> ast.expr:
        operands = [node.left, *node.comparators]
        if all(isinstance(op, ORDERINGS) for op in node.ops) and all(
            map(self.is_address, operands)
        ):
            node.left, *node.comparators = map(self.rank, operands)
            return node
        read: set[int] = set()
        kept: dict[int, str] = {}
        sought: dict[int, ast.expr | None] = {}  # container: what is looked for, None if unknown
        for i, op in enumerate(node.ops):
            left, right = operands[i], operands[i + 1]
            if isinstance(op, ast.In | ast.NotIn):
                if is_constant(right):
                    continue
                if self.is_simple(left):
                    sought[i + 1] = mention(left)
                elif self.can_keep:
                    kept[i] = self.temporary()
                    sought[i + 1] = loaded(kept[i])
                else:
                    sought[i + 1] = None
            elif not isinstance(op, ast.Is | ast.IsNot) and not (is_atom(left) or is_atom(right)):
                read.update((i, i + 1))
        for i, operand in enumerate(operands):
            new: ast.expr
            if i in sought:
                what = sought[i]
                if what is None:
                    new = self.read(operand)
                else:
                    site = self.site("in", operand)
                    new = hook_call("_rp_in", [self.expr(operand), what, site], operand)
            elif i in read:
                new = self.seen(operand)
            else:
                new = self.expr(operand)
            operands[i] = walrus(kept[i], new) if i in kept else new
        node.left, *node.comparators = operands
        return node

    def expr_BinOp(self, node: ast.BinOp) -> ast.expr:
        left, right = node.left, node.right
        if isinstance(node.op, ast.Mod) and is_text(left):
            node.left = self.expr(left)
            node.right = self.seen(right)
        elif isinstance(node.op, _COMBINING) and self.is_holder(left) and self.is_holder(right):
            node.left, node.right = self.combined(left), self.combined(right)
        else:
            node.left, node.right = self.expr(left), self.expr(right)
        return node

    def is_holder(self, node: ast.expr) -> bool:
        """Whether an operand may well be a container.

        (Results of calls could be as well, but are numbers far more often.)
        """
        holder = Looking | ast.List | ast.Tuple | ast.Set | ast.Dict
        return (isinstance(node, holder) and not self.is_plain(node)) or _is_view(node)

    def combined(self, node: ast.expr) -> ast.expr:
        reads = isinstance(node, Looking) or _is_view(node)
        return self.read(node) if reads else self.expr(node)

    def expr_FormattedValue(self, node: ast.FormattedValue) -> ast.expr:
        node.value = self.seen(node.value)
        if node.format_spec is not None:
            node.format_spec = self.expr(node.format_spec)
        return node


def _is_view(node: ast.expr) -> bool:
    """`d.keys()` and the like."""
    match node:
        case ast.Call(func=ast.Attribute(attr=name), args=[], keywords=[]):
            return name in VIEWS
    return False
