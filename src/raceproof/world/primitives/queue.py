"""`queue`: putting waits for room, getting waits for an item, and each is a single event.

What others can see of a queue is its size, whether it is shut down, and who holds its mutex; the
number of unfinished tasks is a place of its own, so that those who `join` do not disturb the rest.
"""

from __future__ import annotations

import heapq
import queue
import sys
from collections import deque
from types import GenericAlias
from typing import Any, ClassVar, Final

from raceproof.events import (
    READ,
    STATE,
    WRITE,
    Guard,
    Location,
    Operation,
    SharedObject,
    ThreadId,
    WholeObject,
)
from raceproof.world.primitives import timeouts
from raceproof.world.primitives.condition import Condition, InnerCondition
from raceproof.world.primitives.lock import FREE
from raceproof.world.primitives.simulated import Primitive, operation
from raceproof.world.scheduler import machine

Empty = queue.Empty
Full = queue.Full

if sys.version_info >= (3, 13):
    ShutDown = queue.ShutDown
else:

    class ShutDown(Exception):
        """Stands for `queue.ShutDown`, which this version of Python does not have."""


__all__ = ["Empty", "Full", "LifoQueue", "PriorityQueue", "Queue", "ShutDown", "SimpleQueue"]

TASKS: Final = WholeObject("unfinished tasks")
"""The place whose state is the number of tasks that are not done yet."""

SIMPLE: Final = (int, float, str, bytes)
"""Types that compare without running any code of the program."""


def is_unlocked(state: Any, _: ThreadId) -> bool:
    """Guard of everything that needs the queue's mutex.

    The state is (how many items, whether shut down, who holds the mutex).
    """
    return bool(state[2] == FREE)


def has_items(state: Any, _: ThreadId) -> bool:
    """Guard of `get`, which raises `ShutDown` if there will be no items any more."""
    return bool((state[0] > 0 or state[1]) and state[2] == FREE)


def has_room(maxsize: int) -> Guard:
    """Guard of `put`, which raises `ShutDown` if the queue is shut down."""

    def guard(state: Any, _: ThreadId) -> bool:
        return bool((state[0] < maxsize or state[1]) and state[2] == FREE)

    return guard


def is_done(tasks: Any, _: ThreadId) -> bool:
    """Guard of `join`; the state is the number of unfinished tasks."""
    return bool(tasks == 0)


class Queue(Primitive):
    """See the documentation of `queue.Queue`."""

    __module__ = "queue"

    _label = "Queue"
    _original: ClassVar[Any] = queue.Queue

    _state_location: Location
    _tasks_location: Location
    _get_operation: Operation
    _put_operation: Operation

    def __init__(self, maxsize: int = 0) -> None:
        self.maxsize = maxsize
        self._conditions: dict[str, Any] = {}
        self._made = False
        self._enter_world()
        self._init(maxsize)
        self._made = True

    def _start_afresh(self, shared: SharedObject) -> None:
        self._state_location = place = shared.location(STATE)
        self._tasks_location = tasks = shared.location(TASKS)
        place.state = (0, False, FREE)
        tasks.state = 0
        self._conditions.clear()
        cls = type(self)
        # Code of the program that runs while an item goes in or out may be interrupted; like the
        # real queue, keep others out meanwhile.  Otherwise one event does for both.
        self._plain = all(
            getattr(cls, name) in OWN_STORAGE for name in ("_init", "_qsize", "_put", "_get")
        )
        self._get_operation = operation(shared, "get", (place, WRITE), guards=((place, has_items),))
        self._bind_put()
        if self._made:
            self._init(self.maxsize)

    def _bind_put(self) -> None:
        self._bound = bound = self.maxsize
        place = self._state_location
        self._put_operation = operation(
            place.owner, "put", (place, WRITE), (self._tasks_location, WRITE),
            guards=((place, has_room(bound) if bound > 0 else is_unlocked),), key=max(bound, 0),
        )  # fmt: skip

    # -- putting and getting ---------------------------------------------------------------------

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Add an item, after waiting for room if the queue is full."""
        place = self._state_location
        if not machine.active:
            self._put(item)
            size, closed, holder = place.state
            place.state = (size + 1, closed, holder)
            return
        if self._epoch != machine.epoch:
            self._reenter_world()
            place = self._state_location
        if self.maxsize != self._bound:
            self._bind_put()
        duration: float | None = None
        if self._bound > 0:
            duration = timeouts.of_queue(timeout) if block else 0
        if machine.tries(duration):
            success = operation(
                place.owner, "put", (place, WRITE), (self._tasks_location, WRITE),
                guards=((place, is_unlocked),), key="at once",
            )  # fmt: skip
            failure = operation(
                place.owner, "failed put", (place, READ), guards=((place, is_unlocked),)
            )
            if not machine.attempt(success, failure, self._has_room, self, duration):
                raise Full
        elif not machine.sync(self._put_operation, self, duration):
            raise Full
        size, closed, _ = place.state
        if closed:
            raise ShutDown
        if self._plain and self._compares_simply(item):
            self._put(item)
            place.state = (size + 1, False, FREE)
            self._tasks_location.state += 1
        else:
            self._plain = False
            self._lock_mutex()
            added = 0
            try:
                self._put(item)
                added = 1
            finally:
                self._unlock_mutex(added)
        if self._conditions:
            self._notify("not_empty")

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Remove an item and return it, after waiting for one if the queue is empty."""
        place = self._state_location
        if not machine.active:
            return self._get_outside()
        if self._epoch != machine.epoch:
            self._reenter_world()
            place = self._state_location
        duration = timeouts.of_queue(timeout) if block else 0
        if machine.tries(duration):
            success = operation(
                place.owner, "get", (place, WRITE), guards=((place, is_unlocked),), key="at once"
            )
            failure = operation(
                place.owner, "failed get", (place, READ), guards=((place, is_unlocked),)
            )
            if not machine.attempt(success, failure, self._has_items, self, duration):
                raise Empty
        elif not machine.sync(self._get_operation, self, duration):
            raise Empty
        size, closed, _ = place.state
        if not size:
            raise ShutDown
        if self._plain:
            item = self._get()
            place.state = (size - 1, closed, FREE)
        else:
            self._lock_mutex()
            try:
                item = self._get()
            finally:
                self._unlock_mutex()
        if self._conditions:
            self._notify("not_full")
        return item

    def put_nowait(self, item: Any) -> None:
        """Add an item if there is room now."""
        self.put(item, block=False)

    def get_nowait(self) -> Any:
        """Remove an item and return it if there is one now."""
        return self.get(block=False)

    def _get_outside(self) -> Any:
        size, closed, holder = self._state_location.state
        if not size:
            raise Empty
        self._state_location.state = (size - 1, closed, holder)
        return self._get()

    def _has_room(self) -> bool:
        size, closed, _ = self._state_location.state
        return closed or not 0 < self._bound <= size

    def _has_items(self) -> bool:
        size, closed, _ = self._state_location.state
        return bool(size) or closed

    def _compares_simply(self, _item: Any) -> bool:
        return True

    # -- tasks -----------------------------------------------------------------------------------

    def task_done(self) -> None:
        """One item that was taken out has been dealt with."""
        tasks = self._tasks_location
        if machine.active:
            if self._epoch != machine.epoch:
                self._reenter_world()
                tasks = self._tasks_location
            machine.sync(operation(tasks.owner, "task_done", (tasks, WRITE)), self)
        if tasks.state <= 0:
            raise ValueError("task_done() called too many times")
        tasks.state -= 1
        if self._conditions and not tasks.state:
            self._notify("all_tasks_done")

    def join(self) -> None:
        """Wait until every item has been dealt with."""
        if machine.active:
            if self._epoch != machine.epoch:
                self._reenter_world()
            tasks = self._tasks_location
            done = operation(tasks.owner, "join", (tasks, READ), guards=((tasks, is_done),))
            machine.sync(done, self)

    @property
    def unfinished_tasks(self) -> int:
        """How many items have been put in and not been dealt with."""
        tasks = self._tasks_location
        if machine.active:
            if self._epoch != machine.epoch:
                self._reenter_world()
                tasks = self._tasks_location
            machine.sync(operation(tasks.owner, "unfinished_tasks", (tasks, READ)), self)
        count: int = tasks.state
        return count

    @unfinished_tasks.setter
    def unfinished_tasks(self, count: int) -> None:
        tasks = self._tasks_location
        if machine.active:
            if self._epoch != machine.epoch:
                self._reenter_world()
                tasks = self._tasks_location
            machine.sync(operation(tasks.owner, "set unfinished_tasks", (tasks, WRITE)), self)
        tasks.state = count

    # -- looking ---------------------------------------------------------------------------------

    def qsize(self) -> int:
        """How many items there are."""
        return self._look_inside("qsize")[0]

    def empty(self) -> bool:
        """Whether there are no items."""
        return not self._look_inside("empty")[0]

    def full(self) -> bool:
        """Whether there is no room."""
        return 0 < self.maxsize <= self._look_inside("full")[0]

    def _look_inside(self, kind: str) -> tuple[int, bool, ThreadId]:
        if machine.active:
            if self._epoch != machine.epoch:
                self._reenter_world()
            place = self._state_location
            inside = operation(place.owner, kind, (place, READ), guards=((place, is_unlocked),))
            machine.sync(inside, self)
        state: tuple[int, bool, ThreadId] = self._state_location.state
        return state

    # -- shutting down ---------------------------------------------------------------------------

    if sys.version_info >= (3, 13):

        def shutdown(self, immediate: bool = False) -> None:
            """Let no more items in; with `immediate`, throw away those that are in."""
            place, tasks = self._state_location, self._tasks_location
            if machine.active:
                if self._epoch != machine.epoch:
                    self._reenter_world()
                    place, tasks = self._state_location, self._tasks_location
                machine.sync(
                    operation(
                        place.owner, "shutdown", (place, WRITE), (tasks, WRITE),
                        guards=((place, is_unlocked),),
                    ),
                    self,
                )  # fmt: skip
            size = place.state[0]
            place.state = (size, True, FREE)
            if immediate:
                self._throw_away(size)
            if self._conditions:
                for name in ("all_tasks_done", "not_empty", "not_full"):
                    self._notify(name, everybody=True)

        def _throw_away(self, size: int) -> None:
            place, tasks = self._state_location, self._tasks_location
            gone = min(size, tasks.state)
            if self._plain or not machine.active:
                for _ in range(size):
                    self._get()
                place.state = (0, True, FREE)
                tasks.state -= gone
            else:
                self._lock_mutex()
                try:
                    for _ in range(size):
                        self._get()
                finally:
                    self._unlock_mutex(-gone)

        @property
        def is_shutdown(self) -> bool:
            """Whether the queue lets no more items in."""
            place = self._state_location
            if machine.active:
                if self._epoch != machine.epoch:
                    self._reenter_world()
                    place = self._state_location
                # No lock is taken for that.
                machine.sync(operation(place.owner, "is_shutdown", (place, READ)), self)
            return bool(place.state[1])

    # -- the lock of a real queue ----------------------------------------------------------------

    @property
    def mutex(self) -> QueueMutex:
        """The lock that keeps others out of the queue."""
        return self._part("mutex")  # type: ignore[no-any-return]

    @property
    def not_empty(self) -> Condition:
        """Notified when an item has been added."""
        return self._part("not_empty")  # type: ignore[no-any-return]

    @property
    def not_full(self) -> Condition:
        """Notified when an item has been removed."""
        return self._part("not_full")  # type: ignore[no-any-return]

    @property
    def all_tasks_done(self) -> Condition:
        """Notified when the number of unfinished tasks drops to zero."""
        return self._part("all_tasks_done")  # type: ignore[no-any-return]

    def _part(self, name: str) -> Any:
        """The mutex or one of its conditions, which few programs use: made when asked for."""
        if machine.active and self._epoch != machine.epoch:
            self._reenter_world()
        parts = self._conditions
        if name not in parts:
            if "mutex" not in parts:
                parts["mutex"] = QueueMutex(self)
            if name != "mutex":
                parts[name] = InnerCondition(parts["mutex"], self, name)
        return parts[name]

    def _notify(self, name: str, everybody: bool = False) -> None:
        """What the real queue does at this point, for those who wait on its conditions."""
        condition = self._conditions.get(name)
        if condition is not None and machine.active:
            with condition:
                if everybody or name == "all_tasks_done":
                    condition.notify_all()
                else:
                    condition.notify()

    def _lock_mutex(self) -> None:
        size, closed, _ = self._state_location.state
        self._state_location.state = (size, closed, machine.current.tid)

    def _unlock_mutex(self, added: int = 0) -> None:
        """The storage is as it is to be, with so many tasks more than before."""
        place, tasks = self._state_location, self._tasks_location
        size = self._qsize()
        if added:
            done = operation(place.owner, "settle", (place, WRITE), (tasks, WRITE), key="put")
        else:
            done = operation(place.owner, "settle", (place, WRITE))
        machine.sync(done, self)
        place.state = (size, place.state[1], FREE)
        tasks.state += added

    # -- the storage: what subclasses redefine ---------------------------------------------------

    def _init(self, maxsize: int) -> None:
        self.queue: Any = deque()

    def _qsize(self) -> int:
        return len(self.queue)

    def _put(self, item: Any) -> None:
        self.queue.append(item)

    def _get(self) -> Any:
        return self.queue.popleft()

    __class_getitem__: ClassVar[Any] = classmethod(GenericAlias)


class PriorityQueue(Queue):
    """The least item comes out first."""

    __module__ = "queue"

    _original: ClassVar[Any] = queue.PriorityQueue

    def _compares_simply(self, item: Any) -> bool:
        kind = type(item)
        if kind is tuple:
            return all(type(part) in SIMPLE for part in item)
        return kind in SIMPLE

    def _init(self, maxsize: int) -> None:
        self.queue: list[Any] = []

    def _put(self, item: Any) -> None:
        heapq.heappush(self.queue, item)

    def _get(self) -> Any:
        return heapq.heappop(self.queue)


class LifoQueue(Queue):
    """The newest item comes out first."""

    __module__ = "queue"

    _original: ClassVar[Any] = queue.LifoQueue

    def _init(self, maxsize: int) -> None:
        self.queue: list[Any] = []

    def _put(self, item: Any) -> None:
        self.queue.append(item)

    def _get(self) -> Any:
        return self.queue.pop()


OWN_STORAGE: Final = frozenset(
    getattr(kind, name)
    for kind in (Queue, PriorityQueue, LifoQueue)
    for name in ("_init", "_qsize", "_put", "_get")
)


class QueueMutex:
    """The mutex of a queue: part of the queue's own state, since every operation needs it."""

    def __init__(self, owner: Queue) -> None:
        self._owner = owner

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Wait until nobody is using the queue, and keep others from it."""
        duration = timeouts.of_lock(blocking, timeout)
        owner = self._owner
        place = owner._state_location
        if not machine.active:
            return True
        if machine.tries(duration):
            success = operation(place.owner, "acquire", (place, WRITE), key="at once")
            failure = operation(place.owner, "failed acquire", (place, READ))
            if not machine.attempt(success, failure, self._is_free, owner, duration):
                return False
        else:
            acquire = operation(
                place.owner, "acquire", (place, WRITE), guards=((place, is_unlocked),)
            )
            if not machine.sync(acquire, owner, duration):
                return False
        owner._lock_mutex()
        return True

    def release(self) -> None:
        """Let others use the queue, whose items may be different ones now."""
        if machine.active and not machine.end:
            if self._is_free():
                raise RuntimeError("release unlocked lock")
            self._owner._unlock_mutex()

    __enter__ = acquire

    def __exit__(self, *_: object) -> None:
        self.release()

    def locked(self) -> bool:
        """Whether somebody is using the queue."""
        place = self._owner._state_location
        if machine.active:
            machine.sync(operation(place.owner, "locked", (place, READ)), self._owner)
        return not self._is_free()

    def _is_free(self) -> bool:
        return bool(self._owner._state_location.state[2] == FREE)

    def _is_owned(self) -> bool:
        return bool(self._owner._state_location.state[2] == machine.current.tid)


class SimpleQueue(Primitive):
    """See the documentation of `queue.SimpleQueue`: no bound, no tasks."""

    __module__ = "_queue"

    _label = "SimpleQueue"
    _real_name = "_queue.SimpleQueue"
    _original: ClassVar[Any] = queue.SimpleQueue

    _state_location: Location
    _put_operation: Operation
    _get_operation: Operation

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Ready for use, even if a subclass does not care to call `__init__`."""
        made = super().__new__(cls, *args, **kwargs)
        if isinstance(made, SimpleQueue):
            made._enter_world()
        return made

    def __init__(self) -> None:
        pass

    def _start_afresh(self, shared: SharedObject) -> None:
        self._items: deque[Any] = deque()
        self._state_location = place = shared.location(STATE)
        place.state = 0
        self._put_operation = operation(shared, "put", (place, WRITE))
        self._get_operation = operation(shared, "get", (place, WRITE), guards=((place, holds_any),))

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Add an item; there is always room."""
        if machine.active:
            if self._epoch != machine.epoch:
                self._reenter_world()
            machine.sync(self._put_operation, self)
        self._items.append(item)
        self._state_location.state += 1

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Remove an item and return it, after waiting for one if there is none."""
        if block and timeout is not None:
            timeout = timeouts.seconds(timeout)
        duration = timeouts.of_queue(timeout) if block else 0
        if machine.active:
            if self._epoch != machine.epoch:
                self._reenter_world()
            place = self._state_location
            if machine.tries(duration):
                success = operation(place.owner, "get", (place, WRITE), key="at once")
                failure = operation(place.owner, "failed get", (place, READ))
                if not machine.attempt(success, failure, self._has_items, self, duration):
                    raise Empty
            elif not machine.sync(self._get_operation, self, duration):
                raise Empty
        elif not self._items:
            raise Empty
        self._state_location.state -= 1
        return self._items.popleft()

    def put_nowait(self, item: Any) -> None:
        """Add an item."""
        self.put(item)

    def get_nowait(self) -> Any:
        """Remove an item and return it if there is one now."""
        return self.get(block=False)

    def qsize(self) -> int:
        """How many items there are."""
        if machine.active:
            if self._epoch != machine.epoch:
                self._reenter_world()
            place = self._state_location
            machine.sync(operation(place.owner, "qsize", (place, READ)), self)
        return len(self._items)

    def empty(self) -> bool:
        """Whether there are no items."""
        return not self.qsize()

    def _has_items(self) -> bool:
        return bool(self._items)

    __class_getitem__: ClassVar[Any] = classmethod(GenericAlias)


def holds_any(state: Any, _: ThreadId) -> bool:
    """Guard of `SimpleQueue.get`; the state is the number of items."""
    return bool(state > 0)
