"""Ways out of the simulated world: what a program may do that no simulation can follow.

Such an attempt ends the execution with an explanation instead of doing something real, many times
over and in the middle of somebody's search.
"""

from __future__ import annotations

import os
from _thread import get_ident  # by name: that of the thread of the operating system
from collections.abc import Callable
from typing import Final, NoReturn

from raceproof.world import record
from raceproof.world.fibers import ExecutionAbandoned
from raceproof.world.scheduler import machine

UNCONTROLLED: Final = "uncontrolled"
"""How an execution ends that tried to leave the simulated world; `Execution.detail` says how."""


class OutOfControl(BaseException):
    """The program needs something that cannot be simulated; the message says what.

    A BaseException, so that `except Exception` in the program under test does not hide it.
    """


class NeedsInput(OutOfControl):
    """The program reads from a terminal."""


class NotControlled(OutOfControl):
    """The program starts something that runs outside of the simulated world."""


class Escape(BaseException):
    """The main thread gives up the whole exploration, because of `reason`.

    It comes out of the session; for those who have put the main thread's body together.
    """

    def __init__(self, reason: BaseException) -> None:
        super().__init__(reason)
        self.reason = reason


def inside() -> bool:
    """Whether it is the program that calls, and not raceproof's own watchdog, say."""
    return machine.active and get_ident() == machine.ident


def common_ident() -> int:
    """A number that all virtual threads have in common, and no thread of raceproof's own."""
    return 0 if inside() else get_ident()


def give_up(error: OutOfControl) -> NoReturn:
    """End the execution because of `error`."""
    if machine.end:
        raise ExecutionAbandoned  # it is being unwound already
    machine.conclude(UNCONTROLLED, str(error))
    raise AssertionError


def decline(message: str) -> NoReturn:
    """The program does something that cannot be controlled.

    Ends the execution at once: `finally` clauses might wait for what is not to be.
    """
    give_up(NotControlled(message))


def exit_at_once(status: int) -> NoReturn:
    """`os._exit`: no thread does anything more, and nothing is cleaned up."""
    if not inside():
        _real_exit(status)
    if machine.end:
        raise ExecutionAbandoned
    present = record.current
    present.status = status
    present.exit = "ok" if status == 0 else f"SystemExit: {status}"
    machine.conclude("exit", str(status))
    raise AssertionError


def leave_process(status: int) -> NoReturn:
    """End the process here and now, whatever it is doing, but for what must not be left undone."""
    for clean_up in before_leaving:
        try:
            clean_up()
        except Exception:
            pass  # there is nobody left to tell
    _real_exit(status)


before_leaving: Final[list[Callable[[], None]]] = []
"""What `leave_process` has to do first."""

_real_exit: Final = os._exit
