"""How often the interpreter switches between threads: of no interest where only one ever runs.

Programs that hope to provoke a race by it get the value that they set.  What is really set stays,
so that raceproof's own threads, the watchdog's for instance, get the processor when they need it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

from raceproof.world.exits import inside

_real_get: Final = sys.getswitchinterval
_real_set: Final = sys.setswitchinterval


class SwitchInterval:
    """`sys.setswitchinterval` and `sys.getswitchinterval`, for the execution under way."""

    def __init__(self) -> None:
        self._value: float | None = None

    def reset(self) -> None:
        """A new execution begins."""
        self._value = None

    def set(self, interval: float, /) -> None:
        """`sys.setswitchinterval`."""
        before = _real_get()
        _real_set(interval)  # which complains, where there is a reason to
        if inside():
            self._value = _real_get()
            _real_set(before)

    def get(self) -> float:
        """`sys.getswitchinterval`."""
        return self._value if inside() and self._value is not None else _real_get()

    def replacements(self) -> dict[str, Callable[..., Any]]:
        """The functions that are replaced."""
        return {"setswitchinterval": self.set, "getswitchinterval": self.get}


switch_interval: Final = SwitchInterval()
