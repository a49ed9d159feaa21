"""`_thread`: threads that have no `Thread` object, unless somebody asks for it."""

from __future__ import annotations

import _thread
from typing import Any, Final

from raceproof.world import record
from raceproof.world.execution import VirtualThread
from raceproof.world.exits import decline
from raceproof.world.primitives import timeouts
from raceproof.world.scheduler import machine
from raceproof.world.threads import BARE, ident_of, is_outside, join, spawn, tell_unraisable

_real_start_new_thread: Final = _thread.start_new_thread
_real_start_joinable_thread: Final[Any] = getattr(_thread, "start_joinable_thread", None)


def start_new_thread(function: Any, args: Any, kwargs: Any = None, /) -> int:
    """`_thread.start_new_thread`."""
    if not machine.active:
        if kwargs is None:
            return _real_start_new_thread(function, args)
        return _real_start_new_thread(function, args, kwargs)
    if not callable(function):
        raise TypeError("first arg must be callable")
    if not isinstance(args, tuple):
        raise TypeError("2nd arg must be a tuple")
    if kwargs is not None and not isinstance(kwargs, dict):
        raise TypeError("optional 3rd arg must be a dictionary")
    return ident_of(_start(function, args, kwargs or {}, True).path)


def start_joinable_thread(function: Any, handle: Any = None, daemon: bool = True) -> Any:
    """`_thread.start_joinable_thread`, from Python 3.13 on."""
    if not machine.active:
        return _real_start_joinable_thread(function, handle, daemon)
    if not callable(function):
        raise TypeError("thread function must be callable")
    if handle is not None:
        decline("_thread.start_joinable_thread() with a handle, which raceproof does not simulate")
    return ThreadHandle(_start(function, (), {}, daemon))


def _start(
    function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], daemon: bool
) -> VirtualThread:
    def body() -> None:
        try:
            function(*args, **kwargs)
        except SystemExit:
            pass
        except BaseException as error:
            if is_outside(error):
                raise
            record.hide_own_frames(error)
            if not machine.afterlife:
                record.current.deaths.append(record.Death(machine.current.name, error))
            tell_unraisable(error, f"Exception ignored in thread started by {function!r}", True)

    name = getattr(function, "__name__", "thread")
    storage = {BARE: True, "target": function, "arguments": args}
    return spawn(body, name, daemon, None, storage, hooked=False)


class ThreadHandle:
    """Stands for a `_thread._ThreadHandle`."""

    def __init__(self, thread: VirtualThread) -> None:
        self._thread = thread
        self.ident = ident_of(thread.path)

    def join(self, timeout: float | None = None) -> None:
        """Wait until the thread is over."""
        if self._thread is machine.current:
            raise RuntimeError("Cannot join current thread")
        join(self._thread, None if timeout is None else max(timeouts.seconds(timeout), 0))

    def is_done(self) -> bool:
        """Whether the thread is over."""
        return not machine.look_whether_alive(self._thread)
