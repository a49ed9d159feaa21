"""Expressions that look at the content of a container: its truth, its elements one by one, all of
it at once by an operator.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from raceproof.instrument.rewriting.knowledge import FRESH
from raceproof.instrument.rewriting.nodes import hook_call, loaded, mention, walrus
from raceproof.instrument.rewriting.shapes import Looking, Obtaining, Tested, is_constant, is_text
from raceproof.instrument.rewriting.walker import Walker


class Contents(Walker):
    """Handlers of operators, displays and tests."""

    def wrapped(self, hook: str, kind: str, node: ast.expr, name: str = "") -> ast.expr:
        """`hook(<node>, S)`."""
        site = self.site(kind, node, name)
        return hook_call(hook, [self.expr(node), site], node)

    def read(self, node: ast.expr) -> ast.expr:
        return self.wrapped("_rp_read", "read", node)

    def spread(self, node: ast.expr) -> ast.expr:
        """What is unpacked by `*` or `**`, or onto several targets: all of it is read now."""
        if isinstance(node, Obtaining) and not (
            isinstance(node, ast.Name) and self.is_own_spread(node.id)
        ):
            return self.read(node)
        return self.expr(node)

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

    def iterated(self, node: ast.expr) -> ast.expr:
        """What a for loop or comprehension goes through."""
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in FRESH and self.scope.is_builtin(name):
                return self.expr(node)
        if is_constant(node):
            return self.expr(node)
        return self.wrapped("_rp_iter", "iter", node)

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
            elif not isinstance(op, ast.Is | ast.IsNot) and not (
                is_constant(left) or is_constant(right)
            ):
                read.update(j for j in (i, i + 1) if self.looks(operands[j]))
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
                new = self.read(operand)
            else:
                new = self.expr(operand)
            operands[i] = walrus(kept[i], new) if i in kept else new
        node.left, *node.comparators = operands
        return node

    def expr_BinOp(self, node: ast.BinOp) -> ast.expr:
        left, right = node.left, node.right
        if isinstance(node.op, ast.Mod) and is_text(left):
            node.left = self.expr(left)
            if isinstance(right, ast.Tuple):
                right.elts = [self.read(e) if self.looks(e) else self.expr(e) for e in right.elts]
            else:
                node.right = self.read(right) if self.looks(right) else self.expr(right)
        elif isinstance(node.op, ast.Add | ast.BitOr):
            holder = Looking | ast.List | ast.Tuple | ast.Set | ast.Dict
            both = (
                isinstance(left, holder)
                and isinstance(right, holder)
                and not self.is_plain(left)
                and not self.is_plain(right)
            )
            node.left = self.read(left) if both and self.looks(left) else self.expr(left)
            node.right = self.read(right) if both and self.looks(right) else self.expr(right)
        else:
            node.left, node.right = self.expr(left), self.expr(right)
        return node

    def expr_FormattedValue(self, node: ast.FormattedValue) -> ast.expr:
        value = node.value
        node.value = self.read(value) if self.looks(value) else self.expr(value)
        if node.format_spec is not None:
            node.format_spec = self.expr(node.format_spec)
        return node
