"""Locks inside of libraries: they exclude, but taking one is no event.

A library that is not watched is atomic from one hook to the next, so the order in which threads
pass through its critical sections is of no interest; as events, the locks of `logging` alone would
multiply the interleavings of every program that logs.  Only a thread that finds such a lock taken,
because its holder was switched out in the middle, has to wait for it as for any other.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from raceproof.events import STATE, WRITE, ThreadId
from raceproof.world.primitives import timeouts
from raceproof.world.primitives.simulated import operation
from raceproof.world.scheduler import machine

FREE: ThreadId = -1


def is_free(state: Any, thread: ThreadId) -> bool:
    """Guard of `acquire`; the state is (holder, how often it holds)."""
    return state[0] in (FREE, thread)


def is_nobodys(state: Any, _: ThreadId) -> bool:
    """The same for a lock that its holder may not take again."""
    return bool(state[0] == FREE)


class QuietLock:
    """Stands for a `Lock` or an `RLock` of a library."""

    __slots__ = ("_epoch", "_name", "_place", "_reentrant")

    def __init__(self, name: Hashable, reentrant: bool) -> None:
        self._name = ("library lock", name)
        self._reentrant = reentrant
        self._epoch = -1
        self._enter_world()

    def _enter_world(self) -> None:
        label = "RLock" if self._reentrant else "Lock"
        self._place = machine.naming.object(self._name, label).location(STATE)
        self._epoch = machine.epoch
        self._place.state = (FREE, 0)

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock; an event only if another thread holds it."""
        if not machine.active or machine.end:
            return True
        if self._epoch != machine.epoch:
            self._enter_world()
        duration = timeouts.of_lock(blocking, timeout)
        tid = machine.current.tid
        holder, depth = self._place.state
        if holder != FREE and not (self._reentrant and holder == tid):
            if duration == 0:
                return False
            place = self._place
            guard = is_free if self._reentrant else is_nobodys
            waiting = operation(place.owner, "acquire", (place, WRITE), guards=((place, guard),))
            if not machine.sync(waiting, self, duration):
                return False
            depth = 0
        self._place.state = (tid, depth + 1)
        return True

    __enter__ = acquire

    def release(self) -> None:
        """Give the lock back."""
        if not machine.active or machine.end:
            return
        if self._epoch != machine.epoch:
            self._enter_world()
        holder, depth = self._place.state
        if holder == FREE:
            raise RuntimeError(
                "cannot release un-acquired lock" if self._reentrant else "release unlocked lock"
            )
        self._place.state = (holder, depth - 1) if depth > 1 else (FREE, 0)

    def __exit__(self, *_: object) -> None:
        self.release()

    def locked(self) -> bool:
        """Whether somebody holds the lock."""
        return bool(self._place.state[0] != FREE) and self._epoch == machine.epoch

    def holder(self) -> ThreadId | None:
        """The thread that holds the lock."""
        holder: ThreadId = self._place.state[0]
        return None if holder == FREE else holder

    def _is_owned(self) -> bool:
        return bool(machine.active and self._place.state[0] == machine.current.tid)

    def _at_fork_reinit(self) -> None:
        self._place.state = (FREE, 0)

    def __repr__(self) -> str:
        holder, depth = self._place.state
        status = "unlocked" if holder == FREE else "locked"
        if not self._reentrant:
            return f"<{status} _thread.lock object at {id(self):#x}>"
        owner = f"owner={holder + 1} count={depth}"
        return f"<{status} _thread.RLock object {owner} at {id(self):#x}>"
