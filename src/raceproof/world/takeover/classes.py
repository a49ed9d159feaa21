"""Real events, semaphores, queues and so on: inside of executions they lead to simulated ones.

Who derives a class from a real one writes code for the real ones, around its locks and conditions.
Where that code is what counts, it is run, and only what it has changed is put back.
"""

from __future__ import annotations

import functools
import queue
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Final

from raceproof.world.exits import inside
from raceproof.world.primitives.condition import Condition
from raceproof.world.primitives.simulated import Primitive
from raceproof.world.scheduler import machine
from raceproof.world.takeover import twins
from raceproof.world.takeover.known import is_known_here, stand_of

LOCK_METHODS: Final = ("acquire", "release", "_release_save", "_acquire_restore", "_is_owned")
"""What conditions keep bound to their lock."""
METHODS: Final[dict[type, tuple[str, ...]]] = {
    threading.Event: ("is_set", "isSet", "set", "clear", "wait", "_at_fork_reinit"),
    threading.Condition: (
        "__enter__", "__exit__", "wait", "notify", "notify_all", "notifyAll", "_at_fork_reinit",
    ),
    threading.Semaphore: ("__enter__", "__exit__", "acquire", "release"),
    threading.BoundedSemaphore: ("release",),
    threading.Barrier: ("wait", "reset", "abort"),
    queue.Queue: (
        "put", "get", "put_nowait", "get_nowait", "task_done", "join", "qsize", "empty", "full",
        "shutdown",
    ),
}  # fmt: skip
"""The methods that are diverted, as far as the version has them."""
ATTRIBUTES: Final[dict[type, tuple[str, ...]]] = {
    threading.Condition: LOCK_METHODS,
    threading.Semaphore: ("_value",),
    threading.Barrier: ("parties", "n_waiting", "broken"),
    queue.Queue: (
        "queue", "maxsize", "unfinished_tasks", "mutex", "not_empty", "not_full", "all_tasks_done",
        "is_shutdown",
    ),
}  # fmt: skip
"""The attributes that are diverted; classes or instances have them."""
BY_LOCKS: Final = (threading.Event, threading.Condition)
"""Classes with nothing to redefine: subclasses are diverted as well."""

_RealCondition: Final = threading.Condition
_real_wait_for: Final = _RealCondition.wait_for


def twin_of(real: Any) -> Any:
    """What stands for a real primitive in the execution at hand."""
    stand = stand_of(real)
    return stand.twin if stand.is_here else stand.enter(lambda name: _make(real, name))


def _make(real: Any, name: Hashable) -> Primitive:
    maker = twins.MAKERS.get(type(real))
    if maker is None:
        maker = twins.event if isinstance(real, BY_LOCKS[0]) else twins.condition
    label = type(real).__name__
    machine.learn(f"{label} {name}")
    return maker(real, machine.naming.object(name, label))


def _is_diverted(real: Any) -> bool:
    """Whether what is done to a real primitive is done to its twin."""
    return inside() and (type(real) in twins.MAKERS or isinstance(real, BY_LOCKS))


def _diverted(kind: type, name: str) -> Callable[..., Any]:
    original = getattr(kind, name)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_diverted(self):
            return getattr(twin_of(self), name)(*args, **kwargs)
        if inside():
            _rewind(self)
        return original(self, *args, **kwargs)

    return functools.update_wrapper(method, original)


def _rewind(real: Any) -> None:
    """If no execution has made `real`, have it be as it was before the first that met it."""
    stand = stand_of(real)
    if not stand.is_here:
        state, before = vars(real), stand.twin
        if before is None:
            before = _copied(state)
        else:
            state.clear()
            state.update(_copied(before))
        stand.be(before)


def _copied(state: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.copy() if isinstance(value, (list, deque)) else value
        for name, value in state.items()
    }


def _wait_for(self: Any, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
    """In terms of `self.wait`, which a subclass may have made its own."""
    if inside():
        return Condition.wait_for(self, predicate, timeout)
    return _real_wait_for(self, predicate, timeout)


def _initializing(kind: type) -> Callable[..., None]:
    original: Callable[..., None] = kind.__init__  # type: ignore[misc]

    def initialize(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if not inside() or next(base for base in type(self).__mro__ if base in METHODS) is not kind:
            return
        if _is_diverted(self):
            twin_of(self)  # now: its name tells who has made it
        else:
            stand_of(self).be(None)

    return functools.update_wrapper(initialize, original)


class _Attribute:
    """An attribute that is found before what the instance itself has."""

    def __init__(self, kind: type, name: str) -> None:
        self._name = name
        self._on_class: Any = vars(kind).get(name)

    def __get__(self, real: Any, owner: type) -> Any:
        if real is not None:
            if _is_diverted(real):
                return getattr(twin_of(real), self._name)
            if self._name in vars(real):
                return vars(real)[self._name]
        if self._on_class is None:
            raise AttributeError(f"{owner.__name__!r} object has no attribute {self._name!r}")
        return self._on_class.__get__(real, owner)

    def __set__(self, real: Any, value: Any) -> None:
        # Whoever initializes it has no twin yet.
        if self._name not in LOCK_METHODS and _is_diverted(real) and is_known_here(real):
            setattr(twin_of(real), self._name, value)
        else:
            vars(real)[self._name] = value


def replacements() -> Iterator[tuple[type, str, Any]]:
    """What replaces attributes of the real classes while a program is explored."""
    for kind, names in METHODS.items():
        yield kind, "__init__", _initializing(kind)
        for name in names:
            if hasattr(kind, name):
                yield kind, name, _diverted(kind, name)
        for name in ATTRIBUTES.get(kind, ()):
            yield kind, name, _Attribute(kind, name)
    yield _RealCondition, "wait_for", functools.update_wrapper(_wait_for, _real_wait_for)
