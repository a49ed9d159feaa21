"""What the rewriter takes for granted about an expression: that it runs nothing, that nobody can
change its value, that it is a module nobody stores to.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence

from raceproof.instrument.rewriting.context import Context
from raceproof.instrument.rewriting.knowledge import HANDING_OUT, SUBMODULES
from raceproof.instrument.rewriting.plain import Plain
from raceproof.instrument.rewriting.scopes import Scope
from raceproof.instrument.rewriting.shapes import Given


class Assumptions(Context):
    """Questions about expressions; where in doubt the answer is no."""

    def is_simple(self, node: ast.expr) -> bool:
        """Whether mentioning the expression twice costs nothing and runs nothing."""
        match node:
            case ast.Name(id=name):
                return not self.scope.is_hot(self.scope.mangle(name))
            case ast.Constant() | ast.UnaryOp(op=ast.USub(), operand=ast.Constant()):
                return True
        return False

    def is_pure(self, node: ast.expr) -> bool:
        """Whether evaluating the expression runs neither user code nor a hook."""
        match node:
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                return all(map(self.is_pure, elements))
            case ast.Set(elts=elements):
                return all(isinstance(element, ast.Constant) for element in elements)
            case ast.Dict(keys=keys, values=values):
                return all(isinstance(key, ast.Constant) for key in keys) and all(
                    map(self.is_pure, values)
                )
            case ast.JoinedStr(values=values):
                return all(isinstance(value, ast.Constant) for value in values)
            case ast.Lambda(args=arguments):
                defaults = [*arguments.defaults, *arguments.kw_defaults]
                return all(d is None or self.is_pure(d) for d in defaults)
            case ast.Starred(value=ast.Name(id=name)):
                return self.is_own_spread(name)
        return self.is_simple(node)

    def is_pure_keyword(self, keyword: ast.keyword) -> bool:
        if keyword.arg is None:
            return isinstance(keyword.value, ast.Name) and self.is_own_spread(keyword.value.id)
        return self.is_pure(keyword.value)

    def is_own_spread(self, name: str) -> bool:
        """Whether the name is the `*args` or `**kwargs` of the function at hand."""
        mangled = self.scope.mangle(name)
        owner = self.scope.owner(mangled)
        return (
            mangled in owner.spread and owner is self.scope.runner and mangled not in owner.stores
        )

    def is_plain(self, node: ast.expr) -> bool:
        """Whether the value is a number or the like, which nobody can change."""
        plain = self.plain.get(self.scope)
        if plain is not None:
            return plain.holds(node)
        return isinstance(node, ast.Constant)

    def is_repeatable(self, node: ast.expr) -> bool:
        """Whether the expression gives the same when evaluated again: arithmetic on numbers."""
        match node:
            case ast.BinOp(left=left, right=right):
                return all(self.is_repeatable(e) and self.is_plain(e) for e in (left, right))
            case ast.Tuple(elts=elements):
                return all(map(self.is_repeatable, elements))
        return self.is_simple(node)

    def find_plain(self, scope: Scope, body: Sequence[ast.AST]) -> None:
        """To be done on entering a block, before anything in it is rewritten."""
        above = scope.parent

        def is_plain_outside(name: str) -> bool:
            owner = scope.owner(name) if above is None else above.owner(name)
            plain = self.plain.get(owner)
            return plain is not None and name in plain.names and name not in owner.hot

        unknown = scope.parameters | scope.hot | scope.globals | scope.nonlocals
        self.plain[scope] = Plain(body, scope.is_builtin, is_plain_outside, unknown)

    def looks(self, node: ast.expr) -> bool:
        """Whether the expression gets hold of something that others may have, and change."""
        match node:
            case ast.Call(func=ast.Name(id=name)) if self.scope.is_builtin(self.scope.mangle(name)):
                return name in HANDING_OUT
        return isinstance(node, Given) and not self.is_plain(node)

    def is_foreign(self, node: ast.expr) -> bool:
        """Whether the expression is a module of the standard library, and not watched.

        (Of other modules we cannot be sure that no watched code stores to them.)
        """
        path = self.module_path(node)
        return (
            path is not None
            and path.partition(".")[0] in sys.stdlib_module_names
            and not self.is_watched(path)
        )

    def module_path(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Name):
            found = self.scope.imported(self.scope.mangle(node.id))
            if found is None:
                return None
            path = found[0] if found[1] is None else f"{found[0]}.{found[1]}"
            return path if found[1] is None or path in SUBMODULES else None
        if isinstance(node, ast.Attribute):
            above = self.module_path(node.value)
            path = f"{above}.{node.attr}"
            return path if path in SUBMODULES or path in self.scopes.module.dotted else None
        return None

    def is_super(self, node: ast.expr) -> bool:
        match node:
            case ast.Call(func=ast.Name(id="super")):
                return self.scope.is_builtin("super")
        return False

    def is_quiet(self, node: ast.expr) -> bool:
        """Whether evaluating the expression calls no hook: arithmetic on simple things."""
        match node:
            case ast.BinOp(left=left, right=right):
                return self.is_quiet(left) and self.is_quiet(right)
            case ast.UnaryOp(operand=operand):
                return not isinstance(node.op, ast.Not) and self.is_quiet(operand)
        return self.is_simple(node)
