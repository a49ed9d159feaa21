"""Simulated primitives in the place of real ones: in the state of those, and under a given name."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, Final

from raceproof.events import SharedObject
from raceproof.world.primitives.barrier import BROKEN, Barrier
from raceproof.world.primitives.condition import Condition
from raceproof.world.primitives.event import Event
from raceproof.world.primitives.lock import FREE
from raceproof.world.primitives.queue import LifoQueue, PriorityQueue, Queue
from raceproof.world.primitives.semaphore import BoundedSemaphore, Semaphore
from raceproof.world.primitives.simulated import Primitive
from raceproof.world.takeover.locks import locks, rlocks

Maker = Callable[[Any, SharedObject], Primitive]
"""Makes what stands for a real primitive, under this name."""


class _Named:
    """A primitive that is told its name."""

    def __init__(self, shared: SharedObject, *args: Any) -> None:
        self._given = shared
        super().__init__(*args)

    def _enter_world(self: Any) -> None:
        self._serial = 0
        self._enter_as(self._given)


def _named(kind: type[Primitive]) -> Any:
    return type(kind.__name__, (_Named, kind), {"__module__": kind.__module__})


_Event: Final = _named(Event)
_Condition: Final = _named(Condition)
_Semaphore: Final = _named(Semaphore)
_BoundedSemaphore: Final = _named(BoundedSemaphore)
_Barrier: Final = _named(Barrier)

# The attributes of the real ones are read past their classes, where they lead to the twins.


def event(real: Any, shared: SharedObject) -> Any:
    """For an event of whatever class."""
    twin = _Event(shared)
    twin._state_location.state = vars(real)["_flag"]
    return twin


def condition(real: Any, shared: SharedObject) -> Any:
    """For a condition of whatever class."""
    return _Condition(shared, _simulated(vars(real)["_lock"]))


def _simulated(lock: Any) -> Any:
    for kind in (locks, rlocks):
        if isinstance(lock, kind.real):
            return kind.ordinary_twin_of(lock)
    return lock


def _semaphore(real: Any, shared: SharedObject) -> Any:
    return _Semaphore(shared, vars(real)["_value"])


def _bounded_semaphore(real: Any, shared: SharedObject) -> Any:
    twin = _BoundedSemaphore(shared, vars(real)["_initial_value"])
    twin._state_location.state = vars(real)["_value"]
    return twin


def _barrier(real: Any, shared: SharedObject) -> Any:
    known = vars(real)
    twin = _Barrier(shared, known["_parties"], known["_action"], known["_timeout"])
    if known["_state"] == -2:  # as `threading` has it
        twin._state_location.state = (BROKEN, 0, 0)
    return twin


def _queue(kind: type[Primitive]) -> Maker:
    make = _named(kind)

    def maker(real: Any, shared: SharedObject) -> Any:
        known = vars(real)
        twin = make(shared, known["maxsize"])
        twin.queue.extend(known["queue"])
        twin._state_location.state = (len(twin.queue), known.get("is_shutdown", False), FREE)
        twin._tasks_location.state = known["unfinished_tasks"]
        return twin

    return maker


MAKERS: Final[dict[type, Maker]] = {
    threading.Event: event,
    threading.Condition: condition,
    threading.Semaphore: _semaphore,
    threading.BoundedSemaphore: _bounded_semaphore,
    threading.Barrier: _barrier,
    queue.Queue: _queue(Queue),
    queue.LifoQueue: _queue(LifoQueue),
    queue.PriorityQueue: _queue(PriorityQueue),
}
