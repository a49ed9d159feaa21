"""What modules and classes have of real primitives that does not lead to simulated ones by itself.

That is thread-locals, whose attributes are found without a method that could be diverted, and
methods that have been bound to a primitive before they were diverted.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any, Final

from raceproof.world.locals import RealLocal, stand_in
from raceproof.world.takeover.classes import METHODS
from raceproof.world.takeover.locks import KINDS
from raceproof.world.takeover.twins import MAKERS

BOUND: Final = frozenset({types.BuiltinMethodType, types.MethodType})
DIVERTED: Final = (*MAKERS, *METHODS, *(kind.real for kind in KINDS))


class StandIns:
    """What is put in the place of such things; what was one thing stays one thing."""

    def __init__(self) -> None:
        self._locals: dict[int, tuple[Any, Any]] = {}

    def in_module(self, module: types.ModuleType, own: bool) -> Iterator[tuple[Any, str, Any]]:
        """Owner, name and new value; the thread-locals of a module of one's `own` stay."""
        for owner in _owners(module):
            for name, value in list(vars(owner).items()):
                kind = type(value)
                if kind is RealLocal and not own:
                    yield owner, name, self._local(value)
                elif kind in BOUND and issubclass(type(value.__self__), DIVERTED):
                    yield owner, name, getattr(value.__self__, value.__name__)

    def _local(self, real: Any) -> Any:
        found = self._locals.get(id(real))
        if found is None:
            found = self._locals[id(real)] = real, stand_in(real)
        return found[1]


def _owners(module: types.ModuleType) -> Iterator[Any]:
    """A module and its classes (those of the standard library have nothing of the kind)."""
    yield module
    if module.__name__.partition(".")[0] in sys.stdlib_module_names:
        return
    for value in list(vars(module).values()):
        # By type: things that pass for others (`__class__`) may run code of the library for that.
        if issubclass(type(value), type) and value.__module__ == module.__name__:
            yield value
