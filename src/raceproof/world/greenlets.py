"""Fibers that are greenlets: a switch costs a fraction of a microsecond.

All of them share one thread of the operating system, so nothing runs that was not told to.  They
are used again and again; each waits, between two bodies, at the same shallow depth of the stack,
so that a body has the whole recursion limit for itself wherever it is started from.
"""

from __future__ import annotations

import contextvars
from _thread import get_ident  # by name: that of the real thread
from collections.abc import Callable
from typing import Any, Final

import greenlet

from raceproof.world import fibers
from raceproof.world.fibers import ExecutionAbandoned

BATCH: Final = 16
"""Fibers made at a time."""


class Hub(fibers.Hub):
    """The greenlet that starts executions."""

    __slots__ = ("_customer", "_ident", "_idle", "_outside", "greenlet")

    def __init__(self) -> None:
        super().__init__()
        self.greenlet = greenlet.getcurrent()
        self.switch = self.greenlet.switch
        self._ident = get_ident()
        self._idle: list[Fiber] = []
        self._outside: Any = None
        """Who is told of switches besides."""
        self._customer: Callable[[], Any] | None = None
        """Who waits for more fibers."""
        self.stock(BATCH)

    @property
    def obstructs_exit(self) -> bool:
        """What is left of a greenlet is thrown an exception at the end, which it may swallow."""
        return bool(self.stubborn)

    @property
    def is_here(self) -> bool:
        """Whether whoever asks runs on the stack of the hub."""
        return bool(self.greenlet is greenlet.getcurrent())

    @property
    def ident(self) -> int:
        """The thread that all of them share."""
        return self._ident

    def fiber(self, body: Callable[[], None], number: int) -> Fiber:
        """A fiber that runs `body`; one is as good as another."""
        if not self._idle:
            # Made here and now, a fiber would be as deep in the stack as the caller for ever.
            self._customer = greenlet.getcurrent().switch
            self.switch()
        found = self._idle.pop()
        found.assign(body)
        return found

    def serve(self, fiber: fibers.Fiber) -> None:
        """Run `fiber` until the execution is over, making more fibers when they run out."""
        fiber.switch()
        while self._customer is not None:
            customer, self._customer = self._customer, None
            self.stock(BATCH)
            customer()

    def stock(self, count: int) -> None:
        """Have `count` fibers in store, made at the depth of the caller, who must be the hub."""
        while len(self._idle) < count:
            self._idle.append(Fiber(self).settled())

    def take_back(self, fiber: fibers.Fiber) -> None:
        """Keep `fiber` for another body, if it is free."""
        if fiber.idle:
            assert isinstance(fiber, Fiber)
            self._idle.append(fiber)
        else:
            self.stubborn.append(fiber)

    def break_in(self) -> None:
        """The signal handler that calls this runs on top of the body itself."""
        raise ExecutionAbandoned

    def on_switch(self, hear: Callable[[], None] | None) -> bool:
        """They share everything that is kept for a thread."""
        if hear is None:
            greenlet.settrace(self._outside)
        else:
            self._outside = greenlet.settrace(lambda event, fibers: hear())
        return True

    def close(self) -> None:
        """They cost next to nothing: they stay."""


class Fiber(fibers.Fiber):
    """A greenlet that runs one body after the other."""

    __slots__ = ("_greenlet",)

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self.stack = self._greenlet = greenlet.greenlet(self._live, hub.greenlet)
        # The program may have greenlets, too.
        self.current = greenlet.getcurrent
        # A method of C: it cannot fail for want of stack when the state says it has switched.
        self.switch = self._greenlet.switch

    def settled(self) -> Fiber:
        """Take up the waiting position, once and for all."""
        self.switch()
        return self

    def assign(self, body: Callable[[], None]) -> None:
        """The next switch to this fiber starts `body`, in a context of its own."""
        self._body = body
        self.idle = False
        self._greenlet.gr_context = contextvars.Context()

    def _unwind(self) -> None:
        self._greenlet.throw(ExecutionAbandoned())
