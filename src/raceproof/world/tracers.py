"""`sys.settrace` and `sys.setprofile` for each virtual thread: greenlets share what is set there.

Nothing is done about it until a program sets such a function, or has `threading` set one in the
threads to come; from then on each switch takes along the functions of the thread.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, Final

from raceproof.world.execution import VirtualThread

TRACERS: Final = "tracers"
"""Key in `VirtualThread.storage`: the trace and the profile function of a thread that stands
still."""

_Pair = tuple[Any, Any]


class Tracers:
    """The trace and profile functions of the threads of the execution under way."""

    def __init__(self) -> None:
        self.active = False
        """Some thread has, or had, a function that others do not have."""
        self._common: _Pair = (None, None)

    def reset(self) -> None:
        """A new execution begins: what is set, a debugger of raceproof say, is for all threads."""
        self.active = False
        self._common = (sys.gettrace(), sys.getprofile())

    def begin(self, trace: Any, profile: Any) -> None:
        """The running thread begins, with what `threading` has been told to set."""
        if trace is not None or profile is not None:
            self.active = True
        if self.active:
            self._set((trace or self._common[0], profile or self._common[1]))

    def leave(self, thread: VirtualThread) -> None:
        """Another thread goes on in the place of `thread`."""
        thread.storage[TRACERS] = (sys.gettrace(), sys.getprofile())

    def enter(self, thread: VirtualThread) -> None:
        """`thread` goes on."""
        self._set(thread.storage.get(TRACERS, self._common))

    def set_everywhere(self, threads: Iterable[VirtualThread], which: int, function: Any) -> None:
        """Give all threads the same trace (0) or profile (1) function."""
        self.active = True
        for thread in threads:
            pair = list(thread.storage.get(TRACERS, self._common))
            pair[which] = function
            thread.storage[TRACERS] = tuple(pair)

    def _set(self, pair: _Pair) -> None:
        trace, profile = pair
        if sys.gettrace() is not trace:
            _settrace(trace)
        if sys.getprofile() is not profile:
            _setprofile(profile)


_settrace: Final = sys.settrace
_setprofile: Final = sys.setprofile
