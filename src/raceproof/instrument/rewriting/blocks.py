"""Blocks with names of their own: functions, lambdas, classes and comprehensions."""

from __future__ import annotations

import ast

from raceproof.events import Loop
from raceproof.instrument.rewriting.accesses import Accesses
from raceproof.instrument.rewriting.contents import Contents
from raceproof.instrument.rewriting.context import Temps
from raceproof.instrument.rewriting.dataflow import Dataflow
from raceproof.instrument.rewriting.loops import again_of, each_of
from raceproof.instrument.rewriting.names import Names, scope_name
from raceproof.instrument.rewriting.nodes import as_statement, hook_call, placed
from raceproof.instrument.rewriting.scopes import Comprehension, Function
from raceproof.instrument.rewriting.shapes import is_declaration, is_docstring


class Blocks(Names, Accesses, Contents):
    """Handlers of whatever opens a scope."""

    def comprehension(self, node: Comprehension) -> ast.expr:
        scope = self.scopes.of[node]
        # A generator may be consumed by several threads: they would share the temporary.
        allowed = scope.runner.kind != "module" and not isinstance(node, ast.GeneratorExp)
        temps = self.temps if allowed else Temps(allowed=False)
        first = node.generators[0]
        loops = [self.loop_of_generator(node, generator) for generator in node.generators]
        targets = [ast.comprehension(g.target, g.iter, [], g.is_async) for g in node.generators]
        self.find_plain(scope, targets)
        self.iterable += 1
        first.iter = (
            self.expr(first.iter) if first.is_async else self.iterated(first.iter, loop=loops[0])
        )
        self.iterable -= 1
        with self.inside(scope, temps):
            for generator, loop in zip(node.generators, loops, strict=True):
                if generator is not first:
                    self.iterable += 1
                    generator.iter = (
                        self.expr(generator.iter)
                        if generator.is_async
                        else self.iterated(generator.iter, loop=loop)
                    )
                    self.iterable -= 1
                with self.without_temps():
                    generator.target = self.target(generator.target)
                generator.ifs = [self.truth(test) for test in generator.ifs]
            if isinstance(node, ast.DictComp):
                node.key = self.expr(node.key)
                if node.value is not None:
                    node.value = self.expr(node.value)
            else:
                node.elt = self.expr(node.elt)
        return node

    expr_ListComp = expr_SetComp = expr_DictComp = expr_GeneratorExp = comprehension  # noqa: N815

    def loop_of_generator(self, node: Comprehension, generator: ast.comprehension) -> Loop:
        """What is to be known of `for x in y` in a comprehension, before it is rewritten."""
        value = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        uses: list[ast.AST] = [part for part in value if part is not None]
        for other in node.generators:
            uses.extend(other.ifs)
            if other is not node.generators[0]:
                uses.append(other.iter)
        return each_of(generator.target, uses)

    def expr_Lambda(self, node: ast.Lambda) -> ast.expr:
        self.defaults(node.args)
        scope = self.scopes.of[node]
        self.find_plain(scope, [node.body])
        with self.inside(scope, Temps(not scope.shows_locals), Dataflow(node.body)):
            node.body = self.expr(node.body)
        return node

    def defaults(self, arguments: ast.arguments) -> None:
        with self.without_temps():
            arguments.defaults = self.exprs(arguments.defaults)
            arguments.kw_defaults = [
                None if default is None else self.expr(default) for default in arguments.kw_defaults
            ]

    def function(self, node: Function) -> list[ast.stmt]:
        with self.without_temps():
            node.decorator_list = self.exprs(node.decorator_list)
        self.defaults(node.args)
        scope = self.scopes.of[node]
        again = again_of(node, lambda name: scope.is_hot(scope.mangle(name)))
        self.find_plain(scope, node.body)
        with self.inside(scope, Temps(not scope.shows_locals), Dataflow(node.body)):
            docstring = node.body[:1] if is_docstring(node.body[0]) else []
            start: list[ast.stmt] = []
            code = (s for s in node.body[len(docstring) :] if not is_declaration(s))
            at: ast.AST = next(code, node.body[0])
            at = next(iter(getattr(at, "decorator_list", [])), at)  # where it begins
            if again is not None:
                site = self.site("loop", head(node), node.name, loop=again)
                start.append(as_statement(hook_call("_rp_again", [site], at), at))
            if scope.hot:
                hot = tuple(sorted(scope.hot))
                site = self.site("scope", head(node), node.name, targets=hot)
                target = ast.Name(scope_name(scope), ast.Store())
                start.append(
                    placed(ast.Assign([target], hook_call("_rp_new_scope", [site], at)), at)
                )
            node.body = [*docstring, *start, *self.block(node.body[len(docstring) :])]
        return [node, *self.mark(node.name, head(node))]

    stmt_FunctionDef = stmt_AsyncFunctionDef = function  # noqa: N815

    def stmt_ClassDef(self, node: ast.ClassDef) -> list[ast.stmt]:
        scope = self.scopes.of[node]
        assert scope.parent is not None
        with self.without_temps():
            node.decorator_list = self.exprs(node.decorator_list)
            with self.inside(scope.parent, self.temps):
                node.bases = self.exprs(node.bases)
                self.keywords(node.keywords)
        with self.inside(scope, Temps(allowed=False), Dataflow(node.body)):
            docstring = node.body[:1] if is_docstring(node.body[0]) else []
            node.body = [*docstring, *self.block(node.body[len(docstring) :])]
        return [node, *self.mark(node.name, head(node))]


def head(node: Function | ast.ClassDef) -> ast.AST:
    """The node's place and name, for a site, without its body."""
    return placed(ast.Name(node.name, ast.Store()), node)
