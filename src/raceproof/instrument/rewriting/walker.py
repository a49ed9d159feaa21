"""doc"""

from __future__ import annotations


class Walker(Assumptions):
    def block(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        return [rewritten for statement in body for rewritten in self.stmt(statement)]

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
            return node, mention(node)
        temp = self.temporary()
        return keep(temp, self.expr(node)), name_node(temp)
