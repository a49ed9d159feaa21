"""The selector of an event loop: what it waits for is virtual, unless it waits for files.

Files and sockets are not simulated.  A loop that has some looks at them in passing, and waits for
them in earnest when no other thread can go on.
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol

from raceproof.world.exits import inside


class Waiting(Protocol):
    """Who lets virtual time pass for a selector."""

    def select(self, timeout: float | None, /) -> None:
        """Wait for other threads, for so many seconds."""

    def give_others_a_turn(self) -> bool:
        """Wait as long as others can go on; False: they did not wake this one."""

    def pass_time(self, seconds: float, /) -> None:
        """So much time has passed."""


class Selector:
    """Stands for a selector of the module `selectors`."""

    def __init__(self, real: Any, waiting: Waiting) -> None:
        """`real`: made when it is needed, if None."""
        self._real = real
        self._waiting = waiting

    def select(self, timeout: float | None = None) -> list[Any]:
        """Wait, at most for `timeout` seconds; the files that are ready."""
        real, waiting = self._real, self._waiting
        found: list[Any] = []
        if not inside():
            found = self._made().select(timeout)
        elif real is None or not real.get_map():
            waiting.select(timeout)
        else:
            found = real.select(0)
            if found or (timeout is not None and timeout <= 0):
                waiting.select(0)
            elif not waiting.give_others_a_turn():
                found = real.select(timeout)
                if not found and timeout is not None:
                    waiting.pass_time(timeout)
        return found

    def close(self) -> None:
        """Nothing more will be waited for."""
        if self._real is not None:
            self._real.close()

    def _made(self) -> Any:
        if self._real is None:
            self._real = importlib.import_module("selectors").DefaultSelector()
        return self._real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made(), name)
