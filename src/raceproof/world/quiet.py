"""Locks inside of libraries: they exclude, but taking one is no event.

A library that is not watched is atomic from one hook to the next, so the order in which threads
pass through its critical sections is of no interest; as events, the locks of `logging` alone would
multiply the interleavings of every program that logs.  That holds as long as nothing happens while
such a lock is held, and the program leaves it alone.  Otherwise (the library calls the program
back, say) the search learns that the lock is one like any other.
"""

from __future__ import annotations

import sys
from collections.abc import Hashable
from typing import Any, TypeAlias

from raceproof.events import STATE, WRITE, ThreadId
from raceproof.world.primitives import timeouts
from raceproof.world.primitives.lock import Lock
from raceproof.world.primitives.rlock import RLock
from raceproof.world.primitives.simulated import operation
from raceproof.world.scheduler import machine

FREE: ThreadId = -1
OrdinaryLock: TypeAlias = Lock | RLock


def is_free(state: Any, thread: ThreadId) -> bool:
    """Guard of `acquire`; the state is (holder, how often it holds)."""
    return state[0] in (FREE, thread)


def is_nobodys(state: Any, _: ThreadId) -> bool:
    """The same for a lock that its holder may not take again."""
    return bool(state[0] == FREE)


class QuietLock:
    """Stands for a `Lock` or an `RLock` of a library."""

    __slots__ = (
        "_epoch", "_insight", "_kind", "_name", "_ordinary", "_place", "_shared", "_taken_at",
    )  # fmt: skip

    def __init__(self, name: Hashable, reentrant: bool, loud: bool = False) -> None:
        """`loud`: using it is an event from the first."""
        self._name = ("library lock", name)
        self._insight = f"library lock {name}"
        self._kind: type[OrdinaryLock] = RLock if reentrant else Lock
        self._epoch = -1
        self._ordinary: OrdinaryLock | None = None
        self._enter_world()
        if loud and self._ordinary is None:
            self.speak_up()
            self._ordinary = self._kind.under_name(self._shared)

    def _enter_world(self) -> None:
        self._shared = machine.naming.object(self._name, self._kind._label)
        self._place = self._shared.location(STATE)
        self._place.state = (FREE, 0)
        self._epoch = machine.epoch
        self._taken_at = 0
        known = self._insight in machine.insights
        self._ordinary = self._kind.under_name(self._shared) if known else None

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock; an event only if another thread holds it."""
        if not machine.active or machine.end:
            return True
        if self._epoch != machine.epoch:
            self._enter_world()
        if self._ordinary is not None:
            return self._ordinary.acquire(blocking, timeout)
        if sys._getframe(1).f_code.co_filename in machine.watched_files:
            self.speak_up()
        duration = timeouts.of_lock(blocking, timeout)
        tid = machine.current.tid
        holder, depth = self._place.state
        if holder != FREE and not (self._kind is RLock and holder == tid):
            self.speak_up()
            if duration == 0:
                return False
            place = self._place
            guard = is_free if self._kind is RLock else is_nobodys
            waiting = operation(place.owner, "acquire", (place, WRITE), guards=((place, guard),))
            if not machine.sync(waiting, self, duration):
                return False
            depth = 0
        if not depth:
            self._taken_at = machine.step
        self._place.state = (tid, depth + 1)
        return True

    __enter__ = acquire

    def release(self) -> None:
        """Give the lock back."""
        if not machine.active or machine.end:
            return
        if self._epoch != machine.epoch:
            self._enter_world()
        if self._ordinary is not None:
            self._ordinary.release()
            return
        holder, depth = self._place.state
        if holder == FREE:
            raise RuntimeError(
                "cannot release un-acquired lock"
                if self._kind is RLock
                else "release unlocked lock"
            )
        if depth > 1:
            self._place.state = (holder, depth - 1)
            return
        if self._taken_at != machine.step:
            self.speak_up()
        self._place.state = (FREE, 0)

    def __exit__(self, *_: object) -> None:
        self.release()

    def be_taken(self, holder: ThreadId, depth: int) -> None:
        """`holder` has taken the lock before the execution began."""
        self._place.state = (holder, depth)
        if self._ordinary is not None:
            self._ordinary._state_location.state = holder
            if isinstance(self._ordinary, RLock):
                self._ordinary._depth = depth

    def speak_up(self) -> None:
        """The lock matters to the program: from the next search on, using it is an event."""
        machine.learn(self._insight)

    @property
    def ordinary(self) -> OrdinaryLock | None:
        """The lock that this one is in truth, if using it is an event."""
        if self._epoch != machine.epoch:
            self._enter_world()
        return self._ordinary

    def locked(self) -> bool:
        """Whether somebody holds the lock."""
        if self._epoch != machine.epoch:
            return False
        if self._ordinary is not None:
            return self._ordinary.holder() is not None
        return bool(self._place.state[0] != FREE)

    def holder(self) -> ThreadId | None:
        """The thread that holds the lock."""
        if self._ordinary is not None:
            return self._ordinary.holder()
        holder: ThreadId = self._place.state[0]
        return None if holder == FREE else holder

    def _is_owned(self) -> bool:
        return machine.active and self.locked() and self.holder() == machine.current.tid

    def _recursion_count(self) -> int:
        if not self._is_owned():
            return 0
        if isinstance(self._ordinary, RLock):
            return self._ordinary._recursion_count()
        return int(self._place.state[1])

    def _release_save(self) -> tuple[int, int]:
        count = self._recursion_count()
        for _ in range(count):
            self.release()
        return count, machine.current.tid

    def _acquire_restore(self, state: tuple[int, int]) -> None:
        for _ in range(state[0]):
            self.acquire()

    def _at_fork_reinit(self) -> None:
        self._place.state = (FREE, 0)

    def __repr__(self) -> str:
        if self._ordinary is not None:
            return repr(self._ordinary)
        holder, depth = self._place.state
        status = "unlocked" if holder == FREE else "locked"
        if self._kind is Lock:
            return f"<{status} _thread.lock object at {id(self):#x}>"
        owner = f"owner={holder + 1} count={depth}"
        return f"<{status} _thread.RLock object {owner} at {id(self):#x}>"

    acquire_lock = acquire
    release_lock = release
    locked_lock = locked
