"""Ways out of the simulated world: what a program may do that no simulation can follow.

Such an attempt ends the execution with an explanation instead of doing something real, many times
over and in the middle of somebody's search.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any, Final, NoReturn

from raceproof.world import record
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


def give_up(error: OutOfControl) -> NoReturn:
    """End the execution because of `error`."""
    machine.conclude(UNCONTROLLED, str(error))
    raise AssertionError


def exit_at_once(status: int) -> NoReturn:
    """`os._exit`: no thread does anything more, and nothing is cleaned up."""
    if not machine.active:
        _real_exit(status)
    present = record.current
    present.status = status
    present.exit = "ok" if status == 0 else f"SystemExit: {status}"
    machine.conclude("exit", str(status))
    raise AssertionError


_real_exit: Final = os._exit


def refuse(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    """Stands for a function that makes a process; those cannot be taken back."""

    def refused(*args: Any, **kwargs: Any) -> Any:
        if machine.active:
            raise NotControlled(f"{name}() makes a process, which raceproof cannot control")
        return original(*args, **kwargs)

    refused.__name__ = name.rpartition(".")[2]
    return refused


class Signals:
    """`signal`: handlers can be set and read, but no signal comes while a program is explored."""

    def __init__(self) -> None:
        self._handlers: dict[int, Any] = {}
        self._signal = signal.signal
        self._getsignal = signal.getsignal

    def reset(self) -> None:
        """Forget the handlers of the last execution."""
        self._handlers.clear()

    def signal(self, signalnum: int, handler: Any) -> Any:
        """`signal.signal`."""
        if not machine.active:
            return self._signal(signalnum, handler)
        if machine.current.path != ():
            raise ValueError("signal only works in main thread of the main interpreter")
        if not callable(handler) and handler not in (signal.SIG_DFL, signal.SIG_IGN):
            raise TypeError(
                "signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object"
            )
        signal.Signals(signalnum)
        previous = self.getsignal(signalnum)
        self._handlers[int(signalnum)] = handler
        return previous

    def getsignal(self, signalnum: int) -> Any:
        """`signal.getsignal`."""
        if machine.active and int(signalnum) in self._handlers:
            return self._handlers[int(signalnum)]
        if machine.active and signalnum == signal.SIGINT:
            # What is really installed there belongs to raceproof.
            return signal.default_int_handler
        return self._getsignal(signalnum)

    def replacements(self) -> dict[str, Any]:
        """The functions of the module `signal` that are replaced."""
        return {"signal": self.signal, "getsignal": self.getsignal}
