"""Loads, stores and deletions of attributes and items, but for simple and augmented assignments."""

from __future__ import annotations

import ast

from raceproof.instrument.rewriting.dataflow import text
from raceproof.instrument.rewriting.knowledge import TAKEN_METHODS
from raceproof.instrument.rewriting.nodes import (
    called,
    first_of,
    hook_call,
    loaded,
    mention,
    placed,
    walrus,
)
from raceproof.instrument.rewriting.shapes import bounds_of, has_slice, map_bounds
from raceproof.instrument.rewriting.walker import Walker


class Accesses(Walker):
    """Handlers of `X.a` and `X[k]`."""

    def expr_Attribute(self, node: ast.Attribute) -> ast.expr:
        taken = node.attr in TAKEN_METHODS and not (
            isinstance(node.value, ast.Constant | ast.JoinedStr)
            or self.is_super(node.value)
            or self.is_foreign(node.value)
        )
        found = self.attribute(node)
        if not taken:
            return found
        return hook_call("_rp_taken", [found, self.site("method", node, node.attr)], node)

    def attribute(self, node: ast.Attribute) -> ast.expr:
        """X.a, whatever is done with it."""
        base = node.value
        if self.is_super(base):
            return node
        if isinstance(base, ast.Constant | ast.JoinedStr) or (
            self.is_foreign(base) and text(node) not in self.stored_on_modules
        ):
            node.value = self.expr(base)
        else:
            node.value = self.attribute_hook("_rp_attr", node, "attr")
        return node

    def callee(self, node: ast.expr) -> ast.expr:
        """What is called at once."""
        return self.attribute(node) if isinstance(node, ast.Attribute) else self.expr(node)

    def attribute_hook(
        self, hook: str, node: ast.Attribute, kind: str, *, store: bool = False, rmw: bool = False
    ) -> ast.expr:
        """`hook(X, 'a', S)` for X.a."""
        name = self.scope.mangle(node.attr)
        site = self.site(kind, node, name, store=store, rmw=rmw)
        return hook_call(hook, [self.expr(node.value), ast.Constant(name), site], node)

    def expr_Subscript(self, node: ast.Subscript) -> ast.expr:
        base, key = node.value, node.slice
        if isinstance(base, ast.Constant | ast.JoinedStr):
            self.generic(node)
        elif has_slice(key):
            self.slice_load(node)
        elif self.is_simple(key):
            site = self.site("item", node)
            node.value = hook_call("_rp_item", [self.expr(base), mention(key), site], node)
        elif self.can_keep:
            site = self.site("item", node)
            base, temp = self.expr(base), self.temporary()
            keep = walrus(temp, self.expr(key))
            node.value = hook_call("_rp_item", [base, keep, site], node)
            node.slice = placed(loaded(temp), key)
        elif isinstance(key, ast.Tuple) and all(map(self.is_simple, key.elts)):
            site = self.site("item", node)
            node.value = hook_call("_rp_item", [self.expr(base), mention(key), site], node)
        else:
            site = self.site("item", node)
            both = hook_call("_rp_both", [self.expr(base), self.expr(key), site], node)
            return called("_rp_getitem", both, node)
        return node

    def slice_load(self, node: ast.Subscript) -> None:
        """X[i:j]; bounds that could run hooks are evaluated before the announcement if possible."""
        site = self.site("whole", node)
        bounds = bounds_of(node.slice)
        base = self.expr(node.value)
        if self.can_keep and not all(map(self.is_quiet, bounds)):
            kept: list[ast.expr] = []

            def keep(bound: ast.expr) -> ast.expr:
                if self.is_quiet(bound):
                    return self.expr(bound)
                temp = self.temporary()
                kept.append(walrus(temp, self.expr(bound)))
                return placed(loaded(temp), bound)

            node.slice = map_bounds(node.slice, keep)
            base = first_of(base, *kept)
        else:
            node.slice = self.expr(node.slice)
        node.value = hook_call("_rp_whole", [base, site], node)

    def target(self, node: ast.expr, *, delete: bool = False, rmw: bool = False) -> ast.expr:
        """A target of an assignment, loop, with or del, which announces when it is evaluated."""
        suffix = "-del" if delete else ""
        match node:
            case ast.Attribute():
                node.value = self.attribute_hook(
                    "_rp_attr_at", node, "attr" + suffix, store=True, rmw=rmw
                )
            case ast.Subscript():
                self.item_target(node, suffix, rmw)
            case ast.Tuple() | ast.List():
                node.elts = [self.target(element, delete=delete) for element in node.elts]
            case ast.Starred():
                node.value = self.target(node.value)
        return node

    def item_target(self, node: ast.Subscript, suffix: str, rmw: bool) -> None:
        base, key = node.value, node.slice
        if has_slice(key):
            site = self.site("whole" + suffix, node, store=True, rmw=rmw)
            node.value = hook_call("_rp_whole_at", [self.expr(base), site], node)
            node.slice = self.expr(key)
            return
        site = self.site("item" + suffix, node, store=True, rmw=rmw)
        if self.is_simple(key) or (
            not self.can_keep and isinstance(key, ast.Tuple) and all(map(self.is_simple, key.elts))
        ):
            node.value = hook_call("_rp_item_at", [self.expr(base), mention(key), site], node)
        elif self.can_keep:
            base, temp = self.expr(base), self.temporary()
            node.value = hook_call("_rp_item_at", [base, walrus(temp, self.expr(key)), site], node)
            node.slice = placed(loaded(temp), key)
        else:
            node.value = hook_call("_rp_whole_at", [self.expr(base), site], node)
            node.slice = self.expr(key)
