"""Switching between threads of execution: one runs, the others stand still until it hands over.

A fiber is the stack of one virtual thread.  Here it is a greenlet: a switch costs a fraction of a
microsecond and all fibers share one OS thread, so nothing runs that was not told to.  Fibers are
used again and again; each waits, between two bodies, at the same shallow depth of the stack, so
that a body has the whole recursion limit for itself wherever it is started from.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any, Final

import greenlet

BATCH: Final = 16
"""Fibers made at a time."""


class ExecutionAbandoned(BaseException):
    """Unwinds the stacks of threads that are still alive when an execution is over.

    A BaseException, so that `except Exception` in the program under test does not stop it.
    """


class Hub:
    """The stack that starts executions, and to which their end returns; it owns the fibers."""

    __slots__ = ("_customer", "_idle", "error", "greenlet", "stubborn", "switch")

    def __init__(self) -> None:
        self.greenlet = greenlet.getcurrent()
        self.switch: Callable[[], Any] = self.greenlet.switch
        """Go back to the hub."""
        self.error: BaseException | None = None
        """What came out of a fiber and is not the program's doing."""
        self.stubborn: list[Fiber] = []
        """Fibers that could not be unwound.  They are kept: dropping one would try again."""
        self._idle: list[Fiber] = []
        self._customer: Callable[[], Any] | None = None
        """Who waits for more fibers."""

    def fiber(self, body: Callable[[], None]) -> Fiber:
        """A fiber that runs `body` once it is first switched to."""
        if not self._idle:
            # Made here and now, a fiber would be as deep in the stack as the caller for ever.
            self._customer = greenlet.getcurrent().switch
            self.switch()
        found = self._idle.pop()
        found.assign(body)
        return found

    def serve(self, fiber: Fiber) -> None:
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

    def take_back(self, fiber: Fiber) -> None:
        """The body of `fiber` is over or was abandoned: keep the fiber for another."""
        if fiber.idle:
            self._idle.append(fiber)
        else:
            self.stubborn.append(fiber)


class Fiber:
    """A stack that runs one body after the other."""

    __slots__ = ("_body", "_greenlet", "_hub", "_next", "idle", "switch")

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._body: Callable[[], None] | None = None
        self._greenlet = greenlet.greenlet(self._live, hub.greenlet)
        self._next: Callable[[], Any] = hub.switch
        self.switch: Callable[[], Any] = self._greenlet.switch
        """Go on in this fiber; returns when somebody switches back to the caller.

        A method of C: it cannot fail for want of stack when the state says it has switched.
        """
        self.idle = True

    def settled(self) -> Fiber:
        """Take up the waiting position, once and for all."""
        self.switch()
        return self

    def assign(self, body: Callable[[], None]) -> None:
        """The next switch to this fiber starts `body`, in a context of its own."""
        self._body = body
        self.idle = False
        self._greenlet.gr_context = contextvars.Context()

    def continue_into(self, successor: Fiber) -> None:
        """When the body of this fiber returns, go on in `successor` (default: the hub)."""
        self._next = successor.switch

    def abandon(self) -> None:
        """Unwind the body with `ExecutionAbandoned` and come back to the hub."""
        self._next = self._hub.switch
        if self._body is not None:  # not begun
            self._body = None
            self.idle = True
        elif not self.idle:
            self._greenlet.throw(ExecutionAbandoned())

    def _live(self) -> None:
        while True:
            if self._body is None:
                following, self._next = self._next, self._hub.switch
                following()
            body, self._body = self._body, None
            if body is None:
                continue
            try:
                body()
            except ExecutionAbandoned:
                self._next = self._hub.switch
            except BaseException as error:
                self._hub.error = error
                self._next = self._hub.switch
            self.idle = True
