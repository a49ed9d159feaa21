"""What the interpreter keeps for each thread of the operating system, kept apart for virtual ones.

Fibers that share such a thread would share it: the running event loop of `asyncio`, the trace
function and so on.  So it is exchanged when another one goes on, in executions that use it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from raceproof.world.execution import VirtualThread
from raceproof.world.scheduler import machine

STATE: Final = "interpreter state"
"""Key in `VirtualThread.storage`: the values that a thread which stands still has."""


class Part:
    """Something that each OS thread has one of."""

    __slots__ = ("get", "initial", "set")

    def __init__(
        self, get: Callable[[], Any], set: Callable[[Any], object], initial: Callable[[], Any]
    ) -> None:
        self.get = get
        self.set = set
        self.initial = initial
        """What a new thread has."""


class ThreadState:
    """Keeps the parts apart, once asked to, until the end of the execution."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self._outside: list[Any] = []
        self._owner: VirtualThread | None = None
        """The thread that the present values belong to; None: nothing is kept apart."""

    def begin(self) -> None:
        """An execution begins: nothing is kept apart."""
        self._outside = [part.get() for part in self.parts]

    def add(self, part: Part) -> None:
        """There is one more thing to keep apart (its module has just been imported)."""
        self.parts.append(part)
        self._outside.append(part.get())

    def keep_apart(self) -> None:
        """From now on, each virtual thread has its own."""
        if self._owner is None and machine.on_switch(self._switched):
            self._owner = machine.current

    @property
    def is_kept_apart(self) -> bool:
        """Whether switches exchange it."""
        return self._owner is not None

    def set_everywhere(self, part: Part, value: Any) -> None:
        """Give all threads that are alive this value, and not only the running one."""
        part.set(value)
        number = self.parts.index(part)
        for thread in machine.live.values():
            if thread is not self._owner:
                initial = [other.initial() for other in self.parts]
                thread.storage.setdefault(STATE, initial)[number] = value

    def end(self) -> None:
        """The execution is over; everything is as it was before."""
        if self._owner is not None:
            machine.on_switch(None)
            self._owner = None
            for part, value in zip(self.parts, self._outside, strict=True):
                part.set(value)

    def _switched(self) -> None:
        current, owner = machine.current, self._owner
        if current is owner or owner is None:
            return  # to the hub and back
        owner.storage[STATE] = [part.get() for part in self.parts]
        self._owner = current
        values = current.storage.get(STATE, ())
        for number, part in enumerate(self.parts):
            part.set(values[number] if number < len(values) else part.initial())


state: Final = ThreadState()
"""That of the thread in which executions run."""
