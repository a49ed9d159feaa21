"""`threading.Condition`: wait, having given up a lock, until another thread notifies.

A wait is two events: "wait" gives up the lock and joins the waiters, "wake" leaves once a notify
has picked the thread *and* the lock is free, and holds the lock again.
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any, ClassVar

from raceproof.events import READ, STATE, WRITE, Location, Operation, SharedObject, ThreadId
from raceproof.world.primitives import timeouts
from raceproof.world.primitives.lock import Lock, is_free
from raceproof.world.primitives.rlock import RLock
from raceproof.world.primitives.simulated import Primitive, operation
from raceproof.world.scheduler import machine


def is_picked(state: Any, thread: ThreadId) -> bool:
    """Guard of "wake"; the state is the threads that wait, in the order in which they came."""
    return thread not in state


class Condition(Primitive):
    """See the documentation of `threading.Condition`."""

    __module__ = "threading"

    _label = "Condition"
    _real_name = "_thread.RLock"
    _original: ClassVar[Any] = threading.Condition

    _state_location: Location
    _notify_operation: Operation
    _notify_all_operation: Operation

    def __init__(self, lock: Any = None) -> None:
        if lock is None:
            lock = RLock()
        self._lock = lock
        # What the waiters' events can take and give back themselves; other locks are just used.
        self._simulated = isinstance(lock, Primitive) and isinstance(lock, (Lock, RLock))
        self.acquire = lock.acquire
        self.release = lock.release
        for name in ("_release_save", "_acquire_restore", "_is_owned"):
            if hasattr(lock, name):
                setattr(self, name, getattr(lock, name))
        self._enter_world()

    def _start_afresh(self, shared: SharedObject) -> None:
        self._state_location = place = shared.location(STATE)
        place.state = ()
        self._notify_operation = operation(shared, "notify", (place, WRITE))
        self._notify_all_operation = operation(shared, "notify_all", (place, WRITE))

    def __enter__(self) -> bool:
        entered: bool = self._lock.__enter__()
        return entered

    def __exit__(self, *details: Any) -> None:
        self._lock.__exit__(*details)

    if sys.version_info >= (3, 14):

        def locked(self) -> bool:
            """Whether somebody holds the lock."""
            held: bool = self._lock.locked()
            return held

    # -- waiting ---------------------------------------------------------------------------------

    def wait(self, timeout: float | None = None) -> bool:
        """Give up the lock until notified, or for `timeout` seconds; whether it was a notify."""
        if not machine.active or machine.end:
            return True
        if not self._is_owned():
            raise RuntimeError("cannot wait on un-acquired lock")
        duration = timeouts.of_wait(timeout)
        if self._epoch != machine.epoch:
            self._reenter_world()
        if not self._simulated:
            return self._wait_with_foreign_lock(duration)
        lock = self._lock
        if lock._epoch != machine.epoch:
            lock._reenter_world()
        mine, place = lock._state_location, self._state_location
        shared = place.owner
        machine.sync(operation(shared, "wait", (place, WRITE), (mine, WRITE), key=mine), self)
        place.state += (machine.current.tid,)
        depth = lock._let_go()
        if machine.tries(duration):
            picked = self._look_whether_picked(duration)
        else:
            wake = operation(
                shared, "wake", (place, READ), (mine, WRITE),
                guards=((place, is_picked), (mine, is_free)), key=mine,
            )  # fmt: skip
            if machine.sync(wake, self, duration):
                lock._take(depth)
                return True
            # It may have been picked in time, and only the lock kept it waiting.
            picked = self._leave()
        machine.sync(
            operation(shared, "reacquire", (mine, WRITE), guards=((mine, is_free),), key=mine), self
        )
        lock._take(depth)
        return picked

    def _wait_with_foreign_lock(self, duration: float | None) -> bool:
        place = self._state_location
        shared = place.owner
        machine.sync(operation(shared, "wait", (place, WRITE), key="foreign"), self)
        place.state += (machine.current.tid,)
        saved = self._release_save()
        picked = False
        try:
            if machine.tries(duration):
                picked = self._look_whether_picked(duration)
            else:
                wake = operation(
                    shared, "wake", (place, READ), guards=((place, is_picked),), key="foreign"
                )
                picked = machine.sync(wake, self, duration) or self._leave()
        finally:
            self._acquire_restore(saved)
        return picked

    def _look_whether_picked(self, duration: float | None) -> bool:
        """For a wait that is a try: has a notify come meanwhile?  If not, wait no longer."""
        place = self._state_location
        shared = place.owner
        tid = machine.current.tid
        picked = operation(shared, "wake", (place, READ), key="at once")
        gone = operation(shared, "stop waiting", (place, WRITE))
        if machine.attempt(picked, gone, lambda: tid not in place.state, self, duration):
            return True
        self._leave()
        return False

    def _leave(self) -> bool:
        """Wait no longer; whether a notify had picked this thread before."""
        place = self._state_location
        tid = machine.current.tid
        if tid not in place.state:
            return True
        place.state = tuple([waiter for waiter in place.state if waiter != tid])
        return False

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        """Wait until `predicate()` is true, in all at most `timeout` seconds; its last value."""
        end: float | None = None
        remaining = timeout
        result = predicate()
        while not result and machine.active and not machine.end:
            if remaining is not None:
                now = machine.current.clock
                if end is None:
                    end = now + remaining
                else:
                    remaining = end - now
                    if remaining <= 0:
                        break
            self.wait(remaining)
            result = predicate()
        return result

    # -- notifying -------------------------------------------------------------------------------

    def notify(self, n: int = 1) -> None:
        """Let the `n` threads that have waited longest go on."""
        if self._ready_to_notify():
            machine.sync(self._notify_operation, self)
            if n > 0:
                self._state_location.state = self._state_location.state[n:]

    def notify_all(self) -> None:
        """Let all threads that wait go on."""
        if self._ready_to_notify():
            machine.sync(self._notify_all_operation, self)
            self._state_location.state = ()

    def _ready_to_notify(self) -> bool:
        if not machine.active or machine.end:
            return False
        if not self._is_owned():
            raise RuntimeError("cannot notify on un-acquired lock")
        if self._epoch != machine.epoch:
            self._reenter_world()
        return True

    def notifyAll(self) -> None:
        """Old name of `notify_all`."""
        warnings.warn(
            "notifyAll() is deprecated, use notify_all() instead", DeprecationWarning, stacklevel=2
        )
        self.notify_all()

    # -- for locks that do not say better ----------------------------------------------------------

    def _release_save(self) -> Any:
        self._lock.release()

    def _acquire_restore(self, _saved: Any) -> None:
        self._lock.acquire()

    def _is_owned(self) -> bool:
        lock = self._lock
        if self._simulated:
            if lock._epoch == machine.epoch and lock.holder() == machine.current.tid:
                # Nobody else can change that: it is no event.
                return True
            return bool(lock.locked())
        if lock.acquire(False):
            lock.release()
            return False
        return True

    def _at_fork_reinit(self) -> None:
        self._lock._at_fork_reinit()
        self._state_location.state = ()

    def __repr__(self) -> str:
        return f"<Condition({self._lock}, {len(self._state_location.state)})>"


class InnerCondition(Condition):
    """A condition in another primitive: named after that, so that asking for it is no event."""

    def __init__(self, lock: Any, owner: Primitive, name: str) -> None:
        self._owner, self._name = owner, name
        super().__init__(lock)

    def _enter_world(self) -> None:
        self._serial = 0
        self._epoch = self._owner._epoch
        self._start_afresh(self._owner.part(self._name, self._label))
