"""Calls: of methods that a container may have, of builtins, and of functions that are not watched
and look at what they are given.
"""

from __future__ import annotations

import ast
from typing import Any

from raceproof.instrument.rewriting.contents import Contents
from raceproof.instrument.rewriting.knowledge import (
    CONTAINER_METHODS,
    KEEPERS,
    LAZY_READERS,
    MUTATORS,
    READERS,
)
from raceproof.instrument.rewriting.nodes import first_of, hook_call, loaded, mention, walrus
from raceproof.instrument.rewriting.shapes import Fresh, constant_text, rebinds


class Calls(Contents):
    """Handlers of calls."""

    def expr_Call(self, node: ast.Call) -> ast.expr:
        func = node.func
        if isinstance(func, ast.Attribute):
            return self.method_call(node, func)
        if isinstance(func, ast.Name):
            name = self.scope.mangle(func.id)
            if self.scope.is_builtin(name):
                return self.builtin_call(node, name)
            found = self.scope.imported(name)
            if found is not None and found[1] is not None and not self.is_watched(found[0]):
                self.foreign_arguments(node, found[0], found[1])
                node.func = self.expr(func)
                return node
        node.func = self.expr(func)
        self.arguments(node)
        return node

    def arguments(self, node: ast.Call) -> None:
        node.args = self.exprs(node.args)
        self.keywords(node.keywords)

    def builtin_call(self, node: ast.Call, name: str) -> ast.expr:
        """A call of a builtin by its name."""
        args = node.args
        first = 0
        hook, kind = "_rp_read", "read"
        match name, len(args):
            case "super", _:
                return node
            case "len", 1:
                hook, kind = "_rp_len", "len"
            case "bool", 1:
                hook, kind = "_rp_true", "truth"
            case "next", 1 | 2:
                args[0] = self.wrapped("_rp_next", "next", args[0])
                first = len(args)
            case "getattr" | "hasattr" | "delattr", 2 | 3 if self.is_simple(args[1]):
                store = name == "delattr"
                kind = "attr-del" if store else "attr"
                site = self.site(kind, node, constant_text(args[1]), store=store)
                hook = "_rp_attr_dyn_at" if store else "_rp_attr_dyn"
                args[0] = hook_call(hook, [self.expr(args[0]), mention(args[1]), site], args[0])
                args[2:] = self.exprs(args[2:])
                first = len(args)
            case "setattr", 3 if self.is_simple(args[1]):
                self.builtin_setattr(node)
                first = len(args)
            case _:
                if name in LAZY_READERS:
                    hook, kind, first = "_rp_iter", "iter", LAZY_READERS[name]
                elif name not in READERS:
                    first = len(args)
                    args[:] = self.exprs(args)
        for i, argument in enumerate(args):
            if i < first and name not in LAZY_READERS:
                continue
            if i < first or isinstance(argument, Fresh | ast.Starred) or self.is_plain(argument):
                args[i] = self.expr(argument)
            elif hook == "_rp_iter":
                args[i] = self.iterated(argument)
            else:
                args[i] = self.wrapped(hook, kind, argument)
        self.keywords(node.keywords)
        return node

    def builtin_setattr(self, node: ast.Call) -> None:
        base, name, value = node.args
        site = self.site("attr", node, constant_text(name), store=True)
        if self.is_simple(base) and not self.is_pure(value):
            operands = [self.expr(value), mention(base), mention(name), site]
            node.args[2] = hook_call("_rp_attr_set", operands, value)
        else:
            node.args[0] = hook_call(
                "_rp_attr_dyn_at", [self.expr(base), mention(name), site], base
            )
            node.args[2] = self.expr(value)

    def foreign_arguments(self, node: ast.Call, module: str, name: str) -> None:
        """Arguments of a function that is not watched: it looks at them, as far as we know."""
        if (module, name) in MUTATORS and node.args and not isinstance(node.args[0], ast.Starred):
            self.mutator_arguments(node)
            return
        keeps = module in KEEPERS or module.partition(".")[0] in KEEPERS
        for i, argument in enumerate(node.args):
            looks = not keeps and self.looks(argument)
            node.args[i] = self.read(argument) if looks else self.expr(argument)
        self.keywords(node.keywords)

    def mutator_arguments(self, node: ast.Call) -> None:
        """`heappush(heap, item)`: announced when all arguments are there."""
        changed, *others = node.args
        pure = all(map(self.is_pure, others)) and all(map(self.is_pure_keyword, node.keywords))
        late = not pure and not isinstance(others[-1], ast.Starred) and not node.keywords
        if not late or not (self.is_simple(changed) or self.can_keep):
            node.args[0] = self.wrapped("_rp_mutate", "mutate", changed)
            node.args[1:] = self.exprs(others)
            self.keywords(node.keywords)
            return
        site = self.site("mutate", changed)
        first, again = self.twice(changed)
        *middle, last = self.exprs(others)
        hook = hook_call("_rp_mutate", [again, site], changed)
        node.args = [first, *middle, first_of(last, hook)]

    def method_call(self, node: ast.Call, func: ast.Attribute) -> ast.expr:
        receiver = func.value
        module = self.module_path(receiver)
        if module is not None:
            if self.is_watched(module):
                self.arguments(node)
            else:
                self.foreign_arguments(node, module, func.attr)
            node.func = self.expr(func)
        elif (
            func.attr not in CONTAINER_METHODS
            or self.is_super(receiver)
            or isinstance(receiver, ast.Constant | ast.JoinedStr)
        ):
            node.func = self.expr(func)
            reads: tuple[type[ast.expr], ...] = ()
            if func.attr == "join" and len(node.args) == 1 and not node.keywords:
                reads = (ast.Name, ast.Attribute, ast.Subscript, ast.Call)
            elif func.attr == "format" and isinstance(receiver, ast.Constant):
                reads = (ast.Name, ast.Attribute, ast.Subscript)
            node.args = [
                self.read(a) if isinstance(a, reads) and not self.is_plain(a) else self.expr(a)
                for a in node.args
            ]
            self.keywords(node.keywords)
        else:
            self.container_call(node, func)
        return node

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
        elif (
            len(leading) == last == len(values) - 1
            and positional
            and not isinstance(values[last], ast.Starred)
        ):
            extra["at"] = last  # then `leading` and the announced value are all there is
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
            operands = [self.expr(receiver), ast.Constant(name), site]
            node.func = hook_call("_rp_callmeth", operands, func)
            self.arguments(node)
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
