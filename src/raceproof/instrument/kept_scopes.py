"""Closures that were made before they were watched, and what they share with each other.

A watched function that owns variables for others makes an object that stands for them
(`_rp_scope_1`) and hands it to the functions inside.  A closure made earlier has none; in its code
stands, in place of the scope, one that knows the cells of this very closure.
"""

from __future__ import annotations

import ast
import types
from typing import Any, Final

from raceproof.events import Location, SharedObject

SCOPE_PREFIX: Final = "_rp_scope_"
PLACEHOLDER: Final = "_rp_kept_scope"
"""Constant in code that is not bound to a closure yet."""

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def without_scopes(tree: ast.Module, first_line: int, name: str) -> ast.Module:
    """The tree with the placeholder for all scopes that the function has from outside."""
    for node in ast.walk(tree):
        if isinstance(node, Function) and _is_called(node, first_line, name):
            own = {
                part.id
                for part in ast.walk(node)
                if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
            }
            _Replacer(own).generic_visit(node)
    return tree


def _is_called(node: Function, first_line: int, name: str) -> bool:
    if isinstance(node, ast.Lambda):
        return name == "<lambda>" and node.lineno == first_line
    lines = [node.lineno, *(decorator.lineno for decorator in node.decorator_list)]
    return node.name == name and min(lines) == first_line


class _Replacer(ast.NodeTransformer):
    def __init__(self, own: set[str]) -> None:
        self._own = own

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id.startswith(SCOPE_PREFIX) and node.id not in self._own:
            return ast.copy_location(ast.Constant(PLACEHOLDER), node)
        return node


class KeptScope(SharedObject):
    """Stands for the scopes of a closure; each of its cells is a place that others may have."""

    __slots__ = ("_cells",)

    def __init__(self, cells: dict[str, SharedObject]) -> None:
        super().__init__(("kept scope",), "")
        self._cells = cells

    def location(self, field: Any) -> Location:
        """The location of a variable."""
        cell = self._cells.get(str(field))
        return super().location(field) if cell is None else cell.location(field)


class KeptScopes:
    """The scopes of all existing closures; closures that share a cell share its place."""

    def __init__(self) -> None:
        self._cells: dict[int, tuple[types.CellType, SharedObject]] = {}
        self._scopes: list[KeptScope] = []

    def forget(self) -> None:
        """Forget what was done to them: another search begins."""
        for shared in (*self._scopes, *(place for _, place in self._cells.values())):
            shared.fields.clear()
            shared.operations.clear()

    def bound_to(self, function: types.FunctionType, code: types.CodeType) -> types.CodeType:
        """Code with the placeholder, for one closure."""
        closure = function.__closure__ or ()
        names = function.__code__.co_freevars
        scope = KeptScope({name: self._place(cell) for name, cell in zip(names, closure)})  # noqa: B905
        self._scopes.append(scope)
        return _with_scope(code, scope)

    def _place(self, cell: types.CellType) -> SharedObject:
        found = self._cells.get(id(cell))
        if found is None:
            found = cell, SharedObject(("kept cell", len(self._cells)), "")
            self._cells[id(cell)] = found
        return found[1]


def _with_scope(code: types.CodeType, scope: KeptScope) -> types.CodeType:
    constants: list[Any] = []
    for constant in code.co_consts:
        if constant == PLACEHOLDER and isinstance(constant, str):
            constants.append(scope)
        elif isinstance(constant, tuple) and PLACEHOLDER in constant:
            constants.append(tuple(scope if part == PLACEHOLDER else part for part in constant))
        elif isinstance(constant, types.CodeType):
            constants.append(_with_scope(constant, scope))
        else:
            constants.append(constant)
    return code.replace(co_consts=tuple(constants))
