"""What was once found out about a type is remembered for as long as the type lives.

The memory neither keeps a type alive (watched modules make their classes anew in every execution)
nor hashes it (a metaclass may say how, and effects never run user code).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")

# Looked up past any metaclass, for the same reason.
mro_of: Final[Callable[[type], tuple[type, ...]]] = type.__dict__["__mro__"].__get__
namespace_of: Final[Callable[[type], Any]] = type.__dict__["__dict__"].__get__


class PerType(Generic[T]):
    """`known[id(tp)]` is what `find_out` says about `tp`; ask `learn(tp)` when it is not there."""

    def __init__(self, find_out: Callable[[type], T]) -> None:
        self.known: dict[int, T] = {}
        self._find_out = find_out
        self._watchers: dict[int, weakref.ref[type]] = {}

    def learn(self, tp: type) -> T:
        """Find out about `tp` and remember it."""
        key = id(tp)

        def forget(_: object) -> None:
            self.known.pop(key, None)
            self._watchers.pop(key, None)

        self.known[key] = found = self._find_out(tp)
        self._watchers[key] = weakref.ref(tp, forget)
        return found


def definer(tp: type, name: str) -> type | None:
    """The class in which `tp` finds its attribute `name`."""
    for cls in mro_of(tp):
        if name in namespace_of(cls):
            return cls
    return None
