"""What was made before an execution and must be new in each: locks, queues, counters, caches.

A program makes them while it runs; a function that is explored finds those that its modules made
when they were imported.  At the start of each execution, its main thread makes their likes.
"""

from __future__ import annotations

import _queue
import _thread
import itertools
import queue
import random
import re
import threading
from collections.abc import Callable
from typing import Any, Final

from raceproof.world import cached_calls
from raceproof.world.locals import local
from raceproof.world.primitives.barrier import Barrier
from raceproof.world.primitives.condition import Condition
from raceproof.world.primitives.event import Event
from raceproof.world.primitives.lock import Lock
from raceproof.world.primitives.queue import LifoQueue, PriorityQueue, Queue, SimpleQueue
from raceproof.world.primitives.rlock import RLock
from raceproof.world.primitives.semaphore import BoundedSemaphore, Semaphore
from raceproof.world.takeover import twins
from raceproof.world.takeover.known import stand_of
from raceproof.world.takeover.locks import KINDS, locks, simple_queues
from raceproof.world.threads import Flag

Maker = Callable[["Renewal", Any], Any]

_COUNT: Final = re.compile(r"count\((-?\d+)(?:, (-?\d+))?\)")


class Renewal:
    """The new likes of old things in one execution; what was one thing stays one thing."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Any, Any]] = {}

    def of(self, old: Any) -> Any:
        """The like of `old`, which `needs_renewal`."""
        found = self._made.get(id(old))
        if found is None:
            found = self._made[id(old)] = old, _maker_for(old)(self, old)
            if type(old) in _DIVERTED:
                # It may also be where nothing can be put in its place.
                stand_of(old).be(found[1])
        return found[1]


def needs_renewal(thing: Any) -> bool:
    """Whether a thing cannot be shared by executions."""
    return type(thing) in _MAKERS or isinstance(thing, threading.Thread)


def _maker_for(thing: Any) -> Maker:
    return _MAKERS.get(type(thing), _thread_again)


# -- how each of them is made --------------------------------------------------------------------


def _lock(_: Renewal, old: Any) -> Any:
    new = Lock()
    if locks.depth_of(old):
        new.acquire()
    return new


def _rlock(_: Renewal, old: Any) -> Any:
    return RLock()


def _condition(renewal: Renewal, old: Any) -> Any:
    lock = vars(old)["_lock"]
    return Condition(renewal.of(lock) if needs_renewal(lock) else lock)


def _event(_: Renewal, old: Any) -> Any:
    new = Event()
    if vars(old)["_flag"]:
        new.set()
    return new


def _semaphore(_: Renewal, old: Any) -> Any:
    return Semaphore(vars(old)["_value"])


def _bounded_semaphore(_: Renewal, old: Any) -> Any:
    initial, value = (vars(old)[name] for name in ("_initial_value", "_value"))
    new = BoundedSemaphore(initial)
    for _taken in range(initial - value):
        new.acquire()
    return new


def _barrier(_: Renewal, old: Any) -> Any:
    return Barrier(old._parties, old._action, old._timeout)


def _local(_: Renewal, old: Any) -> Any:
    new = local()
    new.__dict__.update(old.__dict__)
    return new


def _filled(new: Any, items: list[Any]) -> Any:
    for item in items:
        new.put(item)
    return new


def _queue_again(kind: type) -> Maker:
    return lambda _, old: _filled(kind(vars(old)["maxsize"]), list(vars(old)["queue"]))


def _simple_queue(_: Renewal, old: Any) -> Any:
    return _filled(SimpleQueue(), simple_queues.items_of(old))


def _thread_again(_: Renewal, old: Any) -> Any:
    """The same object, not started yet."""
    if type(old._started) is not Flag and not vars(old._started)["_flag"]:
        old._started = Flag()
    return old


def _count(_: Renewal, old: Any) -> Any:
    found = _COUNT.fullmatch(repr(old))
    return old if found is None else itertools.count(int(found[1]), int(found[2] or 1))


def _random(_: Renewal, old: Any) -> Any:
    new = random.Random(0)
    new.setstate(old.getstate())
    return new


_RealRLock: Final = _thread.RLock
_MAKERS: Final[dict[type, Maker]] = {
    type(_thread.allocate_lock()): _lock,
    _RealRLock: _rlock,
    threading.Condition: _condition,
    threading.Event: _event,
    threading.Semaphore: _semaphore,
    threading.BoundedSemaphore: _bounded_semaphore,
    threading.Barrier: _barrier,
    threading.local: _local,
    queue.Queue: _queue_again(Queue),
    queue.LifoQueue: _queue_again(LifoQueue),
    queue.PriorityQueue: _queue_again(PriorityQueue),
    _queue.SimpleQueue: _simple_queue,
    itertools.count: _count,
    random.Random: _random,
    cached_calls.Wrapper: lambda _, old: cached_calls.new_cache(old),
}
_DIVERTED: Final = {*twins.MAKERS, *(kind.real for kind in KINDS)}
"""What leads to a simulated primitive wherever it is."""
