"""Calls of methods: those that a container may have are announced as one operation, for all
others it is the attribute that is looked up, and what is handed to code that is not watched.
"""

from __future__ import annotations

import ast
from typing import Any

from raceproof.instrument.rewriting.accesses import Accesses
from raceproof.instrument.rewriting.contents import Contents
from raceproof.instrument.rewriting.knowledge import CONTAINER_METHODS
from raceproof.instrument.rewriting.nodes import (
    hook_call,
    loaded,
    mention,
    move_to_attribute,
    placed,
    walrus,
)
from raceproof.instrument.rewriting.shapes import rebinds


class Methods(Accesses, Contents):
    """The rewriting of `X.m(...)`."""

    def arguments(self, node: ast.Call) -> None:
        node.args = self.exprs(node.args)
        self.keywords(node.keywords)

    def method_call(self, node: ast.Call, func: ast.Attribute) -> None:
        receiver = func.value
        if func.attr == "sort":
            self.sort_by_rank(node.keywords)
        if self.is_super(receiver) or isinstance(receiver, ast.Constant | ast.JoinedStr):
            node.func = self.callee(func)
            if func.attr in ("join", "format") and isinstance(receiver, ast.Constant):
                node.args[:] = map(self.seen, node.args)
                self.keywords(node.keywords)
            else:
                self.arguments(node)
        elif func.attr == "join" and len(node.args) == 1 and not node.keywords:
            node.func = self.callee(func)
            node.args[:] = map(self.seen, node.args)
        elif func.attr in CONTAINER_METHODS:
            self.container_call(node, func)
        else:
            self.other_call(node, func)

    def other_call(self, node: ast.Call, func: ast.Attribute) -> None:
        """X.m(...) where m is no method of a container, but may look at containers."""
        receiver = func.value
        values = [*node.args, *(keyword.value for keyword in node.keywords)]
        looks = func.attr not in self.own_functions and any(map(self.looks, values))
        simple = self.is_simple(receiver) and not rebinds(receiver, values)
        node.func = self.callee(func)
        if not looks or not (simple or self.can_keep):
            self.arguments(node)
            return
        if simple:
            again = mention(receiver)
        else:
            temp = self.temporary()
            again = loaded(temp)
            assert isinstance(func.value, ast.Call)  # of _rp_attr
            func.value.args[0] = walrus(temp, func.value.args[0])
        name = ast.Constant(self.scope.mangle(func.attr))

        def given(value: ast.expr) -> ast.expr:
            if not self.looks(value):
                return self.expr(value)
            site = self.site("read", value)
            return hook_call("_rp_given", [self.expr(value), again, name, site], value)

        node.args = [given(value) for value in node.args]
        for keyword in node.keywords:
            change = given if keyword.arg is not None else self.spread
            keyword.value = change(keyword.value)

    def container_call(self, node: ast.Call, func: ast.Attribute) -> None:
        """X.m(...) where m is a method of a container: announced when all is evaluated."""
        name = self.scope.mangle(func.attr)
        site = self.site("method", node, name)
        values: list[ast.expr] = [*node.args, *(keyword.value for keyword in node.keywords)]
        pure = [*map(self.is_pure, node.args), *map(self.is_pure_keyword, node.keywords)]
        last = max((i for i, quiet in enumerate(pure) if not quiet), default=-1)
        positional = 0 <= last < len(node.args)
        leading: list[ast.expr] = []
        for argument in node.args[: last if positional else None]:
            if not self.is_simple(argument):
                break
            leading.append(mention(argument))
        extra: dict[str, Any] = {}
        if last < 0:
            if len(leading) < len(values):
                extra["more"] = True
        elif len(leading) == last and positional and not isinstance(values[last], ast.Starred):
            extra["at"] = last  # `leading` and the announced value are the first arguments
            if last < len(values) - 1:
                extra["more"] = True
        receiver = func.value
        head = [ast.Constant(name), site, *leading]
        if last < 0:
            func.value = hook_call("_rp_meth", [self.expr(receiver), *head], node, **extra)
            self.arguments(node)
            return
        again: ast.expr
        if self.is_simple(receiver) and not rebinds(receiver, values):
            again = mention(receiver)
        elif self.can_keep:
            temp = self.temporary()
            func.value = walrus(temp, self.expr(receiver))
            again = loaded(temp)
        else:
            self.bound_call(node, func, name, site)
            return
        self.arguments(node)

        def announced(value: ast.expr) -> ast.expr:
            return hook_call("_rp_meth_arg", [value, again, *head], value, **extra)

        if not positional:
            keyword = node.keywords[last - len(node.args)]
            keyword.value = announced(keyword.value)
        elif isinstance(starred := node.args[last], ast.Starred):
            starred.value = announced(starred.value)
        else:
            node.args[last] = announced(node.args[last])

    def bound_call(
        self, node: ast.Call, func: ast.Attribute, name: str, site: ast.Constant
    ) -> None:
        """`_rp_bind(_rp_receiver(X, 'm', S).m, 'm', S, arguments)()`, where nothing can be kept."""
        operands = [self.expr(func.value), ast.Constant(name), site]
        func.value = hook_call("_rp_receiver", operands, func.value)
        self.arguments(node)
        bind = hook_call("_rp_bind", [func, ast.Constant(name), site], func)
        bind.args.extend(node.args)
        bind.keywords.extend(node.keywords)
        node.func, node.args, node.keywords = bind, [], []
        move_to_attribute(node, func)
        placed(bind, node)
