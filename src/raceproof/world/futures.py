"""`concurrent.futures.Future`, and waiting for several: each operation on a future is one event.

A completion that nobody waits for concerns nobody: it is ordered with whoever asks for the result,
and with nothing else.  As for `Thread`, the class stays the real one, with other methods.
"""

from __future__ import annotations

import concurrent.futures
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import _base
from itertools import count
from typing import Any, Final, Protocol

from raceproof.events import (
    READ,
    STATE,
    WRITE,
    Access,
    Location,
    Operation,
    SharedObject,
    ThreadId,
    WholeObject,
)
from raceproof.world import record
from raceproof.world.primitives import timeouts
from raceproof.world.primitives.simulated import operation
from raceproof.world.scheduler import machine
from raceproof.world.threads import ident_of

PENDING: Final = _base.PENDING
RUNNING: Final = _base.RUNNING
CANCELLED: Final = _base.CANCELLED
NOTIFIED: Final = _base.CANCELLED_AND_NOTIFIED
FINISHED: Final = _base.FINISHED

DONE: Final = frozenset({CANCELLED, NOTIFIED, FINISHED})
"""States in which there is a result, or never will be."""
SETTLED: Final = frozenset({NOTIFIED, FINISHED})
"""States that end a `wait`: a cancelled future counts once its worker has noticed."""

START: Final = WholeObject("start")
"""The place of a future that says whether it can still be cancelled."""
KEPT: Final = 1_000_000_000_000_000
"""Futures that are older than their execution come after the others."""


def is_done(state: Any, _: ThreadId) -> bool:
    """Guard of `result`."""
    return state in DONE


def is_settled(state: Any, _: ThreadId) -> bool:
    """Guard of `wait`."""
    return state in SETTLED


_serials = count(1)


class Model:
    """What a future is in the execution under way."""

    __slots__ = (
        "callbacks", "channel", "clock", "condition", "done", "epoch", "error", "hash",
        "is_private", "number", "observers", "retrieved", "seen", "serial", "shared", "start",
        "thread", "waiters",
    )  # fmt: skip

    def __init__(self, future: Any) -> None:
        self.serial = 0
        self._enter(machine.objects.numbered(machine.current.tid, "Future"))
        serial: int = self.shared.name[-1]  # type: ignore[index]
        self.number = self.hash = ident_of(machine.current.path) * 1_000_000 + serial
        """Futures are hashed by it, so that sets of them are the same in every execution."""
        self.agree(future)

    @classmethod
    def of_kept(cls, future: Any, hash_: int) -> Model:
        """The model of a future that is older than any execution."""
        self = cls.__new__(cls)
        self.serial, self.hash = 0, hash_
        self.enter_again(future)
        return self

    def enter_again(self, future: Any) -> None:
        """Be as the future is, in another execution than the one that made it.

        (A library that is not watched keeps it.)  The name is the same in all later ones.
        """
        if not self.serial:
            self.serial = next(_serials)
        self.number = KEPT + self.serial
        self._enter(machine.naming.object(("kept", "Future", self.serial), "Future"))
        self.agree(future)

    def _enter(self, shared: SharedObject) -> None:
        self.epoch = machine.epoch
        self.shared = shared
        self.done = shared.location(STATE)
        self.start = shared.location(START)
        self.observers: set[ThreadId] = set()
        """Threads that know that the future is done."""
        self.is_private = False
        """Nobody but the running thread knows of the future so far."""
        self.waiters: list[Waiter] = []
        self.channel: Channel | None = None
        self.callbacks = 0
        """How many functions are to be called when it is done."""
        self.condition: Any = None
        """See `future_condition`."""
        self.clock = 0.0
        self.retrieved = False
        self.thread = ""
        self.error: BaseException = RuntimeError()

    def agree(self, future: Any) -> None:
        """Take over the state that somebody has given the future past its methods."""
        self.seen = state = future._state
        self.done.state = state if state in DONE else PENDING
        self.start.state = state if state in (RUNNING, CANCELLED) else PENDING

    @property
    def live(self) -> bool:
        """Whether the execution that made the future is under way."""
        return machine.active and self.epoch == machine.epoch

    def looking(self, kind: str, *places: Location) -> Operation:
        """An operation that looks at `places`."""
        return operation(self.shared, kind, *[(place, READ) for place in places])

    def known(self) -> bool:
        """Whether the running thread knows already that the future is done."""
        return not self.live or machine.current.tid in self.observers

    def observed(self) -> None:
        """The running thread has seen that the future is done."""
        current = machine.current
        self.observers.add(current.tid)
        current.clock = max(current.clock, self.clock)

    def completion(self, kind: str) -> Operation:
        """The operation by which the future is done; it concerns those who wait for it as well."""
        if not self.waiters and self.channel is None:
            return operation(self.shared, kind, (self.done, WRITE))
        accesses: list[Access] = [(self.done, WRITE)]
        for waiter in self.waiters:
            accesses += [(place, WRITE) for place in waiter.places(kind)]
        if self.channel is not None:
            accesses.append((self.channel.place, READ))
        key = tuple(place for place, _ in accesses)
        return operation(self.shared, kind, *accesses, key=key)


class Waiter(Protocol):
    """Somebody who wants to know of several futures."""

    def places(self, kind: str, /) -> tuple[Location, ...]:
        """What a completion of this kind changes for the one who waits."""

    def hear_of(self, future: Any, /) -> None:
        """`future` is settled."""


class Channel:
    """How results get to their futures, if it may be closed before they do."""

    def __init__(self, place: Location) -> None:
        self.place = place
        self.is_open = True


def model_of(future: Any) -> Model | None:
    """The model of a future; None for one that has had no part in any execution."""
    found: Model | None = future.__dict__.get("_model")
    if machine.active:
        if found is None:
            found = future._model = Model.of_kept(future, object.__hash__(future))
        elif found.epoch != machine.epoch:
            found.enter_again(future)
        elif found.seen is not future._state:
            found.agree(future)
    return found


# -- methods of Future ---------------------------------------------------------------------------

_Future = concurrent.futures.Future
_original: Final[dict[str, Callable[..., Any]]] = {
    name: getattr(_Future, name)
    for name in (
        "__init__", "__repr__", "add_done_callback", "cancel", "cancelled", "done", "exception",
        "result", "running", "set_exception", "set_result", "set_running_or_notify_cancel",
        "_invoke_callbacks",
    )
}  # fmt: skip


def _init(self: Any) -> None:
    if not machine.active:
        _original["__init__"](self)
        return
    self._state = PENDING
    self._result = None
    self._exception = None
    self._waiters = []
    self._done_callbacks = []
    self._model = Model(self)


def _repr(self: Any) -> str:
    if "_model" not in self.__dict__:
        return str(_original["__repr__"](self))
    state = "cancelled" if self._state == NOTIFIED else self._state.lower()
    if state == "finished":
        error = self._exception
        outcome = "returned" if error is None else "raised"
        what = type(self._result if error is None else error).__name__
        state = f"{state} {outcome} {what}"
    return f"<{type(self).__name__} at {id(self):#x} state={state}>"


def _hash(self: Any) -> int:
    model: Model | None = self.__dict__.get("_model")
    return object.__hash__(self) if model is None else model.hash


def _cancel(self: Any) -> bool:
    model = model_of(self)
    if model is None:
        return bool(_original["cancel"](self))
    if model.known():
        return self._state in (CANCELLED, NOTIFIED)
    cancelling = operation(model.shared, "cancel", (model.start, WRITE), (model.done, WRITE))

    def decide() -> Operation:
        if self._state == PENDING:
            return cancelling
        return model.looking("failed cancel", model.start)

    if machine.turn(cancelling, decide, self) is not cancelling:
        return self._state in (CANCELLED, NOTIFIED)
    self._state = model.seen = model.done.state = model.start.state = CANCELLED
    if model.live:
        model.observed()
    self._invoke_callbacks()
    return True


def _cancelled(self: Any) -> bool:
    model = model_of(self)
    if model is None:
        return bool(_original["cancelled"](self))
    _look(self, model, "cancelled")
    return self._state in (CANCELLED, NOTIFIED)


def _running(self: Any) -> bool:
    model = model_of(self)
    if model is None:
        return bool(_original["running"](self))
    if not model.known():
        machine.sync(model.looking("running", model.start, model.done), self)
    return bool(self._state == RUNNING)


def _done(self: Any) -> bool:
    model = model_of(self)
    if model is None:
        return bool(_original["done"](self))
    _look(self, model, "done")
    return self._state in DONE


def _look(self: Any, model: Model, kind: str) -> None:
    if not model.known():
        machine.sync(model.looking(kind, model.done), self)
        if self._state in DONE:
            model.observed()


def _result(self: Any, timeout: float | None = None) -> Any:
    model = model_of(self)
    if model is None:
        return _original["result"](self, timeout)
    _await(self, model, "result", timeout)
    if self._state in (CANCELLED, NOTIFIED):
        raise _base.CancelledError
    if self._exception is None:
        return self._result
    model.retrieved = True
    try:
        raise self._exception
    finally:
        # The traceback of the exception refers to this frame, and the frame to the exception.
        del self


def _exception(self: Any, timeout: float | None = None) -> BaseException | None:
    model = model_of(self)
    if model is None:
        found: BaseException | None = _original["exception"](self, timeout)
        return found
    _await(self, model, "exception", timeout)
    if self._state in (CANCELLED, NOTIFIED):
        raise _base.CancelledError
    model.retrieved = True
    error: BaseException | None = self._exception
    return error


def _await(self: Any, model: Model, kind: str, timeout: float | None) -> None:
    if model.known():
        return
    duration = timeouts.of_wait(timeout)
    if machine.tries(duration):
        success, failure = model.looking(kind, model.done), model.looking("done", model.done)
        if not machine.attempt(success, failure, lambda: self._state in DONE, self, duration):
            raise TimeoutError
    else:
        waiting = operation(model.shared, kind, (model.done, READ), guards=((model.done, is_done),))
        if not machine.sync(waiting, self, duration):
            raise TimeoutError
    model.observed()


def _add_done_callback(self: Any, fn: Callable[[Any], object]) -> None:
    model = model_of(self)
    if model is None:
        _original["add_done_callback"](self, fn)
        return
    if not model.is_private:
        _look(self, model, "add_done_callback")
    if self._state not in DONE:
        self._done_callbacks.append(fn)
        model.callbacks += 1
        return
    _call_back(self, fn)


def _call_back(self: Any, fn: Callable[[Any], object]) -> None:
    try:
        fn(self)
    except Exception as error:
        # Whoever calls back, in the end or at once, the traceback that is logged is the same.
        record.hide_own_frames(error)
        _base.LOGGER.exception("exception calling callback for %r", self)


def _invoke_callbacks(self: Any) -> None:
    if model_of(self) is None:
        _original["_invoke_callbacks"](self)
        return
    for callback in self._done_callbacks:
        _call_back(self, callback)


def _set_running_or_notify_cancel(self: Any) -> bool:
    model = model_of(self)
    if model is None:
        return bool(_original["set_running_or_notify_cancel"](self))
    running = operation(model.shared, "run", (model.start, WRITE))

    def decide() -> Operation:
        if self._state == CANCELLED:
            return model.completion("notice cancel")
        return running

    if model.live:
        machine.turn(running, decide, self)
    if self._state == CANCELLED:
        self._state = model.seen = model.done.state = NOTIFIED
        _tell_waiters(self, model)
        return False
    if self._state != PENDING:
        _base.LOGGER.critical("Future %s in unexpected state: %s", id(self), self._state)
        raise RuntimeError("Future in unexpected state")
    self._state = model.seen = model.start.state = RUNNING
    return True


def _set_result(self: Any, result: Any) -> None:
    model = model_of(self)
    if model is None:
        _original["set_result"](self, result)
        return
    if _complete(self, model, "set_result"):
        self._result = result
        _announce(self, model)


def _set_exception(self: Any, exception: BaseException | None) -> None:
    model = model_of(self)
    if model is None:
        _original["set_exception"](self, exception)
        return
    if not _complete(self, model, "set_exception"):
        return
    self._exception = exception
    if exception is not None and model.live:
        record.hide_own_frames(exception)
        model.error = exception
        model.thread = machine.current.name
        record.current.failed.append(model)
    _announce(self, model)


def _complete(self: Any, model: Model, kind: str) -> bool:
    """Take the turn to complete a future; False if its result gets lost on the way."""
    channel = model.channel

    def decide() -> Operation:
        if self._state in DONE:
            return model.looking(f"failed {kind}", model.done)
        if channel is not None and not channel.is_open:
            return model.looking(f"lost {kind}", channel.place)
        return model.completion(kind)

    if model.live:
        machine.turn(operation(model.shared, kind, (model.done, WRITE)), decide, self)
    if self._state in DONE:
        raise _base.InvalidStateError(f"{self._state}: {self!r}")
    return channel is None or channel.is_open


def _announce(self: Any, model: Model) -> None:
    self._state = model.seen = model.done.state = FINISHED
    model.clock = machine.current.clock
    _tell_waiters(self, model)
    self._invoke_callbacks()


def _tell_waiters(self: Any, model: Model) -> None:
    for waiter in model.waiters:
        waiter.hear_of(self)


METHODS: Final[dict[str, Callable[..., Any]]] = {
    "__init__": _init,
    "__repr__": _repr,
    "__hash__": _hash,
    "_invoke_callbacks": _invoke_callbacks,
    "add_done_callback": _add_done_callback,
    "cancel": _cancel,
    "cancelled": _cancelled,
    "done": _done,
    "exception": _exception,
    "result": _result,
    "running": _running,
    "set_exception": _set_exception,
    "set_result": _set_result,
    "set_running_or_notify_cancel": _set_running_or_notify_cancel,
}
"""What replaces methods of `Future` while a program is explored."""


# -- waiting for several -------------------------------------------------------------------------


class FirstOf:
    """Somebody waits for the first of several futures to be done, or to fail."""

    def __init__(self, futures: list[Any], failures_only: bool) -> None:
        self.shared = machine.objects.numbered(machine.current.tid, "Future")
        self.place = self.shared.location(STATE)
        self.place.state = (0, 0, len(futures))
        self.failures_only = failures_only
        for future in futures:
            future._model.waiters.append(self)

    def places(self, kind: str, /) -> tuple[Location, ...]:
        """See `Waiter`."""
        return (self.place,)

    def hear_of(self, future: Any, /) -> None:
        """See `Waiter`."""
        settled, failed, left = self.place.state
        failed += future._state == FINISHED and future._exception is not None
        self.place.state = (settled + 1, failed, left - 1)

    def wait(self, timeout: float | None) -> None:
        """Wait until it is so far."""
        guard = one_failed if self.failures_only else one_settled
        place = self.place
        if machine.tries(timeout):
            looking = operation(self.shared, "wait", (place, READ), key="at once")
            machine.attempt(looking, looking, lambda: guard(place.state, 0), self, timeout)
        else:
            waiting = operation(
                self.shared, "wait", (place, READ), guards=((place, guard),), key=guard
            )
            machine.sync(waiting, self, timeout)


def one_settled(state: Any, _: ThreadId) -> bool:
    """Guard of `wait(..., FIRST_COMPLETED)`."""
    return bool(state[0])


def one_failed(state: Any, _: ThreadId) -> bool:
    """Guard of `wait(..., FIRST_EXCEPTION)`."""
    return bool(state[1]) or not state[2]


class InOrder:
    """Somebody takes several futures in the order in which they are done.

    The order is one place, and that there is an n-th is a place for each n: so the one who takes
    the first is not concerned by the second.
    """

    def __init__(self, futures: list[Any]) -> None:
        self.shared = machine.objects.numbered(machine.current.tid, "Future")
        self.order = self.shared.location(STATE)
        self.settled: deque[Any] = deque()
        """Those that are done, and have not been taken yet."""
        self._count = 0
        self._given_up = False
        for number in range(len(futures)):
            self.shared.location(number).state = False
        for future in futures:
            future._model.waiters.append(self)

    def places(self, kind: str, /) -> tuple[Location, ...]:
        """See `Waiter`."""
        return (self.order, self.shared.location(self._count))

    def hear_of(self, future: Any, /) -> None:
        """See `Waiter`."""
        self.shared.location(self._count).state = True
        self._count += 1
        if not self._given_up:
            self.settled.append(future)

    def give_up(self) -> None:
        """Nobody takes any more."""
        self._given_up = True
        self.settled.clear()

    def wait(self, number: int, timeout: float | None) -> bool:
        """Wait for the future that is done as this number."""
        place = self.shared.location(number)
        if machine.tries(timeout):
            looking = operation(self.shared, "wait", (place, READ), key=("at once", number))
            return machine.attempt(looking, looking, lambda: bool(place.state), self, timeout)
        waiting = operation(
            self.shared, "wait", (place, READ), guards=((place, is_there),), key=number
        )
        return machine.sync(waiting, self, timeout)


def is_there(state: Any, _: ThreadId) -> bool:
    """Guard of the n-th step of `as_completed`."""
    return bool(state)


def _looking_at(futures: list[Any], kind: str, guarded: bool) -> Operation:
    places = tuple(future._model.done for future in futures)
    shared = machine.naming.object("futures", "Future")
    guards = tuple((place, is_settled) for place in places) if guarded else ()
    accesses = [(place, READ) for place in places]
    return operation(shared, kind, *accesses, guards=guards, key=(guarded, places))


def _settled(futures: list[Any]) -> bool:
    return all(future._model.done.state in SETTLED for future in futures)


def _sorted(futures: Iterable[Any]) -> list[Any]:
    """The futures once each, in an order that is the same in every execution."""
    return sorted(set(futures), key=lambda future: future._model.number)


def _are_live(futures: Iterable[Any]) -> bool:
    models = [model_of(future) for future in futures]
    return machine.active and all(model is not None and model.live for model in models)


def _is_known_to_be_settled(future: Any) -> bool:
    # That a future was cancelled does not tell whether its worker has noticed.
    return bool(future._state == FINISHED and future._model.known())


_original_wait = _base.wait
_original_as_completed = _base.as_completed


def wait(
    fs: Iterable[Any], timeout: float | None = None, return_when: str = "ALL_COMPLETED"
) -> Any:
    """`concurrent.futures.wait`."""
    everything = set(fs)
    if not _are_live(everything):
        return _original_wait(everything, timeout, return_when)
    futures = _sorted(everything)
    duration = timeouts.of_wait(timeout)
    if not all(map(_is_known_to_be_settled, futures)):
        if return_when == concurrent.futures.ALL_COMPLETED:
            if machine.tries(duration):
                looking = _looking_at(futures, "wait", guarded=False)
                machine.attempt(looking, looking, lambda: _settled(futures), futures, duration)
            else:
                looking = _looking_at(futures, "wait", guarded=True)
                machine.sync(looking, futures, duration)
        else:
            machine.sync(_looking_at(futures, "wait", guarded=False), futures)
            _wait_for_first(futures, duration, return_when)
    done = {future for future in futures if future._state in SETTLED}
    for future in done:
        future._model.observed()
    return _base.DoneAndNotDoneFutures(done, everything - done)


def _wait_for_first(futures: list[Any], duration: float | None, return_when: str) -> None:
    left = [future for future in futures if future._state not in SETTLED]
    failures_only = return_when == concurrent.futures.FIRST_EXCEPTION
    if failures_only:
        enough = any(f._state == FINISHED and f._exception is not None for f in futures)
    else:
        enough = len(left) < len(futures)
        if return_when != concurrent.futures.FIRST_COMPLETED and left:
            raise ValueError(f"Invalid return condition: {return_when!r}")
    if left and not enough and duration != 0:
        FirstOf(left, failures_only).wait(duration)


def as_completed(fs: Iterable[Any], timeout: float | None = None) -> Iterator[Any]:
    """`concurrent.futures.as_completed`."""
    everything = set(fs)
    if not _are_live(everything):
        yield from _original_as_completed(everything, timeout)
        return
    futures = _sorted(everything)
    total = len(futures)
    end = None if timeout is None else machine.current.clock + timeout
    if not all(map(_is_known_to_be_settled, futures)):
        machine.sync(_looking_at(futures, "as_completed", guarded=False), futures)
    settled = deque(future for future in futures if future._state in SETTLED)
    left = [future for future in futures if future._state not in SETTLED]
    waiter = InOrder(left) if left else None
    remaining = len(left)
    # From here on nothing here keeps alive a future that has been handed out.
    del fs, everything, futures, left
    try:
        while settled:
            yield _observed(settled.popleft())
        for number in range(remaining):
            assert waiter is not None
            duration = None if end is None else end - machine.current.clock
            if (duration is not None and duration < 0) or not waiter.wait(number, duration):
                raise TimeoutError(f"{remaining - number} (of {total}) futures unfinished")
            yield _observed(waiter.settled.popleft())
    finally:
        if waiter is not None:
            waiter.give_up()


def _observed(future: Any) -> Any:
    future._model.observed()
    return future
