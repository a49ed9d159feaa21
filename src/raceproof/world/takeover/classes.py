"""Real events and conditions: inside of executions their methods lead to simulated ones.

Semaphores, barriers and queues are Python code around a condition, which does the same for them.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Final

from raceproof.events import SharedObject
from raceproof.world.exits import inside
from raceproof.world.primitives.condition import Condition
from raceproof.world.primitives.event import Event
from raceproof.world.scheduler import machine
from raceproof.world.takeover.known import stand_of
from raceproof.world.takeover.locks import locks, rlocks

METHODS: Final[dict[type, tuple[str, ...]]] = {
    threading.Event: ("is_set", "isSet", "set", "clear", "wait", "_at_fork_reinit"),
    threading.Condition: (
        "__enter__", "__exit__", "wait", "notify", "notify_all", "notifyAll", "_at_fork_reinit",
    ),
}  # fmt: skip
"""The methods that are diverted."""
LOCK_METHODS: Final = ("acquire", "release", "_release_save", "_acquire_restore", "_is_owned")
"""What conditions keep bound to their lock."""


class _TwinCondition(Condition):
    """Stands for a real condition, whose name it gets."""

    def __init__(self, lock: Any, shared: SharedObject) -> None:
        super().__init__(lock)
        self._enter_as(shared)

    def _enter_world(self) -> None:
        self._serial = 0


def twin_of(real: Any) -> Any:
    """What stands for a real event or condition in the execution at hand."""
    stand = stand_of(real)
    return stand.twin if stand.is_here else stand.enter(lambda name: _make(real, name))


def _make(real: Any, name: Hashable) -> Event | Condition:
    kind = Event if isinstance(real, _Event) else Condition
    shared = machine.naming.object(name, kind._label)
    machine.learn(f"{kind._label} {name}")
    if kind is Condition:
        return _TwinCondition(_simulated_lock(real.__dict__["_lock"]), shared)
    twin = Event.under_name(shared)
    twin._state_location.state = real._flag
    return twin


def _simulated_lock(lock: Any) -> Any:
    for kind in (locks, rlocks):
        if isinstance(lock, kind.real):
            twin = kind.twin_of(lock, loud=True)
            return twin.ordinary or twin
    return lock


_Event: Final = threading.Event
_Condition: Final = threading.Condition
_real_wait_for: Final = threading.Condition.wait_for


def _diverted(kind: type, name: str) -> Callable[..., Any]:
    original = getattr(kind, name)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if inside():
            return getattr(twin_of(self), name)(*args, **kwargs)
        return original(self, *args, **kwargs)

    return functools.update_wrapper(method, original)


def _wait_for(self: Any, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
    """In terms of `self.wait`, which a subclass may have made its own."""
    if inside():
        return Condition.wait_for(self, predicate, timeout)
    return _real_wait_for(self, predicate, timeout)


def _initializing(kind: type) -> Callable[..., None]:
    original: Callable[..., None] = kind.__init__  # type: ignore[misc]

    def initialize(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if inside():
            twin_of(self)  # now: its name tells who has made it

    return functools.update_wrapper(initialize, original)


class _LockMethod:
    """An attribute of conditions that is found before what the instance itself has."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._on_class: Any = vars(_Condition).get(name)

    def __get__(self, condition: Any, owner: type) -> Any:
        if condition is not None:
            if inside():
                return getattr(twin_of(condition), self._name)
            if self._name in condition.__dict__:
                return condition.__dict__[self._name]
        if self._on_class is None:
            raise AttributeError(f"{owner.__name__!r} object has no attribute {self._name!r}")
        return self._on_class.__get__(condition, owner)

    def __set__(self, condition: Any, value: Any) -> None:
        condition.__dict__[self._name] = value


def replacements() -> Iterator[tuple[type, str, Any]]:
    """What replaces attributes of the real classes while a program is explored."""
    for kind, names in METHODS.items():
        yield kind, "__init__", _initializing(kind)
        for name in names:
            yield kind, name, _diverted(kind, name)
    yield _Condition, "wait_for", functools.update_wrapper(_wait_for, _real_wait_for)
    for name in LOCK_METHODS:
        yield _Condition, name, _LockMethod(name)
