"""What carries the virtual threads: greenlets where there are any, else threads of the system.

The search, and what it finds, are the same with both.  Greenlets switch about a hundred times
faster; some programs need a real thread for each of theirs, and some interpreters have no greenlet.
"""

from __future__ import annotations

import sys
from typing import Final

from raceproof.world import os_threads
from raceproof.world.fibers import Hub

AUTO: Final = "auto"
GREENLET: Final = "greenlet"
OS: Final = "os"


class NoGreenlet(Exception):
    """Greenlets were asked for, and cannot be had; the message says why."""


def hub_class(threads: str) -> type[Hub]:
    """The hub to make for the option `threads`: "auto", "greenlet" or "os".

    Raises `NoGreenlet`.
    """
    if threads == OS or (threads != GREENLET and not has_gil()):
        return os_threads.Hub
    try:
        from raceproof.world import greenlets
    except ImportError as error:
        if threads == GREENLET:
            raise NoGreenlet(str(error)) from None
        return os_threads.Hub
    return greenlets.Hub


def has_gil() -> bool:
    """Whether the interpreter runs one thread at a time.

    Where it does not, greenlets are the second choice: the package supports some such
    interpreters only, and none without reservations.
    """
    check = getattr(sys, "_is_gil_enabled", None)
    return check is None or bool(check())


def name_of(hub: type[Hub]) -> str:
    """What the option calls this kind of carrier."""
    return OS if hub is os_threads.Hub else GREENLET
