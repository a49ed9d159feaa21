"""`threading.RLock`: a lock that its holder may acquire again, and releases as many times.

Only the first acquire and the last release can matter to anybody else; those in between are no
events.  So the state is the holder, as that of a `Lock`, and the depth is the holder's own affair.
"""

from __future__ import annotations

import _thread
import sys
import warnings
from typing import Any, ClassVar

from raceproof.events import STATE, WRITE, Location, Operation, SharedObject, ThreadId
from raceproof.world.primitives import timeouts
from raceproof.world.primitives.lock import FREE, is_free
from raceproof.world.primitives.simulated import Primitive, look, operation
from raceproof.world.scheduler import machine


class RLock(Primitive):
    """See the documentation of `threading.RLock`."""

    __slots__ = ("_acquire_operation", "_depth", "_release_operation", "_state_location")

    __module__ = "_thread"

    _label = "RLock"
    _real_name = "_thread.RLock"
    _original: ClassVar[Any] = _thread.RLock

    _acquire_operation: Operation
    _release_operation: Operation
    _state_location: Location
    _depth: int

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Ready for use, even if a subclass does not care to call `__init__`."""
        made = super().__new__(cls, *args, **kwargs)
        if isinstance(made, RLock):
            made._enter_world()
        return made

    if sys.version_info >= (3, 15):

        def __init__(self) -> None:
            pass

    else:

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            if args or kwargs:
                self._warn_of_arguments()

    @staticmethod
    def _warn_of_arguments() -> None:
        if sys.version_info >= (3, 13):
            warnings.warn(
                "Passing arguments to RLock is deprecated and will be removed in 3.15",
                DeprecationWarning,
                stacklevel=3,
            )

    def _start_afresh(self, shared: SharedObject) -> None:
        self._state_location = place = shared.location(STATE)
        place.state = FREE
        self._depth = 0
        self._acquire_operation = operation(
            shared, "acquire", (place, WRITE), guards=((place, is_free),)
        )
        self._release_operation = operation(shared, "release", (place, WRITE))

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Wait for nobody else to hold the lock, and hold it; whether that came about."""
        if not (blocking is True and timeout == -1):
            return self._acquire_within(timeouts.of_lock(blocking, timeout))
        if not machine.active:
            return True
        if self._epoch != machine.epoch:
            self._reenter_world()
        place = self._state_location
        tid = machine.current.tid
        if place.state == tid:
            self._depth += 1
            return True
        machine.sync(self._acquire_operation, self)
        place.state = tid
        self._depth = 1
        return True

    def _acquire_within(self, duration: float | None) -> bool:
        if not machine.active:
            return True
        if self._epoch != machine.epoch:
            self._reenter_world()
        place = self._state_location
        tid = machine.current.tid
        if place.state == tid:
            self._depth += 1
            return True
        if machine.tries(duration):
            success = operation(place.owner, "acquire", (place, WRITE), key="at once")
            failure = look(place.owner, "failed acquire", place)
            if not machine.attempt(success, failure, self._is_free, self, duration):
                return False
        elif not machine.sync(self._acquire_operation, self, duration):
            return False
        place.state = tid
        self._depth = 1
        return True

    def release(self) -> None:
        """Undo one acquire; the last one lets the lock go."""
        if not machine.active:
            return
        if self._epoch != machine.epoch:
            self._reenter_world()
        place = self._state_location
        if place.state != machine.current.tid:
            if machine.end:
                # Unwinding: a condition may have given the lock up.
                return
            # Whoever holds it now, it is not this thread; no event of others can change that.
            raise RuntimeError("cannot release un-acquired lock")
        if self._depth > 1:
            self._depth -= 1
            return
        machine.sync(self._release_operation, self)
        self._depth = 0
        place.state = FREE

    __enter__ = acquire

    def __exit__(self, *_: object) -> None:
        self.release()

    if sys.version_info >= (3, 14):

        def locked(self) -> bool:
            """Whether somebody holds the lock."""
            if machine.active:
                if self._epoch != machine.epoch:
                    self._reenter_world()
                place = self._state_location
                if place.state != machine.current.tid:
                    machine.sync(look(place.owner, "locked", place), self)
            return bool(self._state_location.state != FREE)

    def holder(self) -> ThreadId | None:
        """The thread that acquired the lock; None: nobody holds it."""
        holder: ThreadId = self._state_location.state
        return None if holder == FREE else holder

    def _is_free(self) -> bool:
        return bool(self._state_location.state == FREE)

    def _is_owned(self) -> bool:
        if not machine.active:
            return False
        if self._epoch != machine.epoch:
            self._reenter_world()
        return bool(self._state_location.state == machine.current.tid)

    def _recursion_count(self) -> int:
        return self._depth if self._is_owned() else 0

    def _release_save(self) -> tuple[int, int]:
        if not machine.active or machine.end:
            return 1, 0
        if not self._is_owned():
            raise RuntimeError("cannot release un-acquired lock")
        machine.sync(self._release_operation, self)
        return self._let_go(), machine.current.tid

    def _acquire_restore(self, state: tuple[int, int]) -> None:
        if not machine.active:
            return
        if self._epoch != machine.epoch:
            self._reenter_world()
        machine.sync(self._acquire_operation, self)
        self._take(state[0])

    def _at_fork_reinit(self) -> None:
        self._state_location.state = FREE
        self._depth = 0

    # For Condition, whose own events take the lock and let it go.

    def _let_go(self) -> int:
        depth, self._depth = self._depth, 0
        self._state_location.state = FREE
        return depth

    def _take(self, depth: int) -> None:
        self._state_location.state = machine.current.tid
        self._depth = depth

    def __repr__(self) -> str:
        status = "unlocked" if self._is_free() else "locked"
        owner = 0 if self._is_free() else self._state_location.state + 1
        return f"<{status} _thread.RLock object owner={owner} count={self._depth} at {id(self):#x}>"
