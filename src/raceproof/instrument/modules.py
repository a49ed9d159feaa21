"""Two sets of modules share `sys.modules`: the program's, which are new in every execution, and
those that raceproof itself works with, which make room for them and come back.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager
from typing import Any, Final

from raceproof.instrument.entanglement import entangled

MISSING: Final = types.ModuleType("missing")


class ModuleTable:
    """What stands in `sys.modules` while an execution is under way, and between two of them."""

    def __init__(
        self, is_watched: Callable[[str, str | None], bool], is_kept: Callable[[str], bool]
    ) -> None:
        """`is_kept` tells the modules that must not be executed a second time."""
        self._is_watched = is_watched
        self._is_kept = is_kept
        self._ours: dict[str, types.ModuleType] = {}
        """Modules of raceproof's that make room for the program's own."""
        self._entangled: set[str] = set()
        """Modules of the program's that are not watched, but use such."""
        self._before = 0
        """How many modules there were when the execution began."""

    def install(self) -> None:
        """Find the modules that are loaded already and have to make room."""
        watched = {
            name
            for name, module in list(sys.modules.items())
            if name != "__main__" and self._is_watched(name, _file(module))
        }
        for name in self._to_be_afresh(watched):
            self._ours[name] = sys.modules[name]

    def begin(self) -> None:
        """The program's turn: what it is to execute afresh is not there."""
        for name in self._ours:
            sys.modules.pop(name, None)
        self._before = len(sys.modules)

    def end(self, watched: Iterable[str], staying: Set[str] = frozenset()) -> None:
        """Our turn again; of the program's modules, none of the `watched` is left behind, unless
        it is one of those that are `staying`."""
        watched = set(watched) - staying
        loaded = {name for name in watched if name != "__main__" and name in sys.modules}
        if self.has_grown(watched):
            self._entangled |= self._to_be_afresh(loaded) - loaded - staying
        for name in loaded | self._entangled:
            sys.modules.pop(name, None)
        self._put_back()

    def has_grown(self, watched: Iterable[str]) -> bool:
        """Whether the execution has imported something that will not be executed again."""
        passing = {*watched, *self._ours, *self._entangled} - {"__main__"}
        present = sum(1 for name in passing if name in sys.modules)
        return len(sys.modules) - present > self._before

    @contextmanager
    def ours(self) -> Iterator[None]:
        """Our turn for a moment, in the middle of an execution."""
        theirs = {name: sys.modules.get(name, MISSING) for name in self._ours}
        sys.modules.update(self._ours)
        try:
            yield
        finally:
            for name, module in theirs.items():
                if module is MISSING:
                    del sys.modules[name]
                else:
                    sys.modules[name] = module

    def _to_be_afresh(self, watched: set[str]) -> set[str]:
        """Watched modules, what they have put into the table themselves, and what uses them."""
        if not watched:
            return watched
        made = {
            name
            for name, module in list(sys.modules.items())
            if name.rpartition(".")[0] in watched and not _is_imported(module)
        }
        return watched | made | entangled(sys.modules, watched, self._is_kept)

    def _put_back(self) -> None:
        sys.modules.update(self._ours)
        for name, module in self._ours.items():
            package, _, child = name.rpartition(".")
            if package in sys.modules and hasattr(sys.modules[package], child):
                setattr(sys.modules[package], child, module)


def _file(module: Any) -> str | None:
    # Anything may stand in the table, and some of it does not like to be asked.
    return vars(module).get("__file__") if issubclass(type(module), types.ModuleType) else None


def _is_imported(module: Any) -> bool:
    """Whether it came in by the import system, and not by an assignment to `sys.modules`."""
    return issubclass(type(module), types.ModuleType) and vars(module).get("__spec__") is not None
