"""Objects of classes that were derived from the real `threading.local`, wherever they are kept.

What such an object has in the running thread of the operating system is one dict, which virtual
threads that share it would share.  So whoever looks at the object finds his own contents in it.
"""

from __future__ import annotations

import _thread
import gc
import threading
import weakref
from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any, Final

from raceproof.world.execution import VirtualThread
from raceproof.world.exits import inside
from raceproof.world.scheduler import machine

CONTENTS: Final = "contents of real locals"
"""Key in `VirtualThread.storage`: what a thread has in each object, by its identity."""
METHODS: Final = ("__getattribute__", "__setattr__", "__delattr__")

_Real: Final = threading.local
_get: Final = threading.local.__getattribute__
_ident: Final = _thread.get_ident


class _Slot:
    """An object in one thread of the operating system."""

    __slots__ = ("outside", "owner")

    def __init__(self) -> None:
        self.owner: VirtualThread | None = None
        """Whose contents are in the dict; None: those from outside of executions."""
        self.outside: dict[str, Any] = {}
        """Those, while they are not in it."""


class PerThread:
    """The objects that were met in an exploration."""

    def __init__(self) -> None:
        self._slots: dict[tuple[int, int], _Slot] = {}
        self._met: dict[int, weakref.ref[Any]] = {}
        self._outside: dict[int, dict[str, Any]] = {}
        """What objects have outside of executions, where those run in other threads."""

    def note_outside(self, kinds: Iterable[type]) -> None:
        """Executions will not run in the running thread: take down what objects have in it."""
        found = list(kinds)
        for kind in found:
            found += kind.__subclasses__()
        for real in gc.get_referrers(*found) if found else ():
            if type(real) in found:
                self._outside[id(real)] = dict(_get(real, "__dict__"))

    def classes(self, left_alone: Container[str]) -> Iterator[type]:
        """The classes directly derived from the real one, except for those of some packages."""
        for kind in _Real.__subclasses__():
            if kind.__module__.partition(".")[0] not in left_alone:
                yield kind

    def methods(self, kind: type) -> Iterator[tuple[str, Callable[..., Any]]]:
        """What replaces methods of such a class while a program is explored."""
        for name in METHODS:
            yield name, self._entering(getattr(kind, name))

    def _entering(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def method(real: Any, *args: Any) -> Any:
            self._enter(real)
            return original(real, *args)

        return method

    def _enter(self, real: Any) -> None:
        """Have the contents of the running thread in the dict."""
        thread = machine.current if inside() else None
        key = (id(real), _ident())
        slot = self._slots.get(key)
        if slot is None:
            if thread is None:
                return
            slot = self._slots[key] = _Slot()
            self._met[id(real)] = weakref.ref(real, self._forget)
        if slot.owner is thread:
            return
        contents: dict[str, Any] = _get(real, "__dict__")
        if slot.owner is None:
            slot.outside = dict(contents)
        else:
            slot.owner.storage.setdefault(CONTENTS, {})[id(real)] = dict(contents)
        slot.owner = thread
        known: dict[str, Any] | None = slot.outside
        if thread is not None:
            main = self._outside.get(id(real), known) if thread.path == () else None
            known = thread.storage.get(CONTENTS, {}).get(id(real), main)
        contents.clear()
        if known is not None:
            contents.update(known)
        elif type(real).__init__ is not object.__init__:
            args, kwargs = _arguments(real)
            type(real).__init__(real, *args, **kwargs)

    def _forget(self, reference: weakref.ref[Any]) -> None:
        gone = [number for number, known in self._met.items() if known is reference]
        for number in gone:
            del self._met[number]
            for key in [key for key in self._slots if key[0] == number]:
                del self._slots[key]

    def restore(self) -> None:
        """The exploration is over: all objects have what they had before."""
        for reference in list(self._met.values()):
            real = reference()
            if real is not None:
                self._enter(real)
        self._slots.clear()
        self._met.clear()
        self._outside.clear()


def _arguments(real: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What the object was made with: `__init__` gets it in each thread."""
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}
    for thing in gc.get_referents(real):
        if type(thing) is tuple:
            args = thing
        elif type(thing) is dict and thing and all(isinstance(key, str) for key in thing):
            kwargs = thing
    return args, kwargs
