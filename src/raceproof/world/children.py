"""Processes that a program starts: waiting for one is a single step, more is out of control.

`subprocess.run` and the like take place as a whole, on behalf of the running thread.  A copy of
the process itself would explore on its own, and a process that is still running at the end would
interfere with the next execution.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType, ModuleType
from typing import Any, Final

from raceproof.world.exits import decline, inside

COPYING: Final = ("fork", "forkpty")
REPLACING: Final = ("execv", "execve")
STARTING: Final = ("posix_spawn", "posix_spawnp", "spawnv", "spawnve", "startfile")


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None  # this platform has no such thing


_posixsubprocess: Final = _module("_posixsubprocess")
_multiprocessing: Final = _module("_multiprocessing")
_real_kill: Final[Callable[[int, int], None]] = os.kill
_real_waitpid: Final[Any] = getattr(os, "waitpid", None)
_real_monotonic: Final = time.monotonic


class Children:
    """The processes that the execution under way has started."""

    def __init__(self) -> None:
        self._started: dict[int, str] = {}

    def replacements(self) -> Iterator[tuple[ModuleType, dict[str, Any]]]:
        """The functions that are replaced, by module."""
        names = {name: self._refused(name) for name in COPYING + REPLACING if hasattr(os, name)}
        names |= {name: self._noted(name) for name in STARTING if hasattr(os, name)}
        if hasattr(os, "register_at_fork"):
            names["register_at_fork"] = self._ignored("register_at_fork")
        yield os, names
        if _posixsubprocess is not None:
            yield _posixsubprocess, {"fork_exec": self._noted("fork_exec", _posixsubprocess)}
        if _multiprocessing is not None:
            yield _multiprocessing, {"SemLock": ProcessLock()}

    def _refused(self, name: str) -> Callable[..., Any]:
        original = getattr(os, name)
        what = "replaces the process" if name in REPLACING else "makes a copy of the process"

        def refused(*args: Any, **kwargs: Any) -> Any:
            if inside():
                if sys._getframe(1).f_globals.get("__name__", "").startswith("multiprocessing"):
                    _decline_multiprocessing()
                decline(f"os.{name}() {what}, which raceproof cannot control")
            return original(*args, **kwargs)

        refused.__name__ = name
        return refused

    def _noted(self, name: str, module: Any = os) -> Callable[..., Any]:
        original = getattr(module, name)

        def start(*args: Any, **kwargs: Any) -> Any:
            if not inside():
                return original(*args, **kwargs)
            caller = sys._getframe(1).f_globals.get("__name__", "")
            if caller.startswith("multiprocessing"):
                _decline_multiprocessing()
            if caller != "subprocess":
                decline(
                    f"{module.__name__}.{name}() makes a process, which raceproof cannot control"
                )
            # Other processes know nothing of virtual time: how long to wait for one is real.
            vars(sys.modules["subprocess"])["_time"] = _real_monotonic
            pid: int = original(*args, **kwargs)
            self._started[pid] = _command(args)
            return pid

        start.__name__ = name
        return start

    def _ignored(self, name: str) -> Callable[..., Any]:
        original = getattr(os, name)

        def ignored(*args: Any, **kwargs: Any) -> Any:
            return None if inside() else original(*args, **kwargs)

        ignored.__name__ = name
        return ignored

    def check(self) -> None:
        """The program is over; so must be the processes that it has started."""
        for pid, command in self._started.items():
            if _state(pid) is not None:
                decline(
                    f"the program ends without having waited for the process {command!r} that it "
                    "has started, which raceproof cannot control"
                )

    def end(self) -> None:
        """The execution is over: nothing of it may remain."""
        if self._started:
            for pid in self._started:
                if _state(pid) is False:
                    _real_kill(pid, signal.SIGKILL)
                    _real_waitpid(pid, 0)
            self._started.clear()


class ProcessLock:
    """Stands for the type behind the locks of `multiprocessing`.

    There is nothing wrong with such a lock by itself, but a pool would wait for one.
    """

    def __init__(self) -> None:
        assert _multiprocessing is not None
        self._original: Any = _multiprocessing.SemLock

    def __call__(self, *args: Any) -> Any:
        if inside() and any(name == "multiprocessing.pool" for name in _callers(8)):
            decline(
                "the pools of processes of multiprocessing cannot be simulated; "
                "multiprocessing.pool.ThreadPool and concurrent.futures.ThreadPoolExecutor can"
            )
        return self._original(*args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


def _callers(depth: int) -> Iterator[str]:
    """The modules of the innermost functions that are being executed."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and depth:
        yield str(frame.f_globals.get("__name__", ""))
        frame = frame.f_back
        depth -= 1


def _state(pid: int) -> bool | None:
    """Whether a child is over; None if it has been waited for."""
    if _real_waitpid is None:
        return None
    try:
        return bool(_real_waitpid(pid, os.WNOHANG)[0])
    except ChildProcessError:
        return None


def _command(args: tuple[Any, ...]) -> str:
    """The name of the program that is started."""
    try:
        return os.fsdecode(args[0][0])
    except (IndexError, TypeError):
        return "?"


def _decline_multiprocessing() -> None:
    decline("multiprocessing makes processes, which raceproof cannot control")


children: Final = Children()
