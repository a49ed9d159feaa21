"""`threading.local`: attributes that each virtual thread has for itself.

The attributes belong to the object, which keeps a dict for each thread, and vanish with the thread.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any, Final

from raceproof.world.execution import VirtualThread
from raceproof.world.scheduler import machine

LOCALS: Final = "locals"
"""Key in `VirtualThread.storage`: the objects in which the thread has attributes."""

RealLocal = threading.local
_get: Final = object.__getattribute__
_set: Final = object.__setattr__


class _AlsoRealLocals(type):
    """A real thread-local, made before the execution began, is a `threading.local` too."""

    def __instancecheck__(cls, instance: object) -> bool:
        return type.__instancecheck__(cls, instance) or (
            cls is local and isinstance(instance, RealLocal)
        )


def _enter(self: Any) -> None:
    """Have `self.__dict__` be the one of the running thread."""
    thread: VirtualThread | None = machine.current if machine.active else None
    if _get(self, "_local_thread") is thread:
        return
    dicts: dict[VirtualThread | None, dict[str, Any]] = _get(self, "_local_dicts")
    known = dicts.get(thread)
    outside = dicts.get(None)
    if known is None and outside and thread is not None and thread.path == ():
        known = _begin(self, thread)
        known.update(outside)  # what the main thread had in it before
    if known is None:
        known = _begin(self, thread)
        args, kwargs = _get(self, "_local_arguments")
        cls = type(self)
        if cls.__init__ is not object.__init__:
            cls.__init__(self, *args, **kwargs)
            # `__init__` may have let other threads run, which then had their own.
            _set(self, "__dict__", known)
    else:
        _set(self, "__dict__", known)
    _set(self, "_local_thread", thread)


def _begin(self: Any, thread: VirtualThread | None) -> dict[str, Any]:
    """Give `thread` (None: the world outside of executions) a dict of its own, and let it be in
    force."""
    known: dict[str, Any] = {}
    _get(self, "_local_dicts")[thread] = known
    _set(self, "__dict__", known)
    _set(self, "_local_thread", thread)
    if thread is not None:
        thread.storage.setdefault(LOCALS, []).append(weakref.ref(self))
    return known


class local(metaclass=_AlsoRealLocals):  # noqa: N801 - the name that `threading` prescribes
    """See the documentation of `threading.local`."""

    __slots__ = (
        "__dict__", "__weakref__", "_local_arguments", "_local_dicts", "_local_thread",
    )  # fmt: skip

    __module__ = "_thread"

    def __new__(cls, /, *args: Any, **kwargs: Any) -> Any:
        """The arguments are those of `__init__`, which runs once in each thread."""
        if (args or kwargs) and cls.__init__ is object.__init__:
            raise TypeError("Initialization arguments are not supported")
        if not machine.active and cls is local:
            return RealLocal()
        self = object.__new__(cls)
        _set(self, "_local_arguments", (args, kwargs))
        _set(self, "_local_dicts", {})
        # `__init__` is about to be called for the running thread: not once more for it.
        _begin(self, machine.current if machine.active else None)
        return self

    def __getattribute__(self, name: str) -> Any:
        _enter(self)
        return _get(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "__dict__":
            self._refuse()
        _enter(self)
        _set(self, name, value)

    def __delattr__(self, name: str) -> None:
        if name == "__dict__":
            self._refuse()
        _enter(self)
        object.__delattr__(self, name)

    def _refuse(self) -> None:
        name = type(self).__name__
        raise AttributeError(f"{name!r} object attribute '__dict__' is read-only")


def stand_in(real: Any) -> local:
    """A `local` in the place of a real one that was made before the execution."""
    found: local = object.__new__(local)
    _set(found, "_local_arguments", ((), {}))
    _set(found, "_local_dicts", {None: dict(real.__dict__)})
    _set(found, "_local_thread", local)  # nobody has looked at it so far
    return found


def drop_locals(thread: VirtualThread) -> None:
    """`thread` is over: its values are dropped, which may run their finalizers."""
    for reference in thread.storage.pop(LOCALS, ()):
        owner = reference()
        if owner is not None:
            dropped = _get(owner, "_local_dicts").pop(thread, None)
            if _get(owner, "_local_thread") is thread:
                _set(owner, "__dict__", {})
                _set(owner, "_local_thread", reference)
            del dropped
