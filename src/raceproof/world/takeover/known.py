"""Real primitives that executions have met, each with what stands for it.

A primitive that outlives the execution in which it was met first has a name of its own from the
next one on; one that was made by an execution, behind raceproof's back, goes by what that execution
calls it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from itertools import count
from typing import Any, Final

from raceproof.world.scheduler import machine

_serials = count(1)


class Stand:
    """A real primitive, as far as executions are concerned."""

    __slots__ = ("_born", "_epoch", "_real", "_serial", "twin")

    twin: Any
    """What stands for it in the execution at hand, or the last one that met it; None: nothing."""

    def __init__(self, real: Any) -> None:
        self._real: Callable[[], Any] = weakref.ref(real, _forgetter(id(real)))
        self._serial = 0
        self._born = machine.epoch
        """The execution that met it first."""
        self._epoch = -1
        """The execution that has made the twin."""
        self.twin = None

    @property
    def is_here(self) -> bool:
        """Whether it has a twin in the execution at hand."""
        return self._epoch == machine.epoch

    def enter(self, make: Callable[[Hashable], Any]) -> Any:
        """Have a twin in the execution at hand, made under the name that is given to `make`."""
        self._epoch = machine.epoch
        self.twin = make(self._name())
        return self.twin

    def be(self, twin: Any) -> None:
        """Have this twin in the execution at hand, which made it for the same purpose."""
        self._epoch = machine.epoch
        self.twin = twin

    def _name(self) -> Hashable:
        if self._born == machine.epoch:
            named = machine.objects.by_id.get(id(self._real()))
            if named is not None:
                return ("real", named.name)
            return machine.objects.numbered(machine.current.tid, "real").name
        self._serial = self._serial or next(_serials)
        return ("real", self._serial)


_stands: Final[dict[int, Stand]] = {}


def stand_of(real: Any) -> Stand:
    """What is known of a real primitive."""
    found = _stands.get(id(real))
    if found is None:
        found = _stands[id(real)] = Stand(real)
    return found


def is_known_here(real: Any) -> bool:
    """Whether a real primitive has a twin in the execution at hand."""
    found = _stands.get(id(real))
    return found is not None and found.is_here


def _forgetter(key: int) -> Callable[[object], None]:
    def forget(_: object) -> None:
        _stands.pop(key, None)

    return forget
