"""`threading.Semaphore`: a number of permits; acquiring takes one and waits while there is none."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

from raceproof.events import STATE, WRITE, Location, Operation, SharedObject, ThreadId
from raceproof.world.primitives import timeouts
from raceproof.world.primitives.simulated import Primitive, look, operation
from raceproof.world.scheduler import machine


def has_permits(state: Any, _: ThreadId) -> bool:
    """Guard of `acquire`; the state is the number of permits left."""
    return bool(state > 0)


class Semaphore(Primitive):
    """See the documentation of `threading.Semaphore`."""

    __module__ = "threading"

    _label = "Semaphore"
    _original: ClassVar[Any] = threading.Semaphore

    _state_location: Location
    _acquire_operation: Operation
    _release_operation: Operation

    def __init__(self, value: int = 1) -> None:
        if value < 0:
            raise ValueError("semaphore initial value must be >= 0")
        self._initial_value = value
        self._enter_world()

    def _start_afresh(self, shared: SharedObject) -> None:
        self._state_location = place = shared.location(STATE)
        place.state = self._initial_value
        self._acquire_operation = operation(
            shared, "acquire", (place, WRITE), guards=((place, has_permits),)
        )
        self._release_operation = operation(shared, "release", (place, WRITE))

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Take a permit, after waiting for one if there is none; whether that came about."""
        if not blocking:
            if timeout is not None:
                raise ValueError("can't specify timeout for non-blocking acquire")
            timeout = 0
        if timeout is not None:
            timeout = timeouts.of_wait(timeout)
        place = self._state_location
        if machine.active:
            if self._epoch != machine.epoch:
                self._reenter_world()
                place = self._state_location
            if machine.tries(timeout):
                success = operation(place.owner, "acquire", (place, WRITE), key="at once")
                failure = look(place.owner, "failed acquire", place)
                if not machine.attempt(success, failure, self._has_permits, self, timeout):
                    return False
            elif not machine.sync(self._acquire_operation, self, timeout):
                return False
        elif place.state <= 0:
            return True
        place.state -= 1
        return True

    __enter__ = acquire

    def release(self, n: int = 1) -> None:
        """Give back `n` permits."""
        if n < 1:
            raise ValueError("n must be one or more")
        if machine.active:
            if self._epoch != machine.epoch:
                self._reenter_world()
            machine.sync(self._release_operation, self)
        self._state_location.state += n

    def __exit__(self, *_: object) -> None:
        self.release()

    @property
    def _value(self) -> int:
        """The number of permits left, which programs do look at despite its name."""
        if machine.active:
            if self._epoch != machine.epoch:
                self._reenter_world()
            machine.sync(look(self._state_location.owner, "value", self._state_location), self)
        value: int = self._state_location.state
        return value

    def _has_permits(self) -> bool:
        return bool(self._state_location.state > 0)

    def __repr__(self) -> str:
        cls = self.__class__
        value = self._state_location.state
        return f"<{cls.__module__}.{cls.__qualname__} at {id(self):#x}: value={value}>"


class BoundedSemaphore(Semaphore):
    """A semaphore that never has more permits than at the start."""

    __module__ = "threading"

    _original: ClassVar[Any] = threading.BoundedSemaphore

    def release(self, n: int = 1) -> None:
        """Give back `n` permits, unless that makes them more than there were at the start."""
        if n < 1:
            raise ValueError("n must be one or more")
        place = self._state_location
        if machine.active:
            if self._epoch != machine.epoch:
                self._reenter_world()
                place = self._state_location
            machine.sync(self._release_operation, self)
            if place.state + n > self._initial_value:
                raise ValueError("Semaphore released too many times")
        place.state = min(place.state + n, self._initial_value)

    def __repr__(self) -> str:
        cls = self.__class__
        value = f"{self._state_location.state}/{self._initial_value}"
        return f"<{cls.__module__}.{cls.__qualname__} at {id(self):#x}: value={value}>"
