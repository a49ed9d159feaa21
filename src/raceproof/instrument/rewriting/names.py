"""Globals and closure variables that are hot: `g` becomes `(_rp_glob(S) or g)`, a store of it
is announced by what is stored, or by a statement beside it.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from raceproof.instrument.rewriting.nodes import as_statement, hook_call, loaded, placed
from raceproof.instrument.rewriting.scopes import Scope
from raceproof.instrument.rewriting.shapes import Nameless
from raceproof.instrument.rewriting.walker import Walker


class Names(Walker):
    """Handlers of hot names; and names that are not hot, whose values are named for reports."""

    def place(self, name: str) -> tuple[str, list[ast.expr]] | None:
        """For a hot name: "glob" or "cell", and the scope object that goes into its hooks."""
        mangled = self.scope.mangle(name)
        owner = self.scope.owner(mangled)
        if mangled not in owner.hot:
            return None
        if owner.kind == "module":
            return "glob", []
        return "cell", [loaded(scope_name(owner))]

    def name_site(
        self, kind: str, node: ast.AST, name: str, *, store: bool = False, rmw: bool = False
    ) -> ast.Constant:
        kind = "global" if kind == "glob" else "cell"
        return self.site(kind, node, self.scope.mangle(name), store=store, rmw=rmw)

    def marks(self, nodes: Sequence[ast.AST | None]) -> list[ast.stmt]:
        """Statements announcing stores of the hot names among these targets."""
        found: list[ast.stmt] = []
        for node in nodes:
            if node is None:
                continue
            for part in ast.walk(node):
                if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load):
                    found.extend(self.mark(part.id, part))
        return found

    def mark(self, name: str | None, node: ast.AST) -> list[ast.stmt]:
        place = self.place(name) if name is not None else None
        if name is None or place is None:
            return []
        kind, scope = place
        site = self.name_site(kind, node, name, store=True)
        return [as_statement(hook_call(f"_rp_{kind}_mark", [*scope, site], node), node)]

    def expr_Name(self, node: ast.Name) -> ast.expr:
        place = self.place(node.id)
        if place is None or not isinstance(node.ctx, ast.Load):
            return node
        kind, scope = place
        site = self.name_site(kind, node, node.id)
        hook = hook_call(f"_rp_{kind}", [*scope, site], node)
        return placed(ast.BoolOp(ast.Or(), [hook, node]), node)

    def expr_NamedExpr(self, node: ast.NamedExpr) -> ast.expr:
        place = self.place(node.target.id)
        if place is None:
            node.value = self.expr(node.value)
            return node
        kind, scope = place
        rmw = self.flow.loads(node.value, node.target)
        site = self.name_site(kind, node.target, node.target.id, store=True, rmw=rmw)
        node.value = hook_call(f"_rp_{kind}_set", [self.expr(node.value), *scope, site], node.value)
        return node

    def named(self, target: ast.expr, value: ast.expr, name: str) -> ast.expr:
        """The value, with a name for the report; numbers and the like need none."""
        if isinstance(value, Nameless):
            return self.expr(value)
        site = self.site("name", target, name)
        return hook_call("_rp_name", [self.expr(value), site], value)

    def wants_name(self, target: ast.expr) -> bool:
        if not isinstance(target, ast.Name):
            return True
        name = self.scope.mangle(target.id)
        owner = self.scope.owner(name)
        return owner is self.scope and (owner.kind == "module" or name in owner.captured)


def scope_name(owner: Scope) -> str:
    return f"_rp_scope_{owner.number}"
