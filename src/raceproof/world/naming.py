"""Names for threads and objects that are the same in every execution.

A thread is called by its path (parent, how-manyth child); an object by the thread that first
showed it, the place in the source where that happened, and a count.  `id()` would differ from run
to run, and the search could not tell that two executions touch the same thing.
"""

from __future__ import annotations

import enum
import logging
import os
import types
import weakref
from collections.abc import Callable, Hashable
from hashlib import blake2b
from typing import Any, Final

from raceproof.events import STATE, Operation, SharedObject, ThreadId
from raceproof.world.plain_facts import home_of, name_of, name_of_module, qualified_name_of

ThreadPath = tuple[int, ...]

IMMUTABLE: Final[frozenset[type]] = frozenset(
    {
        int, float, complex, bool, str, bytes, type(None), type(...), type(NotImplemented),
        range, slice, type, frozenset, tuple,
        types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType,
        types.CodeType, types.GetSetDescriptorType, types.MemberDescriptorType,
        types.MethodDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType,
        classmethod, staticmethod, property, enum.EnumMeta, weakref.ref,
    }
)  # fmt: skip
"""Types whose values need no name: nothing about them can change (or they name themselves)."""


LOGGERS: Final = (logging.Logger, logging.RootLogger)


class Naming:
    """The names given so far, shared by all the executions of one exploration."""

    def __init__(self) -> None:
        self.paths: list[ThreadPath] = [()]
        self._thread_ids: dict[ThreadPath, ThreadId] = {(): 0}
        self.objects: dict[Hashable, SharedObject] = {}
        self.spins: dict[Hashable, Operation] = {}
        """Operations of threads that go round in a loop, by what they look at."""
        self.threads: Final = SharedObject(("threads",), "threading").location(STATE)
        """The place that says which threads there are."""
        self.time: Final = SharedObject(("time",), "time").location(STATE)
        """The place of everything that happens because time has passed while threads slept."""

    def thread_id(self, path: ThreadPath) -> ThreadId:
        """The index of the thread with this path, given out at its first appearance."""
        found = self._thread_ids.get(path)
        if found is None:
            found = self._thread_ids[path] = len(self.paths)
            self.paths.append(path)
        return found

    def object(self, name: Hashable, label: str) -> SharedObject:
        """The shared object of this name; `label` is what reports call it."""
        found = self.objects.get(name)
        if found is None:
            found = self.objects[name] = SharedObject(name, label)
        return found


def rank_among(shared: SharedObject) -> int:
    """A number to put objects in an order that is the same in every execution and every process."""
    return int.from_bytes(blake2b(repr(shared.name).encode(), digest_size=6).digest(), "big")


class ObjectTable:
    """Which live object has which name in the execution at hand."""

    __slots__ = ("_counts", "_kept", "_naming", "by_id", "on_create", "permanent")

    def __init__(self, naming: Naming) -> None:
        self._naming = naming
        self.by_id: dict[int, SharedObject] = {}
        self._kept: list[object] = []
        self._counts: dict[Hashable, int] = {}
        self.on_create: Callable[[SharedObject], None] | None = None
        """Told of each primitive that is made, in replays that report."""
        self.permanent: dict[int, SharedObject] = {}
        """Names of objects that were there before the first execution and will be there after the
        last; somebody else keeps them alive."""

    def clear(self) -> None:
        """Forget the objects of the last execution."""
        self.by_id.clear()
        self.by_id.update(self.permanent)
        self._kept.clear()
        self._counts.clear()

    def name(self, thing: Any, giver: ThreadId, where: Hashable, label: str = "") -> SharedObject:
        """Name `thing`, unless it has a name already.

        `giver` and `where` (a site, or what kind of thing it is) make the name; both depend on
        nothing but what the giving thread itself has done, so the name does not depend on the
        order of the threads.  `label` is for reports (default: the name of its type).
        """
        found = self.by_id.get(id(thing))
        if found is not None:
            return found
        tp = type(thing)
        name: Hashable
        if tp is types.ModuleType:
            label = name_of_module(thing)
            name = ("module", label)
            if label == "__main__":
                label = ""
        elif issubclass(tp, type):
            label = qualified_name_of(thing).rpartition("<locals>.")[2]
            name = self._numbered(("class", home_of(thing), label))
        elif tp in LOGGERS:  # there is one of each name, whoever comes upon it first
            name, label = ("logger", thing.name), f"logger {thing.name!r}"
        elif thing is os.environ:
            name, label = ("environment",), "os.environ"
        else:
            name = self._numbered((giver, where, name_of(tp)))
            label = label or name_of(tp)
        return self.adopt(thing, self._naming.object(name, label))

    def adopt(self, thing: Any, shared: SharedObject) -> SharedObject:
        """Let `shared` stand for `thing` for the rest of the execution."""
        key = id(thing)
        self.by_id[key] = shared
        # An id may be used again once its object is gone.  Watch for that where it is possible,
        # so as not to keep alive what the program wants to see die; else keep the object.
        try:
            self._kept.append(weakref.ref(thing, self._forgetter(key)))
        except TypeError:
            self._kept.append(thing)
        return shared

    def name_for_good(self, thing: Any, name: Hashable, label: str) -> None:
        """Name an object that outlives the executions, from the next one on."""
        self.permanent[id(thing)] = self._naming.object(name, label)

    def numbered(self, giver: ThreadId, kind: str) -> SharedObject:
        """A shared object for something that `giver` is creating: its how-manyth `kind`."""
        shared = self._naming.object(self._numbered((giver, kind)), kind)
        if self.on_create is not None:
            self.on_create(shared)
        return shared

    def _numbered(self, stem: tuple[Hashable, ...]) -> Hashable:
        count = self._counts.get(stem, 0)
        self._counts[stem] = count + 1
        return (*stem, count)

    def _forgetter(self, key: int) -> Callable[[object], None]:
        by_id = self.by_id

        def forget(_: object) -> None:
            by_id.pop(key, None)

        return forget
