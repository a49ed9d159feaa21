"""The other statements: loops, tests, `with`, `try`, `match` and imports."""

from __future__ import annotations

import ast

from raceproof.events import Loop
from raceproof.instrument.rewriting.accesses import Accesses
from raceproof.instrument.rewriting.loops import loop_of
from raceproof.instrument.rewriting.names import Names
from raceproof.instrument.rewriting.nodes import as_statement, hook_call, loaded, placed
from raceproof.instrument.rewriting.patterns import Patterns


class Statements(Names, Accesses, Patterns):
    """Handlers of compound statements and of those that need little."""

    def stmt_Expr(self, node: ast.Expr) -> list[ast.stmt]:
        if not isinstance(node.value, ast.Constant):
            node.value = self.expr(node.value)
        return [node]

    def stmt_For(self, node: ast.For) -> list[ast.stmt]:
        loop = self.loop_in(node)
        first: list[ast.stmt] = []
        if loop.polls:
            # (One that goes through a container without waiting for anything needs no hook.)
            site = self.site("loop", node.iter, loop=loop)
            iterable = self.own_iterable(node.iter)
            node.iter = hook_call("_rp_enter", [iterable, site], node.iter)
            first = [as_statement(hook_call("_rp_loop", [site], node.iter), node.iter)]
        else:
            node.iter = self.iterated(node.iter)
        self.loop_body(node)
        node.body = [*first, *node.body]
        return [node]

    def own_iterable(self, node: ast.expr) -> ast.expr:
        """What a loop with a hook of its own goes through."""
        match node:
            case ast.Call(func=ast.Name(id="iter"), args=[_, _]) if self.scope.is_builtin("iter"):
                node.args[:] = self.exprs(node.args)
                return node
        return self.iterated(node)

    def loop_in(self, node: ast.While | ast.For) -> Loop:
        """What is to be known of a loop, before it is rewritten."""
        scope = self.scope

        def is_own(name: str) -> bool:
            mangled = scope.mangle(name)
            return scope.owner(mangled) is scope and scope.imported(mangled) is None

        def is_shared(name: str) -> bool:
            return not self.is_plain(loaded(name)) or scope.is_hot(scope.mangle(name))

        return loop_of(node, is_shared, is_own)

    def stmt_AsyncFor(self, node: ast.AsyncFor) -> list[ast.stmt]:
        node.iter = self.expr(node.iter)
        self.loop_body(node)
        return [node]

    def loop_body(self, node: ast.For | ast.AsyncFor) -> None:
        marks = self.marks([node.target])
        node.target = self.target(node.target)
        node.body = [*marks, *self.block(node.body)]
        node.orelse = self.block(node.orelse)

    def stmt_While(self, node: ast.While) -> list[ast.stmt]:
        first: list[ast.stmt] = []
        if not (isinstance(node.test, ast.Constant) and not node.test.value):  # while False
            site = self.site("loop", node.test, loop=self.loop_in(node))
            again = placed(ast.Constant(None), node.test)
            first = [as_statement(hook_call("_rp_enter", [again, site], node.test), node.test)]
            hook = hook_call("_rp_loop", [site], node.test)
            node.test = placed(ast.BoolOp(ast.Or(), [hook, self.truth(node.test)]), node.test)
        node.body = self.block(node.body)
        node.orelse = self.block(node.orelse)
        return [*first, node]

    def stmt_If(self, node: ast.If) -> list[ast.stmt]:
        node.test = self.truth(node.test)
        node.body = self.block(node.body)
        node.orelse = self.block(node.orelse)
        return [node]

    def stmt_Assert(self, node: ast.Assert) -> list[ast.stmt]:
        node.test = self.truth(node.test)
        if node.msg is not None:
            node.msg = self.expr(node.msg)
        return [node]

    def stmt_With(self, node: ast.With | ast.AsyncWith) -> list[ast.stmt]:
        marks = self.marks([item.optional_vars for item in node.items])
        for item in node.items:
            item.context_expr = self.expr(item.context_expr)
            if item.optional_vars is not None:
                item.optional_vars = self.target(item.optional_vars)
        node.body = [*marks, *self.block(node.body)]
        return [node]

    stmt_AsyncWith = stmt_With  # noqa: N815

    def stmt_Try(self, node: ast.Try) -> list[ast.stmt]:
        node.body = self.block(node.body)
        for handler in node.handlers:
            if handler.type is not None:
                handler.type = self.expr(handler.type)
            handler.body = [*self.mark(handler.name, handler), *self.block(handler.body)]
        node.orelse = self.block(node.orelse)
        node.finalbody = self.block(node.finalbody)
        return [node]

    stmt_TryStar = stmt_Try  # noqa: N815

    def stmt_Match(self, node: ast.Match) -> list[ast.stmt]:
        node.subject = self.matched(node.subject, [case.pattern for case in node.cases])
        for case in node.cases:
            if case.guard is not None:
                case.guard = self.truth(case.guard)
            marks: list[ast.stmt] = []
            for part in ast.walk(case.pattern):
                name = getattr(part, "rest" if isinstance(part, ast.MatchMapping) else "name", None)
                if isinstance(part, ast.MatchAs | ast.MatchStar | ast.MatchMapping):
                    marks.extend(self.mark(name, part))
            case.body = [*marks, *self.block(case.body)]
        return [node]

    def stmt_Import(self, node: ast.Import) -> list[ast.stmt]:
        names = [alias.asname or alias.name.partition(".")[0] for alias in node.names]
        return [node, *(mark for name in names for mark in self.mark(name, node))]

    def stmt_ImportFrom(self, node: ast.ImportFrom) -> list[ast.stmt]:
        if node.module == "__future__" and not node.level:
            return [node]
        names = [alias.asname or alias.name for alias in node.names]
        return [node, *(mark for name in names for mark in self.mark(name, node))]

    def unchanged(self, node: ast.stmt) -> list[ast.stmt]:
        return [node]

    stmt_Global = stmt_Nonlocal = stmt_Pass = stmt_TypeAlias = unchanged  # noqa: N815
