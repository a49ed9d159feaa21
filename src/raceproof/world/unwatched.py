"""Accesses to data that code which is not watched makes, announced on its behalf.

The standard library is not watched, but some of it works with what the program's threads share: the
simulation of such a part says, with the functions here, what it is about to read or write.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

from raceproof.events import Access, Operation, SharedObject
from raceproof.world.scheduler import machine


def is_watched(function: Any) -> bool:
    """Whether calling `function` runs watched code, as far as can be told without calling it."""
    while True:
        if isinstance(function, types.FunctionType):
            return function.__code__.co_filename in machine.watched_files
        if isinstance(function, functools.partial):
            function = function.func
        elif isinstance(function, types.MethodType | classmethod | staticmethod):
            function = function.__func__
        elif isinstance(function, type):
            makers = (vars(cls).get(name) for cls in function.__mro__ for name in _MAKERS)
            return any(isinstance(maker, types.FunctionType) and is_watched(maker)
                       for maker in makers)  # fmt: skip
        else:
            calls = (vars(cls).get("__call__") for cls in type(function).__mro__)
            call = next((found for found in calls if found is not None), None)
            return isinstance(call, types.FunctionType) and is_watched(call)


_MAKERS = ("__init__", "__new__")


def named(thing: Any, where: str) -> SharedObject:
    """The name of a live object; if it has none, `where` (what kind of use) makes one."""
    found = machine.objects.by_id.get(id(thing))
    return machine.objects.name(thing, machine.current.tid, where) if found is None else found


def data_operation(shared: SharedObject, kind: str, accesses: tuple[Access, ...]) -> Operation:
    """The operation of this kind with these accesses: the same one in every execution."""
    key = (kind, accesses)
    found = shared.operations.get(key)
    if found is None:
        found = shared.operations[key] = Operation(kind, accesses, data=True)
    return found


def announce(operation: Operation, subject: Any = None) -> None:
    """The running thread is about to do this; returns when it may."""
    if machine.watching:
        machine.access(operation, subject)


def announce_as_met(operation: Callable[[], Operation], subject: Any = None) -> None:
    """The same for an operation whose footprint depends on the state that it meets."""
    if machine.watching:
        found = operation()
        if machine.reserve(found):
            found = operation()
        machine.commit(found, subject)
