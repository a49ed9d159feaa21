"""`threading.Event`: a flag; waiting for it lasts until it is set."""

from __future__ import annotations

import threading
import warnings
from typing import Any, ClassVar

from raceproof.events import READ, STATE, WRITE, Location, Operation, SharedObject, ThreadId
from raceproof.world.primitives import timeouts
from raceproof.world.primitives.condition import InnerCondition
from raceproof.world.primitives.lock import inner_lock
from raceproof.world.primitives.simulated import Primitive, look, operation
from raceproof.world.scheduler import machine


def is_set(state: Any, _: ThreadId) -> bool:
    """Guard of `wait`; the state is the flag."""
    return bool(state)


class Event(Primitive):
    """See the documentation of `threading.Event`."""

    __module__ = "threading"

    _label = "Event"
    _original: ClassVar[Any] = threading.Event

    _state_location: Location
    _set_operation: Operation
    _clear_operation: Operation
    _wait_operation: Operation

    def __init__(self) -> None:
        self._enter_world()

    def _start_afresh(self, shared: SharedObject) -> None:
        self._state_location = place = shared.location(STATE)
        place.state = False
        self._inner: InnerCondition | None = None
        self._set_operation = operation(shared, "set", (place, WRITE))
        self._clear_operation = operation(shared, "clear", (place, WRITE))
        self._wait_operation = operation(shared, "wait", (place, READ), guards=((place, is_set),))

    def is_set(self) -> bool:
        """Whether the flag is set."""
        if machine.active:
            if self._epoch != machine.epoch:
                self._reenter_world()
            machine.sync(look(self._state_location.owner, "is_set", self._state_location), self)
        return bool(self._state_location.state)

    def isSet(self) -> bool:
        """Old name of `is_set`."""
        warnings.warn(
            "isSet() is deprecated, use is_set() instead", DeprecationWarning, stacklevel=2
        )
        return self.is_set()

    def set(self) -> None:
        """Set the flag: whoever waits for it goes on."""
        if machine.active:
            if self._epoch != machine.epoch:
                self._reenter_world()
            machine.sync(self._set_operation, self)
        self._state_location.state = True
        if machine.active:
            # A real event wakes those who wait now, even if it is cleared at once.
            machine.prefer_those_at(self)
            if self._inner is not None:
                with self._inner:
                    self._inner.notify_all()

    def clear(self) -> None:
        """Take the flag back."""
        if machine.active:
            if self._epoch != machine.epoch:
                self._reenter_world()
            machine.sync(self._clear_operation, self)
        self._state_location.state = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the flag is set; False if that took longer than `timeout` seconds."""
        duration = timeouts.of_wait(timeout)
        if not machine.active:
            return bool(self._state_location.state)
        if self._epoch != machine.epoch:
            self._reenter_world()
        if machine.tries(duration):
            place = self._state_location
            success = operation(place.owner, "wait", (place, READ), key="at once")
            failure = look(place.owner, "is_set", place)
            return machine.attempt(success, failure, self._is_set, self, duration)
        return machine.sync(self._wait_operation, self, duration)

    def _is_set(self) -> bool:
        return bool(self._state_location.state)

    @property
    def _cond(self) -> InnerCondition:
        """What a real event is made of, for those who look."""
        if machine.active and self._epoch != machine.epoch:
            self._reenter_world()
        if self._inner is None:
            self._inner = InnerCondition(inner_lock(self, "lock"), self, "condition")
        return self._inner

    def _at_fork_reinit(self) -> None:
        # The flag survives a fork.
        if self._inner is not None:
            self._inner._at_fork_reinit()

    def __repr__(self) -> str:
        cls = self.__class__
        status = "set" if self._state_location.state else "unset"
        return f"<{cls.__module__}.{cls.__qualname__} at {id(self):#x}: {status}>"
