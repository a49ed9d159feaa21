"""`sys.settrace` and `sys.setprofile`: each virtual thread has functions of its own, or none.

They see the program, and nothing of raceproof.  What they do is no part of the program: the data
that they access is not watched, or they would be explored more than anything else.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any, Final

from raceproof.world.exits import inside
from raceproof.world.record import OWN_DIRECTORY
from raceproof.world.scheduler import machine
from raceproof.world.thread_state import Part, state

_settrace, _gettrace = sys.settrace, sys.gettrace
_setprofile, _getprofile = sys.setprofile, sys.getprofile
_in_all_threads: Final[dict[str, Any]] = {
    name: getattr(sys, name)
    for name in ("_settraceallthreads", "_setprofileallthreads")
    if hasattr(sys, name)
}


class Hidden:
    """A trace or profile function that does not get to see raceproof."""

    __slots__ = ("function",)

    def __init__(self, function: Any) -> None:
        self.function = function

    def __call__(self, frame: Any, event: str, arg: Any) -> Any:
        if frame.f_code.co_filename.startswith(OWN_DIRECTORY):
            return None
        if not (machine.watching and state.is_kept_apart):
            return _hidden(self.function(frame, event, arg))
        machine.watching = False
        try:
            return _hidden(self.function(frame, event, arg))
        finally:
            machine.watching = machine.recording


def _hidden(function: Any) -> Any:
    return function if function is None or type(function) is Hidden else Hidden(function)


def _shown(function: Any) -> Any:
    return function.function if type(function) is Hidden else function


def _is_unwatched() -> bool:
    return machine.watching is not machine.recording


def _set_unwatched(unwatched: bool) -> None:
    machine.watching = machine.recording and not unwatched


def _outside_trace() -> Any:
    return _outside[0]


def _outside_profile() -> Any:
    return _outside[1]


_outside: list[Any] = [None, None]
_hooks: list[Any] = [None, None]
_trace: Final = Part(_gettrace, _settrace, _outside_trace)
_profile: Final = Part(_getprofile, _setprofile, _outside_profile)
for _part in (_trace, _profile, Part(_is_unwatched, _set_unwatched, bool)):
    state.add(_part)


def begin_exploration() -> None:
    """What there is now is none of the program."""
    _outside[:] = _gettrace(), _getprofile()
    _hooks[:] = _hooks_of_threads()


def begin_thread() -> None:
    """The running thread has just been started by `Thread.start`."""
    trace, profile = _hooks_of_threads()
    if trace is not _hooks[0]:
        settrace(trace)
    if profile is not _hooks[1]:
        setprofile(profile)


def _hooks_of_threads() -> tuple[Any, Any]:
    functions: Any = threading
    return functions._trace_hook, functions._profile_hook


# -- the functions of `sys` ----------------------------------------------------------------------


def settrace(function: Any, /) -> None:
    """`sys.settrace`."""
    if inside():
        state.keep_apart()
        function = _hidden(function)
    _settrace(function)


def gettrace() -> Any:
    """`sys.gettrace`."""
    return _shown(_gettrace())


def setprofile(function: Any, /) -> None:
    """`sys.setprofile`."""
    if inside():
        state.keep_apart()
        function = _hidden(function)
    _setprofile(function)


def getprofile() -> Any:
    """`sys.getprofile`."""
    return _shown(_getprofile())


def _in_all(name: str, part: Part) -> Callable[[Any], None]:
    def set_in_all_threads(function: Any, /) -> None:
        if inside():
            state.keep_apart()
            state.set_everywhere(part, _hidden(function))
        else:
            _in_all_threads[name](function)

    return set_in_all_threads


def replacements() -> dict[str, Callable[..., Any]]:
    """The functions of `sys` that are replaced."""
    found: dict[str, Callable[..., Any]] = {
        "settrace": settrace, "gettrace": gettrace, "setprofile": setprofile,
        "getprofile": getprofile,
    }  # fmt: skip
    parts = {"_settraceallthreads": _trace, "_setprofileallthreads": _profile}
    return found | {name: _in_all(name, parts[name]) for name in _in_all_threads}
