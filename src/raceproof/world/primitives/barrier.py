"""`threading.Barrier`: a fixed number of threads wait for each other, round after round.

Arriving is ordered (each thread gets a number), leaving is not.  So a barrier has two places: who
has arrived, which those who arrive change, and how many rounds are over, which those who leave
look at.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from threading import BrokenBarrierError
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
from raceproof.world.primitives.simulated import Primitive, look, operation
from raceproof.world.scheduler import machine

__all__ = ["Barrier", "BrokenBarrierError"]

ROUNDS: Final = WholeObject("rounds")
"""The place whose state is the number of rounds that are over."""

FILLING, TRIPPING, BROKEN = "filling", "tripping", "broken"
"""Phases of a barrier.  It is tripping while the last to arrive runs the action."""


def is_not_tripping(state: Any, _: ThreadId) -> bool:
    """Guard of everything that has to wait for the action to end.

    The state is (phase, number of the round, how many have arrived in it).
    """
    return state[0] is not TRIPPING


def is_over(number: int) -> Guard:
    """Guard of leaving round `number`."""

    def guard(rounds_over: Any, _: ThreadId) -> bool:
        return bool(rounds_over > number)

    return guard


class Barrier(Primitive):
    """See the documentation of `threading.Barrier`."""

    __module__ = "threading"

    _label = "Barrier"
    _original: ClassVar[Any] = threading.Barrier

    _state_location: Location
    _rounds_location: Location
    _arrive_operation: Operation
    _trip_operation: Operation

    def __init__(
        self,
        parties: int,
        action: Callable[[], Any] | None = None,
        timeout: float | None = None,
    ) -> None:
        if sys.version_info >= (3, 13) and parties < 1:
            bound = ">= 1" if sys.version_info >= (3, 14) else "> 0"
            raise ValueError(f"parties must be {bound}")
        self._parties = parties
        self._action = action
        self._timeout = timeout
        self._enter_world()

    def _start_afresh(self, shared: SharedObject) -> None:
        self._state_location = place = shared.location(STATE)
        self._rounds_location = rounds = shared.location(ROUNDS)
        place.state = (FILLING, 0, 0)
        rounds.state = 0
        self._broken_rounds: set[int] = set()
        waits = ((place, is_not_tripping),)
        self._arrive_operation = operation(shared, "arrive", (place, WRITE), guards=waits)
        self._trip_operation = operation(shared, "trip", (place, WRITE), (rounds, WRITE))

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the other parties; returns the place in the order of arrival."""
        if not machine.active:
            return 0
        if self._epoch != machine.epoch:
            self._reenter_world()
        if timeout is None:
            timeout = self._timeout
        duration = timeouts.of_wait(timeout)
        place = self._state_location
        machine.sync(self._arrive_operation, self)
        phase, number, arrived = place.state
        if phase is BROKEN:
            raise BrokenBarrierError
        if arrived + 1 == self._parties:
            place.state = (TRIPPING, number, arrived + 1)
            self._trip(number)
        else:
            place.state = (FILLING, number, arrived + 1)
            self._leave(number, duration)
        index: int = arrived
        return index

    def _trip(self, number: int) -> None:
        """All are here: run the action and let the others go."""
        try:
            if self._action:
                self._action()
        except BaseException:
            machine.sync(operation(self._state_location.owner, "break", *self._both()), self)
            self._break()
            raise
        machine.sync(self._trip_operation, self)
        self._state_location.state = (FILLING, number + 1, 0)
        self._rounds_location.state = number + 1

    def _leave(self, number: int, duration: float | None) -> None:
        rounds, place = self._rounds_location, self._state_location
        shared = rounds.owner
        # An action under way is waited for, as it holds the barrier's lock.
        breaking = self._between_actions("break")
        if machine.tries(duration):
            passing = operation(
                shared, "pass", (rounds, READ), (place, READ),
                guards=((place, is_not_tripping),), key="at once",
            )  # fmt: skip
            if not machine.attempt(
                passing, breaking, lambda: rounds.state > number, self, duration
            ):
                self._break()
        elif not machine.sync(
            operation(
                shared, "pass", (rounds, READ), guards=((rounds, is_over(number)),), key=number
            ),
            self,
            duration,
        ):
            machine.sync(breaking, self)
            if rounds.state <= number:
                self._break()
        if number in self._broken_rounds:
            raise BrokenBarrierError

    def reset(self) -> None:
        """Empty the barrier: those who wait in it get a `BrokenBarrierError`."""
        if machine.active:
            if self._epoch != machine.epoch:
                self._reenter_world()
            machine.sync(self._between_actions("reset"), self)
        _, number, arrived = self._state_location.state
        if arrived:
            self._broken_rounds.add(number)
            number += 1
            self._rounds_location.state = number
        self._state_location.state = (FILLING, number, 0)

    def abort(self) -> None:
        """Break the barrier: those who wait in it, or come later, get a `BrokenBarrierError`."""
        if machine.active:
            if self._epoch != machine.epoch:
                self._reenter_world()
            machine.sync(self._between_actions("abort"), self)
        self._break()

    def _break(self) -> None:
        _, number, _ = self._state_location.state
        # Those who have not left an earlier round yet count as waiting, too.
        self._broken_rounds.update(range(number + 1))
        self._state_location.state = (BROKEN, number + 1, 0)
        self._rounds_location.state = number + 1

    def _both(self) -> tuple[tuple[Location, int], ...]:
        return (self._state_location, WRITE), (self._rounds_location, WRITE)

    def _between_actions(self, kind: str) -> Operation:
        place = self._state_location
        return operation(
            place.owner, kind, *self._both(), guards=((place, is_not_tripping),), key="between"
        )

    @property
    def parties(self) -> int:
        """How many threads it takes."""
        return self._parties

    @property
    def n_waiting(self) -> int:
        """How many threads wait for the others."""
        phase, _, arrived = self._look("n_waiting")
        return 0 if phase is BROKEN else arrived

    @property
    def broken(self) -> bool:
        """Whether waiting raises `BrokenBarrierError`."""
        return self._look("broken")[0] is BROKEN

    def _look(self, kind: str) -> tuple[str, int, int]:
        if machine.active:
            if self._epoch != machine.epoch:
                self._reenter_world()
            place = self._state_location
            machine.sync(look(place.owner, kind, place), self)
        state: tuple[str, int, int] = self._state_location.state
        return state

    def __repr__(self) -> str:
        cls = self.__class__
        name = f"{cls.__module__}.{cls.__qualname__} at {id(self):#x}"
        phase, _, arrived = self._state_location.state
        if phase is BROKEN:
            return f"<{name}: broken>"
        return f"<{name}: waiters={arrived}/{self._parties}>"
