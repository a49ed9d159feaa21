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
from raceproof.world.thread_state import Part

TRACE: Final = "trace function"
PROFILE: Final = "profile function"
UNWATCHED: Final = "in a trace function"

_settrace, _gettrace = sys.settrace, sys.gettrace
_setprofile, _getprofile = sys.setprofile, sys.getprofile


class Hidden:
    """A trace or profile function that does not get to see raceproof."""

    __slots__ = ("function",)

    def __init__(self, function: Any) -> None:
        self.function = function

    def __call__(self, frame: Any, event: str, arg: Any) -> Any:
        if frame.f_code.co_filename.startswith(OWN_DIRECTORY):
            return None
        if not machine.watching:
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


# -- what is kept apart --------------------------------------------------------------------------


def _put_trace(function: Any) -> None:
    if _gettrace() is not function:
        _settrace(function)


def _put_profile(function: Any) -> None:
    if _getprofile() is not function:
        _setprofile(function)


def _is_unwatched() -> bool:
    return machine.watching is not machine.recording


def _set_unwatched(unwatched: bool) -> None:
    machine.watching = machine.recording and not unwatched


def _as_outside(outside: Any) -> Any:
    """What is set there, a debugger of raceproof say, is for all threads."""
    return outside


machine.thread_state.add(TRACE, Part(_gettrace, _put_trace, _as_outside))
machine.thread_state.add(PROFILE, Part(_getprofile, _put_profile, _as_outside))
machine.thread_state.add(UNWATCHED, Part(_is_unwatched, _set_unwatched, bool))


# -- what `threading` sets in new threads --------------------------------------------------------

_hooks_outside: list[Any] = [None, None]


def hooks() -> tuple[Any, Any]:
    """The trace and the profile function for threads to come."""
    functions: Any = threading
    return functions._trace_hook, functions._profile_hook


def begin_exploration() -> None:
    """The hooks that there are now are none of the program."""
    _hooks_outside[:] = hooks()


def begin_thread(trace: Any, profile: Any) -> None:
    """The running thread begins; these were the hooks when it was started."""
    if trace is not _hooks_outside[0]:
        settrace(trace)
    if profile is not _hooks_outside[1]:
        setprofile(profile)


# -- the functions of `sys` ----------------------------------------------------------------------


def settrace(function: Any, /) -> None:
    """`sys.settrace`."""
    if inside():
        machine.thread_state.active = True
        function = _hidden(function)
    _settrace(function)


def gettrace() -> Any:
    """`sys.gettrace`."""
    return _shown(_gettrace())


def setprofile(function: Any, /) -> None:
    """`sys.setprofile`."""
    if inside():
        machine.thread_state.active = True
        function = _hidden(function)
    _setprofile(function)


def getprofile() -> Any:
    """`sys.getprofile`."""
    return _shown(_getprofile())


def _setter_for_all(name: str, part: str) -> Callable[[Any], None]:
    original = getattr(sys, name)

    def set_in_all_threads(function: Any, /) -> None:
        if inside():
            threads = machine.live.values()
            machine.thread_state.put_everywhere(machine.current, threads, part, _hidden(function))
        else:
            original(function)

    return set_in_all_threads


def replacements() -> dict[str, Callable[..., Any]]:
    """The functions of `sys` that are replaced."""
    found: dict[str, Callable[..., Any]] = {
        "settrace": settrace, "gettrace": gettrace, "setprofile": setprofile,
        "getprofile": getprofile,
    }  # fmt: skip
    for name, part in (("_settraceallthreads", TRACE), ("_setprofileallthreads", PROFILE)):
        if hasattr(sys, name):  # behind `threading.settrace_all_threads` and so on
            found[name] = _setter_for_all(name, part)
    return found
