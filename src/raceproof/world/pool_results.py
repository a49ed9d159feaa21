"""What `multiprocessing.pool.ThreadPool` gives for tasks: results to wait for, and iterators.

Behind each task is a future; waiting for several of them is one event, and which of them failed
first is a place of its own, so that tasks that succeed do not concern each other.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from raceproof.events import READ, STATE, WRITE, Access, Location, SharedObject, ThreadId
from raceproof.world.futures import FINISHED
from raceproof.world.primitives import timeouts
from raceproof.world.primitives.simulated import operation
from raceproof.world.scheduler import machine


def is_finished(state: Any, _: ThreadId) -> bool:
    """Guard of `get`.  (A task that `terminate` has dropped will never have a result.)"""
    return bool(state == FINISHED)


def not_in_time() -> Exception:
    """The exception for a wait that was too short."""
    error: Exception = sys.modules["multiprocessing.context"].TimeoutError()
    return error


class FirstFailure:
    """Notes which of several futures fails first."""

    def __init__(self) -> None:
        self.place = machine.objects.numbered(machine.current.tid, "failures").location(STATE)
        self.future: Any = None

    def places(self, kind: str, /) -> tuple[Location, ...]:
        """See `Waiter`."""
        return (self.place,) if kind == "set_exception" else ()

    def hear_of(self, future: Any, /) -> None:
        """See `Waiter`."""
        if self.future is None and future._exception is not None:
            self.future = future


class Result:
    """See `multiprocessing.pool.AsyncResult`."""

    def __init__(self, value: Callable[[list[Any]], Any]) -> None:
        """`value` makes the result out of those of the futures."""
        self._futures: list[Any] = []
        self._value = value
        self._failure = FirstFailure()

    def add(self, future: Any) -> None:
        """The result depends on this future, which is not done yet."""
        self._futures.append(future)
        future._model.waiters.append(self._failure)

    def ready(self) -> bool:
        """Whether the result is there."""
        return self._await("ready", 0)

    def successful(self) -> bool:
        """Whether the result is no exception."""
        if not self.ready():
            raise ValueError(f"{self!r} not ready")
        return self._failure.future is None

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the result is there."""
        self._await("wait", timeouts.of_wait(timeout))

    def get(self, timeout: float | None = None) -> Any:
        """The result, after waiting for it."""
        if not self._await("get", timeouts.of_wait(timeout)):
            raise not_in_time()
        failed = self._failure.future
        if failed is None:
            return self._value([future._result for future in self._futures])
        for future in self._futures:
            future._model.retrieved = True
        try:
            raise failed._exception
        finally:
            # The traceback of the exception refers to this frame, and the frame to the exception.
            del failed, self

    def _await(self, kind: str, timeout: float | None) -> bool:
        models = [future._model for future in self._futures]
        if not all(model.known() for model in models):
            shared = self._failure.place.owner
            places = [model.done for model in models]
            accesses: list[Access] = [(place, READ) for place in (*places, self._failure.place)]
            if machine.tries(timeout):
                looking = operation(shared, kind, *accesses, key="at once")
                if not machine.attempt(looking, looking, self._is_there, self, timeout):
                    return False
            else:
                guards = tuple((place, is_finished) for place in places)
                waiting = operation(shared, kind, *accesses, guards=guards)
                if not machine.sync(waiting, self, timeout):
                    return False
            for model in models:
                model.observed()
        return True

    def _is_there(self) -> bool:
        return all(future._state == FINISHED for future in self._futures)


END = "end"


def _empty(kind: str) -> SharedObject:
    """A shared object whose places do not say what they said in the last execution."""
    shared = machine.objects.numbered(machine.current.tid, kind)
    shared.location(0)
    for place in shared.fields.values():
        place.state = False
    return shared


class Submissions:
    """The tasks of `imap`, in order; their number may not be known yet."""

    def __init__(self) -> None:
        self._shared = _empty("imap")
        self._results: list[Result] = []

    def add(self, result: Result, at_once: bool) -> None:
        """One more; with `at_once` nobody can have asked so far."""
        place = self._shared.location(len(self._results))
        if not at_once:
            machine.sync(operation(self._shared, "put", (place, WRITE), key=place), self)
        self._results.append(result)
        place.state = True

    def close(self, at_once: bool) -> None:
        """There will be no more."""
        place = self._shared.location(len(self._results))
        if not at_once:
            machine.sync(operation(self._shared, "end", (place, WRITE), key=place), self)
        place.state = END

    def get(self, number: int, timeout: float | None) -> Result | None:
        """A task, after waiting for it to be submitted; None: there is no such task."""
        place = self._shared.location(number)
        _wait_for(place, self, timeout)
        return None if place.state == END else self._results[number]


class Arrivals:
    """The results of `imap_unordered`, in the order in which they come."""

    def __init__(self) -> None:
        self._shared = _empty("imap_unordered")
        self._order = self._shared.location(STATE)
        self._settled: list[Any] = []

    def expect(self, future: Any) -> None:
        """One of the results will be that of this future, which is not done yet."""
        future._model.waiters.append(self)

    def places(self, kind: str, /) -> tuple[Location, ...]:
        """See `Waiter`."""
        return (self._order, self._shared.location(len(self._settled)))

    def hear_of(self, future: Any, /) -> None:
        """See `Waiter`."""
        self._shared.location(len(self._settled)).state = True
        self._settled.append(future)

    def close(self, total: int, at_once: bool) -> None:
        """There will be no more than `total`."""
        place = self._shared.location(total)
        if not at_once:
            machine.sync(operation(self._shared, "end", (place, WRITE), key=place), self)
        place.state = END

    def get(self, number: int, timeout: float | None) -> Any:
        """The future that is done as this number; None: there are not so many."""
        place = self._shared.location(number)
        _wait_for(place, self, timeout)
        return None if place.state == END else self._settled[number]


def is_there(state: Any, _: ThreadId) -> bool:
    """Guard of the next step of an iteration."""
    return bool(state)


def _wait_for(place: Location, subject: Any, timeout: float | None) -> None:
    shared = place.owner
    if machine.tries(timeout):
        looking = operation(shared, "next", (place, READ), key=("at once", place))
        if not machine.attempt(looking, looking, lambda: bool(place.state), subject, timeout):
            raise not_in_time()
        return
    waiting = operation(shared, "next", (place, READ), guards=((place, is_there),), key=place)
    if not machine.sync(waiting, subject, timeout):
        raise not_in_time()


class InOrder:
    """See `multiprocessing.pool.Pool.imap`."""

    def __init__(self, submissions: Submissions) -> None:
        self._submissions = submissions
        self._taken = 0

    def __iter__(self) -> Iterator[Any]:
        return self

    def next(self, timeout: float | None = None) -> Any:
        """The result of the next task, after waiting for it."""
        duration = timeouts.of_wait(timeout)
        result = self._submissions.get(self._taken, duration)
        if result is None:
            raise StopIteration
        if not result._await("next", duration):
            raise not_in_time()
        self._taken += 1
        return result.get()

    __next__ = next


class AsTheyCome:
    """See `multiprocessing.pool.Pool.imap_unordered`."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self._taken = 0

    def __iter__(self) -> Iterator[Any]:
        return self

    def next(self, timeout: float | None = None) -> Any:
        """The next result that comes, after waiting for it."""
        future = self._arrivals.get(self._taken, timeouts.of_wait(timeout))
        if future is None:
            raise StopIteration
        self._taken += 1
        model = future._model
        model.observed()
        model.retrieved = True
        if future._exception is not None:
            raise future._exception
        return future._result

    __next__ = next
