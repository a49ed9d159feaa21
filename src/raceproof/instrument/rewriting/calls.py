"""Calls of builtins, and of functions that are not watched and look at what they are given."""

from __future__ import annotations

import ast

from raceproof.instrument.rewriting.knowledge import (
    DEEP_READERS,
    KEEPERS,
    LAZY_READERS,
    MUTATORS,
    READERS,
    SNAPSHOTS,
)
from raceproof.instrument.rewriting.loops import each_of
from raceproof.instrument.rewriting.methods import Methods
from raceproof.instrument.rewriting.nodes import first_of, hook_call, mention
from raceproof.instrument.rewriting.shapes import constant_text, is_spread


class Calls(Methods):
    """Handlers of calls."""

    def expr_Call(self, node: ast.Call) -> ast.expr:
        func = node.func
        if isinstance(func, ast.Name):
            name = self.scope.mangle(func.id)
            if self.scope.is_builtin(name):
                return self.builtin_call(node, name)
        found = self.imported_function(func)
        if found is not None and not self.is_watched(found[0]):
            self.foreign_arguments(node, *found)
            node.func = self.callee(func)
        elif found is None and isinstance(func, ast.Attribute):
            self.method_call(node, func)
        else:
            node.func = self.callee(func)
            self.arguments(node)
        return node

    def imported_function(self, func: ast.expr) -> tuple[str, str] | None:
        """The module and name of a function or class that is called through an import."""
        if isinstance(func, ast.Name):
            found = self.scope.imported(self.scope.mangle(func.id))
            if found is not None and found[1] is not None:
                return found[0], found[1]
        elif isinstance(func, ast.Attribute):
            module = self.module_path(func.value)
            if module is not None:
                return module, func.attr
            found = self.imported_function(func.value)
            if found is not None:
                method = found[0], f"{found[1]}.{func.attr}"
                return method if method in LAZY_READERS else None
        return None

    # ------------------------------------------------------------------ builtins

    def builtin_call(self, node: ast.Call, name: str) -> ast.expr:
        """A call of a builtin by its name."""
        args = node.args
        lazy = LAZY_READERS.get(("builtins", name))
        if name in ("sorted", "min", "max"):
            self.sort_by_rank(node.keywords)
        match name, 0 if is_spread(args) else len(args):
            case "super", _:
                return node
            case "len", 1 if self.looks(args[0]):
                args[0] = self.wrapped("_rp_len", "len", args[0])
            case "id", 1:
                args[0] = self.wrapped("_rp_ident", "ident", args[0])
            case "bool", 1:
                args[0] = self.truth(args[0])
            case "next", 1 | 2:
                args[0] = self.wrapped("_rp_next", "next", args[0])
                args[1:] = self.exprs(args[1:])
            case "reversed", 1 if self.looks(args[0]):
                args[0] = self.wrapped("_rp_reversed", "iter", args[0])
            case "vars", 1:
                self.builtin_vars(node)
            case "print", _:
                args[:] = map(self.seen, args)
                streams = [keyword for keyword in node.keywords if keyword.arg == "file"]
                self.keywords([one for one in node.keywords if one not in streams])
                for keyword in streams:
                    keyword.value = self.written_to(keyword.value)
                return node
            case "getattr" | "hasattr" | "delattr", 2 | 3 if self.is_simple(args[1]):
                self.builtin_getattr(node, name)
            case "setattr", 3 if self.is_simple(args[1]):
                self.builtin_setattr(node)
            case "iter", 1:
                args[0] = self.iterated(args[0], "_rp_iterator")
            case "iter", 2:  # a function, and the value that ends it
                return self.calls_until(node)
            case _ if lazy is not None:
                self.lazy_arguments(node, lazy)
            case _ if name in DEEP_READERS:
                args[:] = map(self.seen, args)
            case _ if name in READERS:
                args[:] = [self.read(a) if self.looks(a) else self.expr(a) for a in args]
            case _:
                args[:] = self.exprs(args)
        self.keywords(node.keywords)
        return node

    def written_to(self, stream: ast.expr) -> ast.expr:
        """`print(..., file=stream)` calls `stream.write`."""
        site = self.site("method", stream, "write")
        operands = [self.expr(stream), ast.Constant("write"), site]
        return hook_call("_rp_meth", operands, stream)

    def calls_until(self, node: ast.Call) -> ast.expr:
        """`iter(function, sentinel)`: whatever goes through it calls the function in a loop."""
        site = self.site("iter", node, loop=each_of(None, ()))
        node.args[:] = self.exprs(node.args)
        return hook_call("_rp_iter", [node, site], node)

    def lazy_arguments(self, node: ast.Call, lazy: slice) -> None:
        if is_spread(node.args):
            node.args = [self.iterated_each(argument) for argument in node.args]
            return
        iterated = node.args[lazy]
        loop = each_of(None, ())
        node.args = [
            self.iterated(a, loop=loop) if a in iterated else self.expr(a) for a in node.args
        ]

    def iterated_each(self, argument: ast.expr) -> ast.expr:
        """One of the arguments of `zip(*rows, row)`: whatever it stands for is iterated over."""
        if isinstance(argument, ast.Starred):
            argument.value = self.wrapped("_rp_iters", "iter", argument.value)
            return argument
        return self.iterated(argument)

    def builtin_vars(self, node: ast.Call) -> None:
        site = self.site("attr", node, "__dict__")
        operands = [self.expr(node.args[0]), ast.Constant("__dict__"), site]
        node.args[0] = hook_call("_rp_attr", operands, node.args[0])

    def builtin_getattr(self, node: ast.Call, name: str) -> None:
        base, attribute, *others = node.args
        store = name == "delattr"
        site = self.site(
            "attr-del" if store else "attr", node, constant_text(attribute), store=store
        )
        hook = "_rp_attr_dyn_at" if store else "_rp_attr_dyn"
        first = hook_call(hook, [self.expr(base), mention(attribute), site], base)
        node.args = [first, attribute, *self.exprs(others)]

    def builtin_setattr(self, node: ast.Call) -> None:
        base, name, value = node.args
        site = self.site("attr", node, constant_text(name), store=True)
        if self.is_simple(base) and not self.is_pure(value):
            operands = [self.expr(value), mention(base), mention(name), site]
            node.args[2] = hook_call("_rp_attr_set", operands, value)
        else:
            operands = [self.expr(base), mention(name), site]
            node.args[0] = hook_call("_rp_attr_dyn_at", operands, base)
            node.args[2] = self.expr(value)

    # ------------------------------------------------------------------ what is not watched

    def foreign_arguments(self, node: ast.Call, module: str, name: str) -> None:
        """Arguments of a function that is not watched: it looks at them, as far as we know."""
        lazy = LAZY_READERS.get((module, name))
        if (module, name) in MUTATORS and node.args and not isinstance(node.args[0], ast.Starred):
            self.mutator_arguments(node)
        elif (module, name) in SNAPSHOTS and node.args:
            self.snapshot_arguments(node, SNAPSHOTS[module, name])
        elif module in KEEPERS or module.partition(".")[0] in KEEPERS:
            self.arguments(node)
        elif name == "chain.from_iterable" and len(node.args) == 1 and not is_spread(node.args):
            node.args[0] = self.wrapped("_rp_iters", "iter", node.args[0])
        elif lazy is not None:
            self.lazy_arguments(node, lazy)
            self.keywords(node.keywords)
        else:
            node.args[:] = map(self.seen, node.args)
            for keyword in node.keywords:
                look = self.seen if keyword.arg is not None else self.spread
                keyword.value = look(keyword.value)

    def snapshot_arguments(self, node: ast.Call, deep: bool) -> None:
        """`deepcopy(thing)`: what it looks at is announced for the thing."""
        first, *others = node.args
        if isinstance(first, ast.Starred) or not self.looks(first):
            self.arguments(node)
            return
        operands = [self.expr(first), self.site("read", first), ast.Constant(deep)]
        node.args = [hook_call("_rp_snapshot", operands, first), *self.exprs(others)]
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
