"""`threading.local`: attributes that each virtual thread has for itself.

An object keeps nothing but the arguments that its attributes start from; the attributes live with
the thread, and vanish with it.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any, Final

from raceproof.world.execution import VirtualThread
from raceproof.world.scheduler import machine

LOCALS: Final = "locals"
"""Key in `VirtualThread.storage`: the attributes of the thread, by object."""

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
    dicts: dict[Any, dict[str, Any]]
    if thread is None:
        dicts = _get(self, "_local_outside")
    else:
        dicts = thread.storage.setdefault(LOCALS, {})
    key = _get(self, "_local_key")
    known = dicts.get(key)
    outside = _get(self, "_local_outside").get(key)
    if known is None and outside and thread is not None and thread.path == ():
        known = dicts[key] = dict(outside)  # what the main thread had in it before
    if known is None:
        known = dicts[key] = {}
        _set(self, "__dict__", known)
        _set(self, "_local_thread", thread)
        args, kwargs = _get(self, "_local_arguments")
        cls = type(self)
        if cls.__init__ is not object.__init__:
            cls.__init__(self, *args, **kwargs)
            # `__init__` may have let other threads run, which then had their own.
            _set(self, "__dict__", known)
    else:
        _set(self, "__dict__", known)
    _set(self, "_local_thread", thread)


class local(metaclass=_AlsoRealLocals):  # noqa: N801 - the name that `threading` prescribes
    """See the documentation of `threading.local`."""

    __slots__ = (
        "__dict__", "__weakref__", "_local_arguments", "_local_key", "_local_outside",
        "_local_thread",
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
        _set(self, "_local_key", _Key(self))
        _set(self, "_local_outside", {})
        # `__init__` is about to be called for the running thread: not once more for it.
        thread = machine.current if machine.active else None
        if thread is None:
            dicts = _get(self, "_local_outside")
        else:
            dicts = thread.storage.setdefault(LOCALS, {})
        dicts[_get(self, "_local_key")] = _get(self, "__dict__")
        _set(self, "_local_thread", thread)
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
    key = _Key(found)
    _set(found, "_local_arguments", ((), {}))
    _set(found, "_local_key", key)
    _set(found, "_local_outside", {key: dict(real.__dict__)})
    _set(found, "_local_thread", key)  # nobody has looked at it so far
    return found


class _Key:
    """Stands for a `local` in the storage of threads, without keeping it alive."""

    __slots__ = ("owner",)

    def __init__(self, owner: Any) -> None:
        self.owner = weakref.ref(owner)


def drop_locals(thread: VirtualThread) -> None:
    """`thread` is over: its values are dropped, which may run their finalizers."""
    dicts: dict[_Key, dict[str, Any]] = thread.storage.pop(LOCALS, {})
    for key in dicts:
        owner = key.owner()
        if owner is not None and _get(owner, "_local_thread") is thread:
            _set(owner, "__dict__", {})
            _set(owner, "_local_thread", key)
