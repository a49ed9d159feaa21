"""The functions of `sys` that set trace and profile functions; see `tracers` for what becomes of
them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

from raceproof.world.exits import inside
from raceproof.world.scheduler import machine

SETTERS: Final = ("settrace", "setprofile")
SETTERS_FOR_ALL: Final = ("_settraceallthreads", "_setprofileallthreads")
"""Behind `threading.settrace_all_threads` and so on."""


def _setter(name: str) -> Callable[[Any], None]:
    original = getattr(sys, name)

    def set_function(function: Any, /) -> None:
        if inside():
            machine.tracers.active = True
        original(function)

    return set_function


def _setter_for_all(name: str, which: int) -> Callable[[Any], None]:
    original = getattr(sys, name)
    set_own = getattr(sys, SETTERS[which])

    def set_function(function: Any, /) -> None:
        if inside():
            machine.tracers.set_everywhere(machine.live.values(), which, function)
            set_own(function)
        else:
            original(function)

    return set_function


def replacements() -> dict[str, Any]:
    """The functions of the module `sys` that are replaced."""
    found = {name: _setter(name) for name in SETTERS}
    for which, name in enumerate(SETTERS_FOR_ALL):
        if hasattr(sys, name):
            found[name] = _setter_for_all(name, which)
    return found
