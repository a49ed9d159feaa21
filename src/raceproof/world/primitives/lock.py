"""`threading.Lock`: at most one holder; acquiring waits for nobody to hold it."""

from __future__ import annotations

import _thread
import sys
from typing import Any, ClassVar, Final

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
    """A real lock, made before the execution began, is a `threading.Lock` too.

    And nobody changes the class.
    """

    def __instancecheck__(cls, instance: object) -> bool:
        return type.__instancecheck__(cls, instance) or isinstance(instance, _RealLock)

    def __setattr__(cls, name: str, value: Any) -> None:
        raise TypeError(f"cannot set {name!r} attribute of immutable type '_thread.lock'")

    def __delattr__(cls, name: str) -> None:
        raise TypeError(f"cannot set {name!r} attribute of immutable type '_thread.lock'")


class Lock(Primitive, metaclass=_AlsoRealLocks):
    """See the documentation of `threading.Lock`."""

    __slots__ = ("_acquire_operation", "_release_operation", "_state_location")

    __module__ = "_thread"

    _label = "Lock"
    _original: ClassVar[Any] = _thread.allocate_lock

    _acquire_operation: Operation
    _release_operation: Operation
    _state_location: Location

    def __init__(self) -> None:
        self._enter_world()

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


class _NotCalled(_AlsoRealLocks):
    def __call__(cls, *_: Any, **__: Any) -> Any:
        raise TypeError("cannot create '_thread.lock' instances")


class BuiltinLock(Lock, metaclass=_NotCalled):
    """The type of locks before Python 3.13, where only a function makes them."""

    __slots__ = ()

    __module__ = "_thread"


class AllocateLock:
    """`_thread.allocate_lock`: a function that is no method where it is an attribute of a class."""

    __slots__ = ()

    __module__ = "_thread"
    __name__ = __qualname__ = "allocate_lock"

    def __call__(self) -> Any:
        if not machine.active:
            return Lock._original()
        made: Lock = object.__new__(LockType)
        made.__init__()  # type: ignore[misc]
        return made

    def __repr__(self) -> str:
        return "<built-in function allocate_lock>"

    def __reduce__(self) -> str:
        return "allocate_lock"


AllocateLock.__name__ = "builtin_function_or_method"
allocate_lock: Final = AllocateLock()
LockType: Final = Lock if sys.version_info >= (3, 13) else BuiltinLock
"""`_thread.LockType`."""
of_threading: Final[Any] = Lock if sys.version_info >= (3, 13) else allocate_lock
"""`threading.Lock`."""


def _no_base(cls: type) -> None:
    raise TypeError("type '_thread.lock' is not an acceptable base type")


for _kind in (Lock, BuiltinLock):
    for _name, _value in (
        ("__name__", "lock"), ("__qualname__", "lock"),
        ("__init_subclass__", classmethod(_no_base)),
    ):  # fmt: skip
        type.__setattr__(_kind, _name, _value)


def inner_lock(owner: Primitive, name: str) -> Lock:
    """A lock in another primitive: named after that, so that making it is no event."""
    lock: Lock = object.__new__(LockType)
    lock._serial = 0
    lock._epoch = owner._epoch
    lock._start_afresh(owner.part(name, Lock._label))
    return lock
