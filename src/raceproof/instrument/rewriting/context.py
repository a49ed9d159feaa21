"""Where the rewriter is: the scope around it, the sites made so far, the temporaries to be had."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from raceproof.events import Loop, Site
from raceproof.instrument.rewriting.dataflow import Dataflow
from raceproof.instrument.rewriting.plain import Plain
from raceproof.instrument.rewriting.scopes import Scope, Scopes

TEXT_WIDTH = 60


class Temps:
    """Fresh local names for one function; none where they would be seen from outside."""

    def __init__(self, allowed: bool) -> None:
        self.allowed = allowed
        self.count = 0


class Context:
    """What changes as the rewriter goes through a module, and the sites that it makes there."""

    def __init__(
        self,
        scopes: Scopes,
        filename: str,
        module: str,
        first_site: int,
        is_watched: Callable[[str], bool],
    ) -> None:
        self.scopes = scopes
        self.filename = filename
        self.module_name = module
        self.first_site = first_site
        self.is_watched = is_watched
        self.sites: list[Site] = []
        self.scope = scopes.module
        self.temps = Temps(allowed=False)
        self.iterable = 0
        """How many comprehension iterables we are in: `:=` is forbidden there."""
        self.flow = Dataflow(())
        self.plain: dict[Scope, Plain] = {}
        self.stored_on_modules: set[str] = set()
        """`name.attribute` texts that this file stores to."""
        self.own_functions: set[str] = set()
        """Names of the functions and methods that this file defines."""

    def site(
        self,
        kind: str,
        node: ast.AST,
        name: str = "",
        *,
        store: bool = False,
        rmw: bool = False,
        targets: tuple[str, ...] = (),
        loop: Loop | None = None,
    ) -> ast.Constant:
        """A new site, as the constant that goes into the hook call.

        To be made before the parts of `node` are rewritten: its text is the user's.
        """
        index = self.first_site + len(self.sites)
        line = getattr(node, "lineno", 1)
        column = getattr(node, "col_offset", 0)
        if loop is not None:
            loop = replace(loop, place=f"loop at {self.module_name}:{line}:{column}")
        self.sites.append(
            Site(
                kind,
                self.filename,
                line,
                self.scope.runner.qualname if self.scope.kind != "class" else self.scope.qualname,
                name,
                one_line(node),
                store=store,
                rmw=rmw,
                column=column,
                end_line=getattr(node, "end_lineno", None) or line,
                end_column=getattr(node, "end_col_offset", None) or column,
                module=self.module_name,
                targets=targets,
                loop=loop,
            )
        )
        return ast.Constant(index)

    @property
    def can_keep(self) -> bool:
        """Whether a temporary may be bound here."""
        return self.temps.allowed and not self.iterable

    def temporary(self) -> str:
        self.temps.count += 1
        return f"_rp_t{self.temps.count}"

    @contextmanager
    def without_temps(self) -> Iterator[None]:
        before = self.temps
        self.temps = Temps(allowed=False)
        yield
        self.temps = before

    @contextmanager
    def inside(self, scope: Scope, temps: Temps, flow: Dataflow | None = None) -> Iterator[None]:
        before = self.scope, self.temps, self.flow
        self.scope, self.temps = scope, temps
        self.flow = self.flow if flow is None else flow
        yield
        self.scope, self.temps, self.flow = before


def one_line(node: ast.AST) -> str:
    """The text of a node, for a site."""
    if isinstance(node, ast.Name):
        line = node.id
    elif isinstance(node, ast.expr | ast.stmt):
        try:
            line = " ".join(ast.unparse(node).split())
        except RecursionError:
            line = "…"
    else:
        line = str(getattr(node, "name", None) or "")
    return line if len(line) <= TEXT_WIDTH else line[: TEXT_WIDTH - 1] + "…"
