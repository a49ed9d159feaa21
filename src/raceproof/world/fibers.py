"""Switching between threads of execution: one runs, the others stand still until it hands over.

A fiber is the stack of one virtual thread.  What carries it, a greenlet or a thread of the
operating system, is the business of `greenlets` and `os_threads`; what a fiber does is the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any


class ExecutionAbandoned(BaseException):
    """Unwinds the stacks of threads that are still alive when an execution is over.

    A BaseException, so that `except Exception` in the program under test does not stop it.
    """


class OutOfFibers(Exception):
    """The operating system has no more stacks to give; the message says what to do."""


class Hub(ABC):
    """The stack that starts executions, and to which their end returns; it owns the fibers."""

    __slots__ = ("error", "stubborn", "switch")

    switch: Callable[[], Any]
    """Go back to the hub, from a fiber."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        """What came out of a fiber and is not the program's doing."""
        self.stubborn: list[Fiber] = []
        """Fibers that could not be unwound.  They are kept: dropping one would try again."""

    @property
    @abstractmethod
    def obstructs_exit(self) -> bool:
        """Whether fibers that could not be unwound would not let the interpreter end."""

    @property
    @abstractmethod
    def is_here(self) -> bool:
        """Whether whoever asks runs on the stack of the hub."""

    @property
    @abstractmethod
    def ident(self) -> int:
        """The thread of the operating system that the hub, or whichever fiber runs, runs in."""

    @abstractmethod
    def fiber(self, body: Callable[[], None], number: int) -> Fiber:
        """A fiber that runs `body` once it is first switched to.

        Bodies of the same number get the same fiber in every execution, where that matters.
        Raises `OutOfFibers`.
        """

    @abstractmethod
    def serve(self, fiber: Fiber) -> None:
        """Run `fiber` until the execution is over."""

    @abstractmethod
    def take_back(self, fiber: Fiber) -> None:
        """The body of `fiber` is over or was abandoned: keep the fiber for another."""

    @abstractmethod
    def break_in(self) -> None:
        """Have the running body raise `ExecutionAbandoned` wherever it is.

        For signal handlers, when the body does not come back by itself.
        """

    @abstractmethod
    def on_switch(self, hear: Callable[[], None] | None) -> bool:
        """Have `hear` called whenever another fiber goes on, before it does; None: no longer.

        Only if fibers share a thread of the operating system; returns whether they do.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of the fibers that are kept; there will be no more executions."""


class Fiber(ABC):
    """A stack that runs one body after the other."""

    __slots__ = ("_body", "_hub", "_next", "current", "idle", "stack", "switch")

    switch: Callable[[], Any]
    """Go on in this fiber; returns when somebody switches back to the caller."""
    current: Callable[[], object]
    """Tells on which stack the caller runs, where that is not for the fibers alone to decide."""
    stack: object
    """What `current` tells in this fiber."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._body: Callable[[], None] | None = None
        self._next: Callable[[], Any] = hub.switch
        self.idle = True

    @abstractmethod
    def assign(self, body: Callable[[], None]) -> None:
        """The next switch to this fiber starts `body`, in a context of its own."""

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
            self._unwind()

    @abstractmethod
    def _unwind(self) -> None:
        """Raise `ExecutionAbandoned` where the body stands, and come back to the hub."""

    def _live(self) -> None:
        """What runs on the stack."""
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
