"""`_thread`: starting threads that have no object of their own, and joining them by a handle."""

from __future__ import annotations

import _thread
from collections.abc import Callable
from typing import Any, Final

from raceproof.world import record, threads
from raceproof.world.execution import VirtualThread
from raceproof.world.primitives import timeouts
from raceproof.world.scheduler import machine
from raceproof.world.unraisable import tell_unraisable

OS_NAME: Final = "os name"
"""Key in `VirtualThread.storage`: what the thread has been called for the operating system."""
_real: Final[dict[str, Any]] = dict(vars(_thread))


def count() -> int:
    """`_thread._count`: the main thread does not count."""
    if not machine.active:
        return int(_real["_count"]())
    return len(threads.look_at_all()) - 1


def set_name(name: str) -> None:
    """`_thread.set_name`, from Python 3.14 on: kept as the operating system would keep it."""
    if not machine.active:
        _real["set_name"](name)
        return
    if "_get_name" not in _real:
        return  # then nobody can tell
    before = _real["_get_name"]()
    _real["set_name"](name)
    try:
        machine.current.storage[OS_NAME] = _real["_get_name"]()
    finally:
        _real["set_name"](before)


def get_name() -> str:
    """`_thread._get_name`."""
    known = machine.current.storage.get(OS_NAME) if machine.active else None
    return str(_real["_get_name"]()) if known is None else known


# -- starting ------------------------------------------------------------------------------------


def start_new_thread(function: Any, args: Any, kwargs: Any = None, /) -> int:
    """`_thread.start_new_thread`."""
    if not machine.active:
        given = (function, args) if kwargs is None else (function, args, kwargs)
        return int(_real["start_new_thread"](*given))
    if not callable(function):
        raise TypeError("first arg must be callable")
    if not isinstance(args, tuple):
        raise TypeError("2nd arg must be a tuple")
    if kwargs is not None and not isinstance(kwargs, dict):
        raise TypeError("optional 3rd arg must be a dictionary")
    return threads.ident_of(_start(function, args, kwargs or {}, daemon=True).path)


def _start(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], daemon: bool
) -> VirtualThread:
    def body() -> None:
        try:
            function(*args, **kwargs)
        except SystemExit:
            pass
        except BaseException as error:
            if threads.is_outside(error):
                raise
            record.hide_own_frames(error)
            if not machine.afterlife:
                record.current.deaths.append(record.Death(machine.current.name, error))
            tell_unraisable(error, "in thread started by", function, on_record=True)

    name = getattr(function, "__name__", "thread")
    storage = {threads.BARE: True, "target": function, "arguments": args}
    return threads.spawn(body, name, daemon, None, storage, hooked=False)


# -- handles -------------------------------------------------------------------------------------


class ThreadHandle:
    """`_thread._ThreadHandle`, from Python 3.13 on: a thread that can be joined."""

    __slots__ = ("__weakref__", "_done", "_epoch", "_thread")

    def __new__(cls) -> Any:
        """A handle of no thread yet."""
        return object.__new__(cls) if machine.active else _real["_ThreadHandle"]()

    def __init__(self) -> None:
        self._thread: VirtualThread | None = None
        self._epoch = machine.epoch
        self._done = False

    def bind(self, thread: VirtualThread) -> None:
        """Be the handle of this thread."""
        self._thread = thread

    @property
    def is_bound(self) -> bool:
        """Whether this is the handle of a thread."""
        return self._thread is not None

    @property
    def ident(self) -> int:
        """The identifier of the thread; 0 as long as there is none."""
        return 0 if self._thread is None else threads.ident_of(self._thread.path)

    def is_done(self) -> bool:
        """Whether the thread is over."""
        if self._thread is None or self._done or self._is_history():
            return self._thread is not None
        return not threads.is_alive(self._thread)

    def join(self, timeout: float | None = None, /) -> None:
        """Wait for the thread to be over, at most `timeout` seconds."""
        if self._thread is None:
            raise RuntimeError("thread not started")
        duration = None if timeout is None else timeouts.seconds(timeout)
        if self._done or self._is_history():
            return
        if self._thread is machine.current:
            raise RuntimeError("Cannot join current thread")
        threads.join(self._thread, None if duration is None or duration < 0 else duration)

    def _set_done(self) -> None:
        if self._thread is None:
            raise RuntimeError("thread not started")
        self._done = True

    def _is_history(self) -> bool:
        return not machine.active or self._epoch != machine.epoch

    def __repr__(self) -> str:
        return f"<_thread._ThreadHandle object: ident={self.ident}>"


def start_joinable_thread(function: Any, handle: Any = None, daemon: bool = True) -> Any:
    """`_thread.start_joinable_thread`."""
    if not machine.active:
        return _real["start_joinable_thread"](function, handle=handle, daemon=daemon)
    if not callable(function):
        raise TypeError("thread function must be callable")
    if handle is None:
        handle = ThreadHandle()
    elif not isinstance(handle, ThreadHandle):
        raise TypeError("'handle' must be a _ThreadHandle")
    elif handle.is_bound:
        raise RuntimeError("thread already started")
    handle.bind(_start(function, (), {}, daemon))
    return handle


def make_thread_handle(ident: int, /) -> Any:
    """`_thread._make_thread_handle`: for a thread that was started otherwise."""
    if not machine.active:
        return _real["_make_thread_handle"](ident)
    handle = ThreadHandle()
    for thread in machine.everyone:
        if threads.ident_of(thread.path) == ident:
            handle.bind(thread)
    return handle


def get_main_thread_ident() -> int:
    """`_thread._get_main_thread_ident`."""
    return threads.ident_of(()) if machine.active else int(_real["_get_main_thread_ident"]())


def replacements() -> dict[str, Any]:
    """The names of `_thread` that are replaced, as far as the version has them."""
    found = {
        "_count": count, "start_new_thread": start_new_thread, "start_new": start_new_thread,
        "start_joinable_thread": start_joinable_thread, "_ThreadHandle": ThreadHandle,
        "_make_thread_handle": make_thread_handle,
        "_get_main_thread_ident": get_main_thread_ident,
        "set_name": set_name, "_get_name": get_name,
    }  # fmt: skip
    return {name: value for name, value in found.items() if name in _real}


ThreadHandle.__module__ = "_thread"
ThreadHandle.__name__ = ThreadHandle.__qualname__ = "_ThreadHandle"
