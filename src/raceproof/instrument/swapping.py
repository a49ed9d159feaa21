"""Functions that exist already are watched by giving them other code, for as long as it takes.

Whoever has a function (a class, a decorator, a table of callbacks) keeps it; only what happens when
it is called changes.  The code is that of the rewritten module, found by name and line.
"""

from __future__ import annotations

import gc
import linecache
import types
from collections.abc import Callable, Container, Iterator
from typing import Any, Final, NamedTuple

from raceproof.instrument.kept_scopes import KeptScopes, without_scopes
from raceproof.instrument.loader import Loader

Key = tuple[str, int]
"""Qualified name and first line of a function's code."""
NO_POSITION: Final = (0, 0)


class Unit(NamedTuple):
    """What is rewritten together: a file, as the module that it was loaded as."""

    file: str
    module: str


def unit_of(function: types.FunctionType) -> Unit:
    """Where a function was defined."""
    module = function.__globals__.get("__name__")
    return Unit(function.__code__.co_filename, module if isinstance(module, str) else "")


def is_pseudo_file(file: str) -> bool:
    """Whether the source is no file of a project: a cell of a notebook, an example in a text."""
    return file.startswith("<") and file.endswith(">")


class SwappedCode:
    """Gives the functions of watched modules their watched code, and later their own back."""

    def __init__(
        self, loader: Loader, namespace: dict[str, Any], unrelated: Container[str] = ()
    ) -> None:
        """Besides those of modules that the loader watches, the functions are watched that have
        `namespace` as their globals: in a notebook, each cell is a file of its own.  Those in
        `unrelated` files are not."""
        self._loader = loader
        self._unrelated = unrelated
        self._namespace = namespace
        self._watched: dict[str, bool] = {}
        self._codes: dict[Unit, CodeTable | None] = {}
        self._kept_scopes = KeptScopes()
        self._swapped: list[tuple[types.FunctionType, types.CodeType]] = []
        self.namespaces: dict[int, dict[str, object]] = {}
        """The globals of the functions that are watched, by identity."""
        self.modules: set[str] = set()
        """The names of the modules that have watched functions."""
        self.stale: set[str] = set()
        """Names of functions that do not fit the source as it is now."""

    def functions(self) -> Iterator[types.FunctionType]:
        """All the functions there are whose code is to be watched."""
        watched, function = self._watched, types.FunctionType
        for found in gc.get_objects():
            if type(found) is function:
                file, space = found.__code__.co_filename, found.__globals__
                if space is self._namespace:
                    yield found
                    continue
                is_watched = watched.get(file)
                if is_watched is None:
                    module = unit_of(found).module
                    is_watched = watched[file] = (
                        file not in self._unrelated and self._loader.watch.watches(module, file)
                    )
                # Code that only claims to be from there is made by libraries: decorators.
                if is_watched and space.get("__file__") == file:
                    yield found

    def swap(self) -> None:
        """Give each of the functions its watched code."""
        for function in list(self.functions()):
            code = self._code_for(function)
            if code is None:
                continue
            self._swapped.append((function, function.__code__))
            function.__code__ = code
            self.namespaces[id(function.__globals__)] = function.__globals__
            self.modules.add(unit_of(function).module)

    def restore(self) -> None:
        """Give everybody their own code back."""
        while self._swapped:
            function, code = self._swapped.pop()
            function.__code__ = code

    def restart(self) -> None:
        """Names are given anew, also to what existing closures share."""
        self._kept_scopes.forget()

    def watches(self, function: types.FunctionType) -> bool:
        """Whether a function is watched at present."""
        return any(found is function for found, _ in self._swapped)

    @property
    def swapped(self) -> list[types.FunctionType]:
        """The functions that are watched at present."""
        return [function for function, _ in self._swapped]

    def _code_for(self, function: types.FunctionType) -> types.CodeType | None:
        unit = unit_of(function)
        if unit not in self._codes:
            source = source_of(unit.file, function.__globals__)
            self._codes[unit] = None if source is None else table_of(self._loader, unit, source)
        table = self._codes[unit]
        old = function.__code__
        if table is None:
            return None
        new = table.find(old)
        if new is not None and new.co_freevars != old.co_freevars:
            new = table.variant(old)
            if new is not None:
                new = self._kept_scopes.bound_to(function, new)
        if new is None or not fits(new, old):
            self.stale.add(f"{unit.module}.{old.co_qualname}")
            return None
        return new


def source_of(file: str, namespace: dict[str, object]) -> bytes | None:
    """The source text of a file that need not be one."""
    if not is_pseudo_file(file):
        try:
            with open(file, "rb") as stream:
                return stream.read()
        except OSError:
            pass
    lines = linecache.getlines(file, namespace)
    return "".join(lines).encode() if lines else None


def fits(new: types.CodeType, old: types.CodeType) -> bool:
    """Whether a function can go on with other code: the same parameters and closure."""
    parameters = old.co_argcount + old.co_kwonlyargcount
    return (
        new.co_freevars == old.co_freevars
        and new.co_argcount == old.co_argcount
        and new.co_posonlyargcount == old.co_posonlyargcount
        and new.co_kwonlyargcount == old.co_kwonlyargcount
        and new.co_varnames[:parameters] == old.co_varnames[:parameters]
    )


class CodeTable:
    """The code of a watched module's functions, by name and line."""

    def __init__(
        self, code: types.CodeType, rewrite_again: Callable[[types.CodeType], types.CodeType]
    ) -> None:
        self._rewrite_again = rewrite_again
        self._variants: dict[types.CodeType, types.CodeType] = {}
        self._by_key: dict[Key, list[types.CodeType]] = {}
        for inner in codes_in(code):
            self._by_key.setdefault((inner.co_qualname, inner.co_firstlineno), []).append(inner)

    def find(self, old: types.CodeType) -> types.CodeType | None:
        """The watched version of a function's code."""
        found = self._by_key.get((old.co_qualname, old.co_firstlineno), [])
        if len(found) < 2:
            return found[0] if found else None
        # Several lambdas in one line: by their place in it.
        here = start_of(old)
        return next((code for code in found if start_of(code) == here), None)

    def variant(self, old: types.CodeType) -> types.CodeType | None:
        """The watched version for a closure that exists already.

        The functions around it ran before they were watched, and made no scopes.
        """
        plain = self.find(old)
        if plain is None:
            return None
        found = self._variants.get(plain)
        if found is None:
            again = CodeTable(self._rewrite_again(plain), self._rewrite_again)
            found = again.find(old)
            if found is None:
                return None
            self._variants[plain] = found
        return found


def codes_in(code: types.CodeType) -> Iterator[types.CodeType]:
    """The code of everything that is defined in `code`, however deep."""
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            yield from codes_in(constant)


def start_of(code: types.CodeType) -> tuple[int, int]:
    """Line and column of the first thing that a function does."""
    places = (
        (line, column)
        for line, _, column, end in code.co_positions()
        if line is not None and column is not None and end
    )
    return min(places, default=NO_POSITION)


def table_of(loader: Loader, unit: Unit, source: bytes) -> CodeTable | None:
    """The code table of a unit; None if its source does not parse (any more)."""
    key = (unit, source)
    table = loader.tables.get(key)
    if table is None:
        try:
            code = loader.code(source, unit.file, unit.module)
        except SyntaxError:
            return None

        def rewrite_again(wanted: types.CodeType) -> types.CodeType:
            tree = loader.tree(source, unit.file, unit.module)
            changed = without_scopes(tree, wanted.co_firstlineno, wanted.co_name)
            return compile(changed, unit.file, "exec", dont_inherit=True)

        table = loader.tables[key] = CodeTable(code, rewrite_again)
    found: CodeTable = table
    return found
