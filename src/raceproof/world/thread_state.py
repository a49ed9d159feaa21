"""What the interpreter keeps for each thread of the operating system, kept apart for virtual ones.

Fibers that share such a thread would share it: the trace function, the running event loop of
`asyncio` and so on.  So each switch exchanges it, in executions that use it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from raceproof.world.execution import VirtualThread

STATE: Final = "interpreter state"
"""Key in `VirtualThread.storage`: the values, by part, of a thread that stands still."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something that each thread has one of."""

    take: Callable[[], Any]
    """The value for the thread that is about to stand still."""
    put: Callable[[Any], object]
    """Give it to the thread that is about to go on."""
    initial: Callable[[Any], Any]
    """What a new thread has, given what there is outside of executions."""


class ThreadState:
    """Keeps the parts apart, once asked to, until the end of the execution."""

    def __init__(self) -> None:
        self.active = False
        """Some thread has, or had, something that others do not have: switches exchange it."""
        self._parts: dict[str, Part] = {}
        self._outside: dict[str, Any] = {}

    def add(self, name: str, part: Part) -> None:
        """There is one more thing to keep apart (its module may just have been imported)."""
        if name not in self._parts:
            self._parts[name] = part
            self._outside[name] = part.take()
            part.put(self._outside[name])

    def reset(self) -> None:
        """A new execution begins."""
        self.active = False
        for name, part in self._parts.items():
            outside = self._outside[name] = part.take()
            initial = part.initial(outside)
            part.put(initial)
            if initial != outside:
                self.active = True

    def end(self) -> None:
        """The execution is over; everything is as it was before."""
        if self.active:
            self.active = False
            for name, part in self._parts.items():
                part.put(self._outside[name])

    def leave(self, thread: VirtualThread) -> None:
        """Another thread goes on in the place of `thread`."""
        thread.storage[STATE] = {name: part.take() for name, part in self._parts.items()}

    def enter(self, thread: VirtualThread) -> None:
        """`thread` goes on, or begins."""
        values = thread.storage.get(STATE, {})
        for name, part in self._parts.items():
            value = values[name] if name in values else part.initial(self._outside[name])
            part.put(value)

    def put_everywhere(
        self, current: VirtualThread, others: Iterable[VirtualThread], name: str, value: Any
    ) -> None:
        """Give all threads the same value of a part, the `current` one and the `others`."""
        self.active = True
        self._parts[name].put(value)
        for thread in others:
            if thread is not current:
                thread.storage.setdefault(STATE, {})[name] = value
