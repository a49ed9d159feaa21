"""What all simulated primitives have in common: when they are simulated, and what they are called.

A primitive made while no execution is under way is the real one.  One that outlives its execution
(a library that is not watched keeps it) starts afresh in the next, under a name of its own.
"""

from __future__ import annotations

from itertools import count
from typing import Any, ClassVar, Self

from raceproof.events import READ, Access, Guard, Location, Operation, SharedObject, ThreadId
from raceproof.world.scheduler import machine

NEVER = -1
"""The epoch of a primitive that has not taken part in an execution yet."""

_serials = count(1)


class Primitive:
    """Base of the simulated primitives.

    A subclass calls `_enter_world` once it is set up, implements `_start_afresh`, and starts each
    operation with `if self._epoch != machine.epoch: self._reenter_world()`.
    """

    __slots__ = ("__weakref__", "_epoch", "_serial")

    _label: ClassVar[str]
    """What the search and the reports call it."""
    _real_name: ClassVar[str] = "_thread.lock"
    """The type that the real one cannot be pickled for."""
    _original: ClassVar[Any]
    """What makes the real one; looked up in the very class, so that subclasses are simulated."""

    _epoch: int
    _serial: int
    _state_location: Location

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if not machine.active:
            original = cls.__dict__.get("_original")
            if original is not None:
                return original(*args, **kwargs)
        return object.__new__(cls)

    def _start_afresh(self, shared: SharedObject) -> None:
        """Be as if newly created, under this name."""
        raise NotImplementedError

    def _enter_world(self) -> None:
        self._serial = 0
        if machine.active:
            self._epoch = machine.epoch
            self._start_afresh(machine.objects.numbered(machine.current.tid, self._label))
        else:
            self._epoch = NEVER
            self._start_afresh(SharedObject(("outside", self._label), self._label))

    def _reenter_world(self) -> None:
        """Start afresh in another execution; the name is the same in all later ones."""
        if not self._serial:
            self._serial = next(_serials)
            if self._epoch >= machine.beginning:
                # It went by another name in the execution that made it.
                machine.learn(f"{self._label} {self._serial} is kept")
        self._enter_as(machine.naming.object(("kept", self._label, self._serial), self._label))

    @classmethod
    def under_name(cls, shared: SharedObject) -> Self:
        """A new one that goes by this name in the execution at hand."""
        made: Self = object.__new__(cls)
        made._serial = 0
        made._enter_as(shared)
        return made

    def _enter_as(self, shared: SharedObject) -> None:
        """Take part in the execution at hand, newly created, under this name."""
        self._epoch = machine.epoch
        self._start_afresh(shared)

    def part(self, name: str, label: str) -> SharedObject:
        """The name of a primitive in this one."""
        return machine.naming.object((self._state_location.owner.name, name), label)

    def holder(self) -> ThreadId | None:
        """The thread that holds this primitive, if it is one that threads hold."""
        return None

    def __reduce_ex__(self, _protocol: Any) -> Any:
        raise TypeError(f"cannot pickle '{self._real_name}' object")


def operation(
    shared: SharedObject,
    kind: str,
    *accesses: Access,
    guards: tuple[tuple[Location, Guard], ...] = (),
    key: Any = None,
) -> Operation:
    """The operation of this kind on `shared`: the same one in every execution.

    `key` tells apart operations of one kind that differ in more than their kind.
    """
    known = shared.operations
    name = kind if key is None else (kind, key)
    found = known.get(name)
    if found is None:
        found = known[name] = Operation(kind, accesses, guards=guards)
    return found


def look(shared: SharedObject, kind: str, place: Location) -> Operation:
    """An operation that looks at a place and changes nothing."""
    return operation(shared, kind, (place, READ))
