"""What a thread writes, round by round of a loop: if it is always the same, the loop gets nowhere.

Only asked for when a loop goes on and on, since it takes an observer of all events.
"""

from __future__ import annotations

import types
from typing import Any, Final

from raceproof.events import Attribute, Operation, SharedObject, ThreadId, WholeObject
from raceproof.world.execution import Observer, VirtualThread

SMALL: Final = 32
"""Elements of a container that are compared one by one."""
_CONTAINERS: Final = (list, dict, set, bytearray)
_SCALARS: Final = frozenset({int, float, bool, str, bytes, complex, type(None)})


class Writes(Observer):
    """Notes the values that some threads write, and passes on everything to another observer."""

    def __init__(self, inner: Observer | None) -> None:
        self._inner = inner
        self._written: dict[ThreadId, list[Any]] = {}
        self._latest: dict[ThreadId, tuple[Operation, Any]] = {}

    def take(self, thread: VirtualThread) -> list[Any] | None:
        """What `thread` has written since this was asked last, in a form that can be compared; None
        if it was not asked before."""
        self._settle(thread)
        found = self._written.get(thread.tid)
        self._written[thread.tid] = []
        return found

    def without(self, thread: VirtualThread) -> Observer | None:
        """What to have as observer when `thread` is of no interest any more."""
        self._written.pop(thread.tid, None)
        self._latest.pop(thread.tid, None)
        return self if self._written else self._inner

    def _settle(self, thread: VirtualThread) -> None:
        """What `thread` announced last has been written by now, and nobody else was there yet."""
        latest = self._latest.pop(thread.tid, None)
        if latest is not None:
            self._written[thread.tid].append(value_after(*latest))

    # -- Observer --------------------------------------------------------------------------------

    def on_event(
        self, index: int, thread: VirtualThread, operation: Operation, subject: Any
    ) -> None:
        """See `Observer`."""
        if thread.tid in self._written:
            self._settle(thread)
            if operation.site and not operation.looks:
                self._latest[thread.tid] = (operation, subject)
        if self._inner is not None:
            self._inner.on_event(index, thread, operation, subject)

    def on_announce(self, thread: VirtualThread, operation: Operation, blocked: bool) -> None:
        """See `Observer`."""
        if self._inner is not None:
            self._inner.on_announce(thread, operation, blocked)

    def on_create(self, shared: SharedObject) -> None:
        """See `Observer`."""
        if self._inner is not None:
            self._inner.on_create(shared)

    def on_switch(self, index: int, source: VirtualThread, target: VirtualThread) -> None:
        """See `Observer`."""
        self._settle(source)
        if self._inner is not None:
            self._inner.on_switch(index, source, target)


def value_after(operation: Operation, subject: Any) -> Any:
    """What an operation on `subject` has left, in a form that can be compared without running any
    code of the program; equal to nothing if that cannot be told."""
    field = next(
        (place.field for place, _ in operation.accesses if type(place.field) is not WholeObject),
        None,
    )
    try:
        if type(subject) is types.FrameType:
            name = str(field)
            variables = subject.f_locals if name in subject.f_locals else subject.f_globals
            return form(variables[name])
        if type(field) is Attribute:
            return form(object.__getattribute__(subject, "__dict__")[field])
        if type(subject) in (list, dict) and field is not None:
            return form(subject[field])
    except (AttributeError, LookupError, TypeError):
        return object()
    if type(subject) in _CONTAINERS and len(subject) <= SMALL:
        values = subject.items() if type(subject) is dict else subject
        return (id(subject), [form(value) for value in values])
    return object()


def form(value: Any) -> Any:
    """A value as it can be compared without running any code of the program."""
    tp = type(value)
    if tp in _SCALARS:
        return (tp, value)
    if tp in _CONTAINERS:
        return (id(value), len(value))
    if tp is tuple and len(value) <= SMALL:
        return tuple(map(form, value))
    if tp.__module__ == "raceproof.world.clock":
        return tp  # that time goes by makes no difference as such
    return id(value)
