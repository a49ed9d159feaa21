"""Switching between threads of execution: one runs, the others stand still until it hands over.

A fiber is the stack of one virtual thread.  Here it is a greenlet: a switch costs a fraction of a
microsecond and all fibers share one OS thread, so nothing runs that was not told to.
"""

from __future__ import annotations

from collections.abc import Callable

import greenlet


class ExecutionAbandoned(BaseException):
    """Unwinds the stacks of threads that are still alive when an execution is over.

    A BaseException, so that `except Exception` in the program under test does not stop it.
    """


class Fiber:
    """A stack that runs `body` once it is first switched to."""

    __slots__ = ("_greenlet",)

    def __init__(self, body: Callable[[], None], hub: Hub) -> None:
        def run(*_: object) -> None:
            body()

        self._greenlet = greenlet.greenlet(run, hub.greenlet)

    def switch(self) -> None:
        """Go on in this fiber; returns when somebody switches back to the caller."""
        self._greenlet.switch()

    def continue_into(self, successor: Fiber | Hub) -> None:
        """When the body of this fiber returns, go on in `successor` (default: the hub)."""
        self._greenlet.parent = (
            successor.greenlet if isinstance(successor, Hub) else successor._greenlet
        )

    def abandon(self, hub: Hub) -> None:
        """Unwind the fiber with `ExecutionAbandoned` and come back."""
        target = self._greenlet
        target.parent = hub.greenlet
        if not target.dead:
            if target:
                target.throw(ExecutionAbandoned())
            else:
                # Never started: throwing into it would run nothing, dropping it is enough.
                return


class Hub:
    """The stack that starts an execution and to which its end returns."""

    __slots__ = ("greenlet",)

    def __init__(self) -> None:
        self.greenlet = greenlet.getcurrent()

    def switch(self) -> None:
        """Go back to the hub."""
        self.greenlet.switch()
