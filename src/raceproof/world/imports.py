"""The locks of the import system: a thread waits until another has imported a module to the end.

Only that is seen of them.  Modules that are imported once for all executions must leave no trace.
"""

from __future__ import annotations

import sys
from typing import Any, ClassVar, Final

from raceproof.events import ThreadId
from raceproof.world.exits import inside
from raceproof.world.quiet import QuietLock
from raceproof.world.scheduler import machine

bootstrap: Final[Any] = sys.modules["_frozen_importlib"]
_RealModuleLock: Final[Any] = bootstrap._ModuleLock


class ModuleLock:
    """Stands for the lock of one module while it is being imported."""

    __slots__ = ("__weakref__", "_quiet", "name")

    _waiting: ClassVar[dict[ThreadId, ModuleLock]] = {}
    """Thread -> the lock that it waits for."""

    def __new__(cls, name: str) -> Any:
        """The real one outside of executions."""
        return object.__new__(cls) if inside() else _RealModuleLock(name)

    def __init__(self, name: str) -> None:
        self.name = name
        self._quiet = QuietLock(("import", name), reentrant=True)

    def acquire(self) -> bool:
        """Wait for the module; raises the error of the import system if it would be for ever."""
        me = machine.current.tid
        if self._would_wait_for(me):
            raise bootstrap._DeadlockError(f"deadlock detected by {self!r}")
        self._waiting[me] = self
        try:
            return self._quiet.acquire()
        finally:
            self._waiting.pop(me, None)

    def _would_wait_for(self, me: ThreadId) -> bool:
        lock: ModuleLock | None = self
        seen = set[ThreadId]()
        while lock is not None:
            holder = lock._quiet.holder() if lock._quiet.locked() else None
            if holder is None or holder in seen:
                return False
            if holder == me:
                return lock is not self  # its own it may take again
            seen.add(holder)
            lock = self._waiting.get(holder)
        return False

    def release(self) -> None:
        """The module is there."""
        self._quiet.release()

    def __repr__(self) -> str:
        return f"_ModuleLock({self.name!r}) at {id(self)}"


def reset() -> None:
    """A new execution begins."""
    ModuleLock._waiting.clear()
    # Locks of the last execution that are still around are of no use to this one.
    bootstrap._module_locks.clear()
