"""Assignments, plain and augmented, and `del`: the announcement comes when the value is there, as
close to the store as it can.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from raceproof.instrument.rewriting.accesses import Accesses
from raceproof.instrument.rewriting.contents import Contents
from raceproof.instrument.rewriting.dataflow import pairs
from raceproof.instrument.rewriting.names import Names
from raceproof.instrument.rewriting.nodes import (
    as_statement,
    hook_call,
    loaded,
    mention,
    placed,
    walrus,
)
from raceproof.instrument.rewriting.shapes import has_slice


class Assignments(Names, Accesses, Contents):
    """Handlers of statements that bind, store or delete."""

    def stmt_Assign(self, node: ast.Assign) -> list[ast.stmt]:
        if len(node.targets) == 1:
            node.value = self.single(node.targets[0], node.value)
            return [node]
        parts = [pair for target in node.targets for pair in pairs(target, node.value)]
        unpacks = any(isinstance(t, ast.Tuple | ast.List) for t in node.targets)
        node.value = self.several(node.targets, parts, node.value, unpacks=unpacks)
        return [node]

    def stmt_AnnAssign(self, node: ast.AnnAssign) -> list[ast.stmt]:
        if node.value is not None:
            node.value = self.single(node.target, node.value)
        return [node]

    def single(self, target: ast.expr, value: ast.expr) -> ast.expr:
        """The value of an assignment to one target; the target is rewritten in place."""
        match target:
            case ast.Name():
                return self.name_store(target, value)
            case ast.Attribute(value=base) if self.is_simple(base):
                name = self.scope.mangle(target.attr)
                rmw = self.flow.loads(value, target)
                site = self.site("attr", target, name, store=True, rmw=rmw)
                operands = [self.expr(value), mention(base), ast.Constant(name), site]
                return hook_call("_rp_attr_set", operands, value)
            case ast.Subscript(value=base, slice=key) if self.is_simple(base) and self.is_simple(
                key
            ):
                rmw = self.flow.loads(value, target)
                site = self.site("item", target, store=True, rmw=rmw)
                operands = [self.expr(value), mention(base), mention(key), site]
                return hook_call("_rp_item_set", operands, value)
            case ast.Attribute() | ast.Subscript():
                rmw = self.flow.loads(value, target)
                if isinstance(target, ast.Subscript) and has_slice(target.slice):
                    new = self.spread(value)
                else:
                    name = target.attr if isinstance(target, ast.Attribute) else ""
                    new = self.named(target, value, self.scope.mangle(name))
                self.target(target, rmw=rmw)
                return new
        return self.several([target], list(pairs(target, value)), value, unpacks=True)

    def name_store(self, target: ast.Name, value: ast.expr) -> ast.expr:
        name = self.scope.mangle(target.id)
        place = self.place(target.id)
        if place is not None:
            kind, scope = place
            rmw = self.flow.loads(value, target)
            site = self.name_site(kind, target, target.id, store=True, rmw=rmw)
            return hook_call(f"_rp_{kind}_set", [self.expr(value), *scope, site], value)
        if name.startswith("__") and name.endswith("__"):
            return value if name == "__slots__" else self.expr(value)
        owner = self.scope.owner(name)
        if owner is self.scope and (owner.kind == "module" or name in owner.captured):
            return self.named(target, value, name)
        return self.expr(value)

    def several(
        self,
        targets: Sequence[ast.expr],
        parts: Sequence[tuple[ast.expr, ast.expr]],
        value: ast.expr,
        *,
        unpacks: bool,
    ) -> ast.expr:
        """The value of `a, b = value` or `a = b = value`; the targets are rewritten in place."""
        sites: list[ast.expr] = []
        scopes: list[ast.expr] = []
        modified = [(part, self.flow.loads(source, part)) for part, source in parts]
        for part, rmw in modified:
            place = self.place(part.id) if isinstance(part, ast.Name) else None
            if isinstance(part, ast.Name) and place is not None:
                kind, scope = place
                sites.append(self.name_site(kind, part, part.id, store=True, rmw=rmw))
                scopes.extend(scope or [ast.Constant(None)])
        named = next((part for part, _ in parts if self.wants_name(part)), None)
        if unpacks:
            new = self.spread(value)
        elif named is not None and not sites:
            name = named.id if isinstance(named, ast.Name) else ""
            new = self.named(named, value, self.scope.mangle(name))
        else:
            new = self.expr(value)
        if sites:
            where: ast.expr = ast.Constant(None)
            if not all(isinstance(scope, ast.Constant) for scope in scopes):
                where = ast.Tuple(scopes, ast.Load())
            new = hook_call("_rp_names_set", [new, ast.Tuple(sites, ast.Load()), where], new)
        for part, rmw in modified:
            self.target(part, rmw=rmw)
        return new

    def stmt_AugAssign(self, node: ast.AugAssign) -> list[ast.stmt]:
        match node.target:
            case ast.Name() as target:
                return self.name_augment(node, target)
            case ast.Attribute() as target:
                self.attribute_augment(node, target)
            case ast.Subscript() as target:
                self.item_augment(node, target)
        return [node]

    def name_augment(self, node: ast.AugAssign, target: ast.Name) -> list[ast.stmt]:
        place = self.place(target.id)
        value, mutates = node.value, self.may_mutate(target, node.op, node.value)
        if place is None:
            node.value = self.mutating(target, value) if mutates else self.expr(value)
            return [node]
        kind, scope = place
        load = self.name_site(kind, target, target.id)
        store = self.name_site(kind, target, target.id, store=True, rmw=True)
        value = self.mutating(target, value) if mutates else self.expr(value)
        node.value = hook_call(f"_rp_{kind}_set", [value, *scope, store], value)
        return [
            as_statement(hook_call(f"_rp_{kind}", [*map(mention, scope), load], target), node),
            node,
        ]

    def may_mutate(self, target: ast.Name, op: ast.operator, value: ast.expr) -> bool:
        """Whether `target += value` may change a container in place."""
        if not isinstance(op, ast.Add | ast.Sub | ast.Mult | ast.BitOr | ast.BitAnd | ast.BitXor):
            return False
        return not self.is_plain(ast.BinOp(loaded(target.id), op, value))

    def mutating(self, target: ast.Name, value: ast.expr) -> ast.expr:
        """`_rp_aug(value, target, S)`: announced when the value is there, which is read as well."""
        site = self.site("mutate", target, self.scope.mangle(target.id))
        return hook_call("_rp_aug", [self.expr(value), loaded(target.id), site], value)

    def attribute_augment(self, node: ast.AugAssign, target: ast.Attribute) -> None:
        base = target.value
        name = self.scope.mangle(target.attr)
        if not isinstance(base, ast.Name) and not self.can_keep:
            self.target(target, rmw=True)
            node.value = self.expr(node.value)
            return
        load = self.site("attr", target, name)
        store = self.site("attr", target, name, store=True, rmw=True)
        first, again = self.twice(base)
        target.value = hook_call("_rp_attr", [first, ast.Constant(name), load], target)
        operands = [self.expr(node.value), again, ast.Constant(name), store]
        node.value = hook_call("_rp_attr_aug", operands, node.value)

    def item_augment(self, node: ast.AugAssign, target: ast.Subscript) -> None:
        base, key = target.value, target.slice
        again_and_again = isinstance(base, ast.Name) and self.is_repeatable(key)
        if has_slice(key) or not (again_and_again or self.can_keep):
            self.target(target, rmw=True)
            node.value = self.expr(node.value)
            return
        load = self.site("item", target)
        store = self.site("item", target, store=True, rmw=True)
        first, again = self.twice(base)
        if self.is_simple(key) or not self.can_keep:
            keys: list[ast.expr] = [mention(key), mention(key)]
        else:
            temp = self.temporary()
            keys = [walrus(temp, self.expr(key)), loaded(temp)]
            target.slice = placed(loaded(temp), key)
        target.value = hook_call("_rp_item", [first, keys[0], load], target)
        operands = [self.expr(node.value), again, keys[1], store]
        node.value = hook_call("_rp_item_aug", operands, node.value)

    def stmt_Delete(self, node: ast.Delete) -> list[ast.stmt]:
        marks = self.marks(node.targets)
        node.targets = [self.target(target, delete=True) for target in node.targets]
        return [*marks, node]
