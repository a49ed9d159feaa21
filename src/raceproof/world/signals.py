"""Signals that a program sends to itself: the handler runs, and nobody else hears of it.

A signal interrupts the main thread wherever it is.  That place is known only if it is the main
thread that sends the signal; everything else ends the execution with an explanation.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
from collections.abc import Callable
from errno import EINVAL
from signal import SIGINT
from types import FrameType
from typing import Any, Final

from raceproof.world.exits import decline, inside
from raceproof.world.scheduler import machine

IGNORED: Final = ("SIGCHLD", "SIGCONT", "SIGURG", "SIGWINCH", "SIGINFO", "SIGPWR")
"""Signals that do nothing unless there is a handler."""
IGNORED_BY_PYTHON: Final = ("SIGPIPE", "SIGXFSZ")
UNSTOPPABLE: Final = ("SIGKILL", "SIGSTOP")

WAITING: Final = ("pause", "sigwait", "sigwaitinfo", "sigtimedwait")
"""Functions that wait for a signal."""
FUNCTIONS: Final[dict[Any, tuple[str, ...]]] = {
    signal: (
        "signal", "getsignal", "raise_signal", "pthread_kill", "alarm", "setitimer",
        "pthread_sigmask", "siginterrupt", "set_wakeup_fd", *WAITING,
    ),
    os: ("kill", "killpg", "abort"),
    _thread: ("interrupt_main",),
}  # fmt: skip
"""The functions that are simulated, as far as the platform has them."""


class Signals:
    """The module `signal`, and the functions that send signals, for the execution under way."""

    def __init__(self) -> None:
        self._handlers: dict[int, Any] = {}
        self._blocked: set[int] = set()
        self._wakeup = -1
        self._real: dict[str, Any] = {
            name: getattr(module, name)
            for module, names in FUNCTIONS.items()
            for name in names
            if hasattr(module, name)
        }

    def reset(self) -> None:
        """Forget what the last execution has set."""
        self._handlers.clear()
        self._blocked.clear()
        self._wakeup = -1

    # -- handlers --------------------------------------------------------------------------------

    def signal(self, signalnum: int, handler: Any) -> Any:
        """`signal.signal`."""
        if not inside():
            return self._real["signal"](signalnum, handler)
        if machine.current.path != ():
            raise ValueError("signal only works in main thread of the main interpreter")
        if not callable(handler) and handler not in (signal.SIG_DFL, signal.SIG_IGN):
            raise TypeError(
                "signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object"
            )
        if name_of(signal.Signals(signalnum)) in UNSTOPPABLE:
            raise OSError(EINVAL, os.strerror(EINVAL))
        previous = self.getsignal(signalnum)
        self._handlers[int(signalnum)] = handler
        return previous

    def getsignal(self, signalnum: int) -> Any:
        """`signal.getsignal`."""
        if inside():
            if int(signalnum) in self._handlers:
                return self._handlers[int(signalnum)]
            if signalnum == SIGINT:
                # What is really installed there belongs to raceproof.
                return signal.default_int_handler
        return self._real["getsignal"](signalnum)

    def _handler(self, number: int) -> Any:
        found = self._handlers.get(number)
        if found is not None:
            return found
        if number == SIGINT:
            return signal.default_int_handler
        return signal.SIG_IGN if name_of(number) in IGNORED_BY_PYTHON else signal.SIG_DFL

    # -- sending ---------------------------------------------------------------------------------

    def kill(self, pid: int, sig: int, /) -> None:
        """`os.kill`."""
        # `subprocess` ends nothing but processes that the program itself has started.
        if not inside() or sig == 0 or _caller() == "subprocess":
            self._real["kill"](pid, sig)
        elif pid == os.getpid():
            self._deliver("os.kill", sig, sys._getframe(1))
        else:
            decline("os.kill() sends a signal to another process, which raceproof does not do")

    def killpg(self, pgid: int, sig: int, /) -> None:
        """`os.killpg`."""
        if not inside() or sig == 0:
            self._real["killpg"](pgid, sig)
        else:
            decline("os.killpg() sends a signal to other processes, which raceproof does not do")

    def raise_signal(self, signalnum: int, /) -> None:
        """`signal.raise_signal`."""
        if inside():
            self._deliver("signal.raise_signal", signalnum, sys._getframe(1))
        else:
            self._real["raise_signal"](signalnum)

    def pthread_kill(self, thread_id: int, signalnum: int, /) -> None:
        """`signal.pthread_kill`: whichever thread gets the signal, the handler runs in main."""
        if not inside():
            self._real["pthread_kill"](thread_id, signalnum)
        elif signalnum != 0:
            self._deliver("signal.pthread_kill", signalnum, sys._getframe(1))

    def interrupt_main(self, signum: int = SIGINT, /) -> None:
        """`_thread.interrupt_main`."""
        if not inside():
            self._real["interrupt_main"](signum)
        elif not 0 < int(signum) < signal.NSIG:
            raise ValueError("signal number out of range")
        elif callable(self._handler(int(signum))):
            self._deliver("_thread.interrupt_main", signum, sys._getframe(1))

    def _deliver(self, function: str, signalnum: int, frame: FrameType) -> None:
        number = int(signalnum)
        if not 0 < number < signal.NSIG:
            raise OSError(EINVAL, os.strerror(EINVAL))
        name = name_of(number)
        handler = self._handler(number)
        if handler == signal.SIG_IGN:
            return
        if handler == signal.SIG_DFL:
            if name in IGNORED:
                return
            decline(f"{function}() ends the process by {name}, which raceproof cannot simulate")
        if number in self._blocked:
            decline(f"{function}() sends {name} while that is blocked, which is not simulated")
        if machine.current.path != ():
            decline(
                f"{function}() in a thread sends {name}, which interrupts the main thread wherever "
                "it is: raceproof cannot simulate that"
            )
        handler(number, frame)

    # -- what cannot be simulated ----------------------------------------------------------------

    def abort(self) -> None:
        """`os.abort`."""
        if not inside():
            self._real["abort"]()
        decline("os.abort() ends the process, which raceproof cannot simulate")

    def alarm(self, seconds: int, /) -> int:
        """`signal.alarm`; there never is one to be cancelled."""
        if not inside():
            return int(self._real["alarm"](seconds))
        if seconds:
            decline("signal.alarm() sends a signal after real time, which raceproof cannot control")
        return 0

    def setitimer(self, which: int, seconds: float, interval: float = 0.0, /) -> Any:
        """`signal.setitimer`."""
        if not inside():
            return self._real["setitimer"](which, seconds, interval)
        if seconds:
            decline(
                "signal.setitimer() sends signals after real time, which raceproof cannot control"
            )
        return (0.0, 0.0)

    def _waiting(self, name: str) -> Callable[..., Any]:
        def wait(*args: Any) -> Any:
            if not inside():
                return self._real[name](*args)
            decline(f"signal.{name}() waits for a signal, which raceproof cannot simulate")

        wait.__name__ = name
        return wait

    # -- the rest of the module ------------------------------------------------------------------

    def pthread_sigmask(self, how: int, mask: Any, /) -> Any:
        """`signal.pthread_sigmask`: what is blocked really concerns raceproof alone."""
        if not inside():
            return self._real["pthread_sigmask"](how, mask)
        before = set(self._blocked)
        numbers = {int(number) for number in mask}
        if how == signal.SIG_BLOCK:
            self._blocked |= numbers
        elif how == signal.SIG_UNBLOCK:
            self._blocked -= numbers
        elif how == signal.SIG_SETMASK:
            self._blocked = numbers
        else:
            raise OSError(EINVAL, os.strerror(EINVAL))
        return {signal.Signals(number) for number in before}

    def siginterrupt(self, signalnum: int, flag: bool, /) -> None:
        """`signal.siginterrupt`."""
        if not inside():
            self._real["siginterrupt"](signalnum, flag)

    def set_wakeup_fd(self, fd: int, /, **options: Any) -> int:
        """`signal.set_wakeup_fd`."""
        if not inside():
            return int(self._real["set_wakeup_fd"](fd, **options))
        previous, self._wakeup = self._wakeup, fd
        return previous

    def replacements(self, module: Any) -> dict[str, Any]:
        """The functions of `module` that are replaced."""
        return {
            name: self._waiting(name) if name in WAITING else getattr(self, name)
            for name in FUNCTIONS[module]
            if name in self._real
        }


def name_of(number: int) -> str:
    """What a signal is called."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _caller() -> str:
    """The module that has called the function that asks."""
    return str(sys._getframe(2).f_globals.get("__name__", ""))
