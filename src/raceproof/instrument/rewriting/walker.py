"""Going through a program: each kind of node has its own handler in one of the layers above, and
the parts of a node without one are gone through.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from raceproof.instrument.rewriting.assumptions import Assumptions
from raceproof.instrument.rewriting.nodes import loaded, mention, unplaced, walrus


class Walker(Assumptions):
    """Hands nodes to their handlers, `expr_...` and `stmt_...`."""

    def block(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        return [rewritten for node in body for rewritten in self.stmt(node)]

    def stmt(self, node: ast.stmt) -> list[ast.stmt]:
        handler = getattr(self, f"stmt_{type(node).__name__}", None)
        if handler is None:
            self.generic(node)
            return [node]
        result: list[ast.stmt] = handler(node)
        return result

    def expr(self, node: ast.expr) -> ast.expr:
        handler = getattr(self, f"expr_{type(node).__name__}", None)
        if handler is None:
            self.generic(node)
            return node
        result: ast.expr = handler(node)
        return result

    def exprs(self, nodes: Sequence[ast.expr]) -> list[ast.expr]:
        return [self.expr(node) for node in nodes]

    def generic(self, node: ast.AST) -> None:
        """Rewrites the parts of a node that needs nothing itself."""
        for field, value in ast.iter_fields(node):
            if isinstance(value, ast.expr):
                setattr(node, field, self.expr(value))
            elif isinstance(value, list):
                value[:] = [self.part(part) for part in value]

    def part(self, part: Any) -> Any:
        if isinstance(part, ast.expr):
            return self.expr(part)
        if isinstance(part, ast.keyword):
            part.value = self.expr(part.value)
        return part

    def twice(self, node: ast.expr) -> tuple[ast.expr, ast.expr]:
        """The expression, and another mention of its value."""
        if self.is_simple(node):
            return node, unplaced(mention(node))
        if not self.can_keep:
            again = mention(node)
            return self.expr(node), again
        temp = self.temporary()
        return walrus(temp, self.expr(node)), loaded(temp)
