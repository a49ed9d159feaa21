"""Fibers that are threads of the operating system, of which only one ever runs.

The right to run is a baton: each thread waits for a lock of its own, and whoever runs hands over by
releasing the lock of the next.  All that the threads share is written by the one that has the
baton and read by the next that gets it, so this needs no global interpreter lock.
"""

from __future__ import annotations

import contextvars
import sys
import threading
from _thread import (  # by name: while a program is explored, they stand for something else
    allocate_lock,
    get_ident,
    start_new_thread,
)
from collections.abc import Callable
from functools import partial
from operator import call
from typing import Any, Final

from raceproof.world import fibers
from raceproof.world.fibers import ExecutionAbandoned, OutOfFibers
from raceproof.world.surroundings import Tracing, stack_size

_LockType: Final[Any] = type(allocate_lock())
_acquire, _release, _locked = _LockType.acquire, _LockType.release, _LockType.locked
"""By value, and so in C: while a program is explored, the methods of locks are others."""

GLANCE: Final = 1.0
"""Seconds after which the hub looks up from waiting.

Signals are handled in the hub's thread, and not every system wakes it for one.
"""


class Retired(BaseException):
    """Ends a thread that is not needed any more."""


class Hub(fibers.Hub):
    """The thread that starts executions; while they run, it waits, and handles signals."""

    __slots__ = ("_fibers", "_ident", "_raise_in", "baton", "running", "trace")

    def __init__(self) -> None:
        super().__init__()
        self._ident = get_ident()
        self._fibers: dict[int, Fiber] = {}
        """By number, those that wait for a body.

        What libraries keep for a thread of the system stays with it; so that this is the same in
        every execution, a virtual thread has the same one each time.
        """
        self._raise_in = _raiser()
        self.baton = _taken_lock()
        self.running: Fiber | None = None
        """Who has the baton; None: the hub."""
        self.trace: Any = None
        """The trace function that threads begin with, that of a debugger for instance."""
        self.switch = self._return

    @property
    def obstructs_exit(self) -> bool:
        """The interpreter does not wait for these threads, and they wait without the GIL."""
        return False

    @property
    def is_here(self) -> bool:
        """Whether whoever asks runs in the thread of the hub."""
        return self._ident == get_ident()

    @property
    def ident(self) -> int:
        """The thread that has the baton."""
        running = self.running
        return self._ident if running is None else running.ident

    def fiber(self, body: Callable[[], None], number: int) -> Fiber:
        """The fiber of this number, which runs `body` next."""
        found = self._fibers.pop(number, None)
        if found is not None and not found.is_like_new:
            found.retire()
            found = None
        if found is None:
            found = Fiber(self, number)
        found.assign(body)
        return found

    def serve(self, fiber: fibers.Fiber) -> None:
        """Run `fiber` until the execution is over."""
        assert isinstance(fiber, Fiber)
        self.trace = threading.gettrace() or sys.gettrace()
        self.run(fiber)

    def take_back(self, fiber: fibers.Fiber) -> None:
        """Keep `fiber` for another body, if it is free."""
        assert isinstance(fiber, Fiber)
        if fiber.idle and not fiber.broken_in:
            self._fibers[fiber.number] = fiber
        else:
            self.stubborn.append(fiber)

    def run(self, fiber: Fiber) -> None:
        """Hand the baton to `fiber`, and wait until it is back (called by the hub)."""
        steps = (partial(_release, fiber.baton), partial(_acquire, self.baton, True, GLANCE))
        done: list[bool | None] = []
        """What the steps that were taken have returned."""
        late: BaseException | None = None
        while done[-1:] != [True]:
            try:
                if not done:
                    self.running = fiber
                while done[-1:] != [True]:
                    # In C as a whole: what a signal handler raises cannot come between a step and
                    # the note that it was taken.
                    done.extend(map(call, steps[len(done) :]))
                    if done[-1] is False:
                        done.pop()
            except BaseException as error:
                if not done:
                    self.running = None
                    raise
                if self.running is None or not self._pass_on(type(error)):
                    late = error  # the baton is back, or on its way
        if late is not None:
            raise late

    def _return(self) -> None:
        """Hand the baton to the hub, and wait until it is back (called by a fiber)."""
        assert self.running is not None
        self.running.hand_over(None, self.baton)

    def break_in(self) -> None:
        """This thread only handles the signal; the one that runs is told."""
        if self.running is None:
            raise ExecutionAbandoned
        self._pass_on(ExecutionAbandoned)

    def _pass_on(self, kind: type[BaseException]) -> bool:
        """Have the running thread raise `kind` as soon as it executes Python code."""
        running = self.running
        if running is None or self._raise_in is None:
            return False
        running.broken_in = True
        self._raise_in(running.ident, kind)
        return True

    def close(self) -> None:
        """Let the threads that wait for a body come to their end."""
        while self._fibers:
            self._fibers.popitem()[1].retire()


class Fiber(fibers.Fiber):
    """A thread that runs one body after the other."""

    __slots__ = (
        "_raising", "_stack_size", "_trace", "baton", "broken_in", "hub", "ident", "number",
    )  # fmt: skip

    def __init__(self, hub: Hub, number: int) -> None:
        super().__init__(hub)
        self.hub = hub
        self.number = number
        self.baton = _taken_lock()
        self.broken_in = False
        """Something was raised here from outside, which may still be on its way."""
        self._raising: type[BaseException] | None = None
        """What to raise when the baton comes."""
        self._trace: Any = None
        self._stack_size = stack_size()
        self.stack = None
        self.current = _nothing
        self.switch = self._go_on
        try:
            self.ident = start_new_thread(self._main, ())
        except RuntimeError as error:
            raise OutOfFibers(
                f"the system starts no more than {number} threads for raceproof ({error}); "
                "`--threads greenlet` needs none"
            ) from None

    @property
    def is_like_new(self) -> bool:
        """Whether a thread that is started now would not be a different one."""
        return self._stack_size == stack_size()

    def assign(self, body: Callable[[], None]) -> None:
        """The next switch to this fiber starts `body`, in a context of its own."""
        self._body = partial(self._carry, body)
        self._raising = None
        self.idle = False

    def retire(self) -> None:
        """Have the thread, which waits for a body, come to its end; nobody waits for that."""
        self._raising = Retired
        _release(self.baton)

    def hand_over(self, successor: Fiber | None, baton: Any) -> None:
        """Let `successor` (None: the hub) go on; wait for the baton (called in this thread)."""
        mine = self.baton
        # If the stack is too full for what follows, then nothing has happened yet.
        _locked(mine)
        try:
            self.hub.running = successor
            _release(baton)
        finally:
            # Also if something is raised from outside in between: two must not run.
            _acquire(mine)
        if self._raising is not None:
            raise self._raising

    def _go_on(self) -> None:
        """Hand the baton to this fiber, and wait until it is back (called by another)."""
        me = self.hub.running
        assert me is not None
        me.hand_over(self, self.baton)

    def _unwind(self) -> None:
        self._raising = ExecutionAbandoned
        self.hub.run(self)

    def _carry(self, body: Callable[[], None]) -> None:
        trace = self.hub.trace
        if trace is not self._trace:
            self._trace = trace
            sys.settrace(trace)
        # What measures or debugs this thread may exchange its function for another one.
        tracing = Tracing() if trace is None else None
        try:
            contextvars.Context().run(body)
        finally:
            if tracing is not None:
                tracing.restore()

    def _main(self) -> None:
        try:
            _acquire(self.baton)
            if self._raising is None:
                self._live()
        except Retired:
            return
        except BaseException as error:
            # Raised from outside, but too late: the body was over.
            hub = self.hub
            if hub.running is self:
                if not isinstance(error, ExecutionAbandoned):
                    hub.error = error
                hub.running = None
                _release(hub.baton)


def _nothing() -> None:
    """A thread is where it is."""


def _taken_lock() -> Any:
    lock = allocate_lock()
    _acquire(lock)
    return lock


def _raiser() -> Callable[[int, type[BaseException]], object] | None:
    """What has a thread raise an exception; None if this Python cannot do that."""
    try:
        from ctypes import c_ulong, py_object, pythonapi
    except ImportError:
        return None
    set_exception = pythonapi.PyThreadState_SetAsyncExc
    return lambda ident, kind: set_exception(c_ulong(ident), py_object(kind))
