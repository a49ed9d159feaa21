"""Real locks and simple queues: inside of executions their methods lead to simulated ones.

The real one is left alone: what it was before the first execution, it is after the last, and each
execution starts from that.
"""

from __future__ import annotations

import _queue
import _thread
import functools
import queue
import sys
import threading
import types
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from typing import Any, Final

from raceproof.events import ThreadId
from raceproof.world.exits import inside
from raceproof.world.primitives import condition
from raceproof.world.primitives.lock import Lock
from raceproof.world.primitives.queue import SimpleQueue
from raceproof.world.primitives.rlock import RLock
from raceproof.world.quiet import OrdinaryLock, QuietLock
from raceproof.world.scheduler import machine
from raceproof.world.takeover.known import stand_of
from raceproof.world.takeover.native import NativeMethods

IMPORT_SYSTEM: Final = frozenset(
    {"<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>"}
)
"""Code that goes on with real locks (see `patches`)."""
PRIMITIVES: Final = frozenset({threading.__file__, queue.__file__, condition.__file__})
"""Code that makes primitives of locks: what happens to these locks is what the primitives do."""
MAIN: Final[ThreadId] = 0


class Kind(ABC):
    """A type of real primitives whose methods are diverted."""

    def __init__(self, real: type, simulated: type) -> None:
        self.real = real
        self.native = NativeMethods(real)
        self._simulated = simulated

    def divert(self) -> None:
        """Have the methods lead to simulated ones, inside of executions."""
        names = [
            name
            for name, original in self.native.original.items()
            if type(original) is types.MethodDescriptorType and hasattr(self._simulated, name)
        ]
        self.native.replace({name: self._diverted(name) for name in names})

    def _diverted(self, name: str) -> Callable[..., Any]:
        original = self.native.original[name]

        def method(real: Any, *args: Any, **kwargs: Any) -> Any:
            if inside():
                caller = sys._getframe(1).f_code.co_filename
                if caller not in IMPORT_SYSTEM:
                    loud = caller in machine.watched_files or caller in PRIMITIVES
                    return getattr(self.twin_of(real, loud), name)(*args, **kwargs)
            return original(real, *args, **kwargs)

        return functools.update_wrapper(method, original)

    def twin_of(self, real: Any, loud: bool) -> Any:
        """What stands for `real` in the execution at hand; `loud`: it matters to the program."""
        stand = stand_of(real)
        if not stand.is_here:
            return stand.enter(lambda name: self._make(real, name, loud))
        if loud:
            self._speak_up(stand.twin)
        return stand.twin

    @abstractmethod
    def _make(self, real: Any, name: Hashable, loud: bool) -> Any:
        """A twin, in the state of the real one."""

    @abstractmethod
    def _speak_up(self, twin: Any) -> None:
        """It has turned out that a twin matters to the program."""


class Locks(Kind):
    """Locks, which are quiet unless they matter to the program."""

    def ordinary_twin_of(self, real: Any) -> Any:
        """The same for a primitive that is built around the lock, which matters."""
        twin = self.twin_of(real, loud=True)
        return twin.ordinary or twin if isinstance(twin, QuietLock) else twin

    def _make(self, real: Any, name: Hashable, loud: bool) -> QuietLock:
        twin = QuietLock(name, self._simulated is RLock, loud)
        depth = self.depth_of(real)
        if depth:
            twin.be_taken(MAIN, depth)
        return twin

    def _speak_up(self, twin: QuietLock | OrdinaryLock) -> None:
        if isinstance(twin, QuietLock):
            twin.speak_up()

    def depth_of(self, real: Any) -> int:
        """How often a real lock was taken before the execution."""
        original = self.native.original
        if self._simulated is Lock:
            return int(original["locked"](real))
        return int(original["_recursion_count"](real))


class SimpleQueues(Kind):
    """Queues, which always matter."""

    def _make(self, real: Any, name: Hashable, loud: bool) -> SimpleQueue:
        twin = SimpleQueue.under_name(machine.naming.object(name, SimpleQueue._label))
        machine.learn(f"SimpleQueue {name}")
        twin._items.extend(self.items_of(real))
        twin._state_location.state = len(twin._items)
        return twin

    def items_of(self, real: Any) -> list[Any]:
        """What was in a real queue before the execution."""
        original = self.native.original
        items = []
        # There is no looking into one: take the items out, and put them back.
        for _ in range(original["qsize"](real)):
            items.append(original["get_nowait"](real))
            original["put"](real, items[-1])
        return items

    def _speak_up(self, twin: Any) -> None:
        pass


locks: Final = Locks(type(_thread.allocate_lock()), Lock)
rlocks: Final = Locks(_thread.RLock, RLock)
simple_queues: Final = SimpleQueues(_queue.SimpleQueue, SimpleQueue)
KINDS: Final = (locks, rlocks, simple_queues)
