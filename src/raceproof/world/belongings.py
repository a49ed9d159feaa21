"""What the modules of a function keep between calls: found, kept in mind, and put back.

Modules that are not executed anew for each execution would hand on what one execution leaves
behind to the next: globals, attributes of classes and objects, the contents of containers.  All
that can be reached from there is noted once, and put back where an execution has changed it.
"""

from __future__ import annotations

import builtins
import enum
import functools
import io
import logging
import sys
import threading
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from raceproof.world.kept import (
    Kept,
    KeptBytes,
    KeptClass,
    KeptDefaults,
    KeptDict,
    KeptNamespace,
    KeptSequence,
    KeptSet,
    KeptSlot,
    Put,
    is_cache,
)
from raceproof.world.naming import IMMUTABLE
from raceproof.world.primitives.simulated import Primitive
from raceproof.world.record import is_own_file
from raceproof.world.renewal import Renewal, needs_renewal
from raceproof.world.scheduler import machine

MAX_OBJECTS: Final = 100_000
"""So many objects are looked at, the nearest first."""
MAX_ELEMENTS: Final = 10_000
"""Containers with more elements are taken as they are."""
HEAP_TYPE: Final = 1 << 9
SCALARS: Final = frozenset(
    {int, float, complex, bool, str, bytes, type(None), type(...), type(NotImplemented), range,
     slice, types.CodeType, types.BuiltinFunctionType, types.MethodDescriptorType,
     types.WrapperDescriptorType, types.MethodWrapperType, types.GetSetDescriptorType,
     types.MemberDescriptorType, types.FrameType, types.TracebackType}
)  # fmt: skip
LEFT_OUT: Final = frozenset(
    {"raceproof", "pytest", "_pytest", "pluggy", "hypothesis", "execnet", "xdist", "coverage",
     "greenlet", "logging", "importlib", "_frozen_importlib", "_frozen_importlib_external", "re",
     "typing", "abc", "_abc", "ctypes", "_thread", "IPython", "traitlets", "ipykernel", "zmq"}
)  # fmt: skip
"""Objects of these packages are left alone: ours, those we stand on, and those that do not change
or whose state somebody else looks after."""


class Root(NamedTuple):
    """Where to begin: an object, and how a person would call it."""

    label: str
    value: Any
    shown: str = ""
    """How reports call it, if not by its type."""


class Slot(NamedTuple):
    """A place in a container: what is there, and how to put something else there."""

    label: str
    value: Any
    put: Put
    shown: str = ""


class Globals(NamedTuple):
    """As a root: the globals of a module."""

    namespace: dict[str, Any]


class Belongings:
    """All that can be reached from some roots, as it is when this is made."""

    def __init__(
        self,
        roots: Iterable[Root],
        is_own: Callable[[str], bool],
        replaced: dict[int, tuple[Any, Any]] | None = None,
    ) -> None:
        """`is_own` says whether a module, by its name, is one of the project.

        `replaced` maps the identity of what the world stands in for to (it, its replacement).
        """
        self._is_own = is_own
        self._replaced = replaced or {}
        self._kept: list[Kept] = []
        self._renewed: list[tuple[Put, Any]] = []
        self._is_renewed_now = False
        self._seen: dict[int, Any] = {}
        self._waiting: deque[Root] = deque()
        self._named: list[tuple[Any, str]] = []
        self.changed: dict[str, None] = {}
        """What executions have changed, by its label."""
        self.lasting: dict[str, str] = {}
        """What cannot be put back: its label, and its type."""
        self.complete = True
        """Everything was looked at."""
        for known in (builtins.__dict__, sys.modules):
            self._seen[id(known)] = known
        for label, value, _ in roots:
            if isinstance(value, Globals):
                self._seen[id(value.namespace)] = value.namespace
                self.namespace(label, value.namespace)
            else:
                self._meet(label, value)
        while self._waiting:
            if len(self._seen) > MAX_OBJECTS:
                self.complete = False
                self._waiting.clear()
                break
            self._visit(*self._waiting.popleft())

    def restore(self) -> None:
        """Put everything back, and note what was changed."""
        for put, old in self._renewed if self._is_renewed_now else ():
            try:
                put(old)  # that a lock is another one now is no change
            except (IndexError, AttributeError):
                pass  # there is no such place any more; the container will have it again
        self._is_renewed_now = False
        for kept in self._kept:
            if kept.restore():
                self.changed[kept.label] = None

    def renew(self) -> None:
        """In the main thread of a new execution: make anew what has to be."""
        self._is_renewed_now = True
        renewal = Renewal()
        told, machine.objects.on_create = machine.objects.on_create, None
        for put, old in self._renewed:
            found = self._replaced.get(id(old))
            put(renewal.of(old) if found is None else found[1])
        machine.objects.on_create = told

    # -- looking around --------------------------------------------------------------------------

    def give_names(self) -> None:
        """What can be reached is known to all executions by the same names."""
        objects = machine.objects
        for number, (thing, shown) in enumerate(self._named):
            objects.name_for_good(thing, ("kept", number), shown or type(thing).__name__)

    def _meet(self, label: str, value: Any, shown: str = "") -> None:
        """Look at a value later, unless there is nothing to see."""
        tp = type(value)
        if tp in SCALARS or id(value) in self._seen:
            return
        self._seen[id(value)] = value
        self._waiting.append(Root(label, value, shown))

    def _visit(self, label: str, value: Any, shown: str) -> None:
        tp = type(value)
        if tp not in IMMUTABLE:
            is_container = isinstance(value, dict | list | set | deque | bytearray)
            self._named.append((value, shown if is_container else ""))
        if tp is dict or (isinstance(value, dict) and tp.__module__ != "builtins"):
            self._dict(label, value)
        elif isinstance(value, list | deque):
            self._sequence(label, value)
        elif isinstance(value, set):
            if len(value) <= MAX_ELEMENTS:
                self._keep(KeptSet(label, value), ())
                for element in set.__iter__(value):
                    self._meet(label, element)
        elif isinstance(value, tuple | frozenset):
            for element in value if len(value) <= MAX_ELEMENTS else ():
                self._meet(label, element)
        elif isinstance(value, bytearray):
            self._keep(KeptBytes(label, value), ())
        elif isinstance(value, types.FunctionType):
            self._function(label, value)
        elif isinstance(value, type):
            self._class(label, value)
        elif isinstance(value, types.MethodType):
            self._meet(label, value.__self__)
            self._meet(label, value.__func__)
        elif isinstance(value, staticmethod | classmethod):
            self._meet(label, value.__func__)
        elif isinstance(value, property):
            for function in (value.fget, value.fset, value.fdel):
                self._meet(label, function)
        elif isinstance(value, functools.partial):
            for part in (value.func, value.args, value.keywords):
                self._meet(label, part)
        elif not isinstance(value, types.ModuleType | Primitive | enum.Enum | logging.Logger):
            self._object(label, value)

    def _keep(self, kept: Kept, slots: Iterable[Slot]) -> None:
        """Keep a container in mind whose contents are in these slots."""
        self._kept.append(kept)
        for label, value, put, shown in slots:
            if type(value) in SCALARS and id(value) not in self._replaced:
                continue
            if self._is_renewed(value):
                self._renewed.append((put, value))
            else:
                self._meet(label, value, shown)

    def _is_renewed(self, value: Any) -> bool:
        found = self._replaced.get(id(value))
        return (found is not None and found[0] is value) or needs_renewal(value)

    def _dict(self, label: str, value: dict[Any, Any]) -> None:
        if len(value) > MAX_ELEMENTS:
            return
        put = dict.__setitem__
        self._keep(
            KeptDict(label, value),
            [Slot(label, v, functools.partial(put, value, k)) for k, v in dict.items(value)],
        )
        if type(value) is not dict:
            self._attributes(label, value)

    def _sequence(self, label: str, value: Any) -> None:
        if len(value) > MAX_ELEMENTS:
            return
        put = type(value).__setitem__ if type(value) in (list, deque) else list.__setitem__
        self._keep(
            KeptSequence(label, value),
            [Slot(label, v, functools.partial(put, value, i)) for i, v in enumerate(value)],
        )
        if type(value) not in (list, deque):
            self._attributes(label, value)

    def namespace(self, label: str, namespace: dict[str, Any], owner: str = "") -> None:
        """The globals of a module, or the attributes of an object of the type `owner`."""
        prefix = f"{label}." if label else ""
        above = f"{owner}." if owner else ""
        self._keep(
            KeptNamespace(label, namespace),
            [
                Slot(
                    f"{prefix}{name}",
                    value,
                    functools.partial(namespace.__setitem__, name),
                    f"{above}{name}",
                )
                for name, value in list(namespace.items())
                if not (name.startswith("__") and name.endswith("__"))
            ],
        )

    def _function(self, label: str, value: types.FunctionType) -> None:
        # Wrappers of ours bear the names of what they wrap.
        if top_of(value.__module__) in LEFT_OUT or is_own_file(value.__code__.co_filename):
            return
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=False):
            if id(cell) not in self._seen:
                self._seen[id(cell)] = cell
                self._cell(f"{label}.{name}", cell)
        if value.__defaults__:
            self._defaults(label, value)
        if value.__kwdefaults__:
            self._meet(label, value.__kwdefaults__)
        if value.__dict__:
            self.namespace(label, value.__dict__)
        space = value.__globals__
        # Code that a library has put together has globals of its own.
        if "__spec__" not in space and self._is_made_up(value) and id(space) not in self._seen:
            self._seen[id(space)] = space
            self.namespace(label, space)

    @staticmethod
    def _is_made_up(function: types.FunctionType) -> bool:
        return function.__code__.co_filename.startswith("<")

    def _cell(self, label: str, cell: types.CellType) -> None:
        try:
            value = cell.cell_contents
        except ValueError:
            return  # empty

        def get() -> Any:
            return cell.cell_contents

        def put(new: Any) -> None:
            cell.cell_contents = new

        name = label.rpartition(".")[2]
        self._keep(KeptSlot(label, get, put), [Slot(label, value, put, name)])

    def _defaults(self, label: str, function: types.FunctionType) -> None:
        defaults = function.__defaults__ or ()

        def put_at(position: int, new: Any) -> None:
            now = list(function.__defaults__ or ())
            now[position] = new
            function.__defaults__ = tuple(now)

        self._keep(
            KeptDefaults(label, function),
            [Slot(label, v, functools.partial(put_at, i)) for i, v in enumerate(defaults)],
        )

    def _class(self, label: str, cls: type) -> None:
        if not cls.__flags__ & HEAP_TYPE or not self._is_own(cls.__module__):
            return
        label = f"{cls.__module__}.{cls.__qualname__}"
        attributes = [
            Slot(
                f"{label}.{name}",
                value,
                functools.partial(type.__setattr__, cls, name),
                f"{cls.__name__}.{name}",
            )
            for name, value in cls.__dict__.items()
            if not is_cache(name) or isinstance(value, types.FunctionType)
        ]
        self._keep(KeptClass(label, cls), attributes)

    def _object(self, label: str, value: Any) -> None:
        tp = type(value)
        if top_of(tp.__module__) in LEFT_OUT:
            return
        if not any(cls.__flags__ & HEAP_TYPE for cls in tp.__mro__) or isinstance(value, io.IOBase):
            if not hasattr(tp, "__get__"):
                self.lasting[label] = tp.__name__
            return
        if isinstance(value, threading.Thread) and value.is_alive():
            return  # it is running, out of control
        self._attributes(label, value)

    def _attributes(self, label: str, value: Any) -> None:
        for name, member in slots_of(type(value)):
            content = slot_value(member, value)
            get = functools.partial(slot_value, member, value)
            put = functools.partial(put_into_slot, member, value)
            shown = f"{type(value).__name__}.{name}"
            slot = Slot(f"{label}.{name}", content, put, shown)
            self._keep(KeptSlot(slot.label, get, put), [slot])
        try:
            namespace = object.__getattribute__(value, "__dict__")
        except AttributeError:
            return
        if type(namespace) is dict and id(namespace) not in self._seen:
            self._seen[id(namespace)] = namespace
            self.namespace(label, namespace, type(value).__name__)


def top_of(module: Any) -> str:
    """The package that a module belongs to."""
    return module.partition(".")[0] if isinstance(module, str) else ""


def slot_value(member: Any, owner: Any) -> Any:
    """What is in a slot; the slot itself if nothing is."""
    try:
        return member.__get__(owner)
    except AttributeError:
        return member


def put_into_slot(member: Any, owner: Any, value: Any) -> None:
    """Undo `slot_value`."""
    if value is member:
        member.__delete__(owner)
    else:
        member.__set__(owner, value)


def slots_of(tp: type) -> Iterator[tuple[str, Any]]:
    """The slots of a class written in Python, private ones too."""
    for cls in tp.__mro__:
        if cls.__flags__ & HEAP_TYPE and "__slots__" in cls.__dict__:
            for name, member in cls.__dict__.items():
                if type(member) is types.MemberDescriptorType:
                    yield name, member
