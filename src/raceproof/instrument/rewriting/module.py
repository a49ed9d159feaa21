"""The whole rewriter, and the rewriting of a module from its source."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from dataclasses import dataclass

from raceproof.events import Site
from raceproof.instrument.rewriting.assignments import Assignments
from raceproof.instrument.rewriting.blocks import Blocks
from raceproof.instrument.rewriting.calls import Calls
from raceproof.instrument.rewriting.dataflow import Dataflow, text
from raceproof.instrument.rewriting.scopes import Scopes
from raceproof.instrument.rewriting.statements import Statements

DEEP = 20_000
"""Frames that a deeply nested expression may take; the compiler gives up long before."""


@dataclass(slots=True)
class Rewritten:
    tree: ast.Module
    sites: list[Site]


def rewrite(
    source: str | bytes,
    filename: str,
    module: str,
    first_site: int,
    *,
    is_watched: Callable[[str], bool] = lambda name: False,
    prepare: Callable[[ast.Module], None] = lambda tree: None,
) -> Rewritten:
    """The watched version of a module; `sites[k]` is what hooks know as `first_site + k`.

    `prepare` may change the tree before: pytest rewrites assertions.
    """
    tree = compile(source, filename, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    prepare(tree)
    is_package = filename.replace("\\", "/").rpartition("/")[2] == "__init__.py"
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, DEEP))
    try:
        scopes = Scopes(tree, module, is_package, is_watched)
        rewriter = _Rewriter(scopes, filename, module, first_site, is_watched)
        rewriter.module(tree)
        ast.fix_missing_locations(tree)
    finally:
        sys.setrecursionlimit(limit)
    return Rewritten(tree, rewriter.sites)


class _Rewriter(Calls, Blocks, Assignments, Statements):
    """Has a handler, `expr_...` or `stmt_...`, for each kind of node that needs one."""

    def module(self, tree: ast.Module) -> None:
        self.flow = Dataflow(tree.body)
        self.find_plain(self.scope, tree.body)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self.own_functions.add(node.name)
            elif (
                isinstance(node, ast.Attribute)
                and not isinstance(node.ctx, ast.Load)
                and self.is_foreign(node.value)
            ):
                self.stored_on_modules.add(text(node))
        tree.body = self.block(tree.body)
