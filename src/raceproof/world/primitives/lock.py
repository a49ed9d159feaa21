"""`threading.Lock`: at most one holder; acquiring waits for nobody to hold it."""

from __future__ import annotations

import _thread
from typing import Any, ClassVar

from raceproof.events import STATE, WRITE, Location, Operation, SharedObject, ThreadId
from raceproof.world.primitives import timeouts
from raceproof.world.primitives.simulated import Primitive, look, operation
from raceproof.world.scheduler import machine

FREE: ThreadId = -1
_RealLock: Any = _thread.LockType  # by value: the name stands for `Lock` in an exploration


def is_free(state: Any, _: ThreadId) -> bool:
    """Guard of `acquire`; the state of a lock is its holder, or FREE."""
    return bool(state == FREE)


class _AlsoRealLocks(type):
    """A real lock, made before the execution began, is a `threading.Lock` too."""

    def __instancecheck__(cls, instance: object) -> bool:
        return type.__instancecheck__(cls, instance) or isinstance(instance, _RealLock)


class Lock(Primitive, metaclass=_AlsoRealLocks):
    """See the documentation of `threading.Lock`."""

    __slots__ = ("_acquire_operation", "_release_operation", "_state_location")

    _label = "Lock"
    _original: ClassVar[Any] = _thread.allocate_lock

    _acquire_operation: Operation
    _release_operation: Operation
    _state_location: Location

    def __init__(self) -> None:
        self._enter_world()

    def __init_subclass__(cls) -> None:
        raise TypeError("type '_thread.lock' is not an acceptable base type")

    def _start_afresh(self, shared: SharedObject) -> None:
        self._state_location = place = shared.location(STATE)
        place.state = FREE
        self._acquire_operation = operation(
            shared, "acquire", (place, WRITE), guards=((place, is_free),)
        )
        self._release_operation = operation(shared, "release", (place, WRITE))

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Wait for the lock to be free, and hold it; whether that came about."""
        if not (blocking is True and timeout == -1):
            return self._acquire_within(timeouts.of_lock(blocking, timeout))
        if not machine.active:
            return True
        if self._epoch != machine.epoch:
            self._reenter_world()
        machine.sync(self._acquire_operation, self)
        self._state_location.state = machine.current.tid
        return True

    def _acquire_within(self, duration: float | None) -> bool:
        if not machine.active:
            return True
        if self._epoch != machine.epoch:
            self._reenter_world()
        place = self._state_location
        if machine.tries(duration):
            success = operation(place.owner, "acquire", (place, WRITE), key="at once")
            failure = look(place.owner, "failed acquire", place)
            if not machine.attempt(success, failure, self._is_free, self, duration):
                return False
        elif not machine.sync(self._acquire_operation, self, duration):
            return False
        place.state = machine.current.tid
        return True

    def release(self) -> None:
        """Let the lock go; any thread may do that."""
        if not machine.active:
            return
        if self._epoch != machine.epoch:
            self._reenter_world()
        machine.sync(self._release_operation, self)
        place = self._state_location
        if place.state == FREE:
            raise RuntimeError("release unlocked lock")
        place.state = FREE

    __enter__ = acquire

    def __exit__(self, *_: object) -> None:
        self.release()

    def locked(self) -> bool:
        """Whether somebody holds the lock."""
        if machine.active:
            if self._epoch != machine.epoch:
                self._reenter_world()
            machine.sync(look(self._state_location.owner, "locked", self._state_location), self)
        return bool(self._state_location.state != FREE)

    acquire_lock = acquire
    release_lock = release
    locked_lock = locked

    def holder(self) -> ThreadId | None:
        """The thread that acquired the lock; None: nobody holds it."""
        holder: ThreadId = self._state_location.state
        return None if holder == FREE else holder

    def _is_free(self) -> bool:
        return bool(self._state_location.state == FREE)

    def _at_fork_reinit(self) -> None:
        self._state_location.state = FREE

    # For Condition, whose own events take the lock and let it go.

    def _let_go(self) -> int:
        self._state_location.state = FREE
        return 1

    def _take(self, _depth: int) -> None:
        self._state_location.state = machine.current.tid

    def __repr__(self) -> str:
        status = "unlocked" if self._is_free() else "locked"
        return f"<{status} _thread.lock object at {id(self):#x}>"
