"""`contextlib.redirect_stdout`: for a while all threads print elsewhere, wanted or not.

To print is to look where `sys.stdout` leads.  That is announced only if the program redirects it
while it has threads, which is known from the second execution on.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
from typing import Any, Final

from raceproof.events import READ, WRITE, Attribute, Mode
from raceproof.world.scheduler import machine
from raceproof.world.unwatched import announce, data_operation

REDIRECTED: Final = "output is redirected"
"""What is learnt about such a program."""

_Redirect: Final[Any] = contextlib._RedirectStream
_original_enter: Final = _Redirect.__enter__
_original_exit: Final = _Redirect.__exit__
_original_print: Final = builtins.print


def _use(stream: str, kind: str, mode: Mode) -> None:
    if machine.watching:
        shared = machine.naming.object(("module", "sys"), "sys")
        announce(data_operation(shared, kind, ((shared.location(Attribute(stream)), mode),)))


def _redirect(stream: str) -> None:
    if machine.watching:
        machine.learn(REDIRECTED)
        _use(stream, "write", WRITE)


def enter(self: Any) -> Any:
    """`redirect_stdout.__enter__`."""
    _redirect(self._stream)
    return _original_enter(self)


def leave(self: Any, *details: Any) -> Any:
    """`redirect_stdout.__exit__`."""
    _redirect(self._stream)
    return _original_exit(self, *details)


@functools.wraps(_original_print)
def _print(*args: Any, file: Any = None, **options: Any) -> None:
    if file is None:
        _use("stdout", "read", READ)
    _original_print(*args, file=file, **options)


METHODS: Final = {"__enter__": enter, "__exit__": leave}


def reset() -> None:
    """A new execution begins (at its end, `print` is put back)."""
    if REDIRECTED in machine.insights:
        builtins.print = _print
