"""An execution told step by step: who did what where, with the values it read and wrote.

During a search nothing of this is recorded.  A finding's interleaving is run once more with a
`Narrator` listening, which has the live objects at hand.
"""

from __future__ import annotations

import linecache
import os
import re
import reprlib
import sys
import types
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from raceproof.events import WRITE, Location, Operation, SharedObject, Site, WholeObject
from raceproof.judge.findings import Place
from raceproof.world.execution import Observer, VirtualThread

UNKNOWN_PLACE: Final = Place("", 0, "")
SCALARS: Final = (int, float, complex, bool, str, bytes, type(None), range)
BUILTIN: Final = (list, tuple, dict, set, frozenset, deque, bytearray, str, bytes)
"""Containers that can be looked into without running code of the program.  (Nor may `isinstance`
be asked about its objects: their `__class__` may be a property.)"""
TAKES: Final = frozenset({"acquire", "try acquire", "reacquire", "wake"})
GIVES: Final = frozenset({"release", "wait"})
_ASSIGNED: Final = re.compile(r"^\s*([A-Za-z_][\w.]*)(?:\s*:\s*[^=]+)?\s*=[^=]")


@dataclass(slots=True)
class Told:
    """One event with everything that a report may want to know."""

    index: int
    thread: VirtualThread
    operation: Operation
    place: Place
    value: str = ""
    old: str = ""
    held: tuple[str, ...] = ()
    preempted: bool = False
    blocked: bool = False


@dataclass(slots=True)
class Narrator(Observer):
    """Listens to one execution."""

    sites: Sequence[Site]
    sources: Mapping[str, str]
    """The watched files: places outside of them are not the user's."""
    story: list[Told] = field(default_factory=list)
    taken: dict[Location, tuple[VirtualThread, Place]] = field(default_factory=dict)
    """Locks held at present: by whom, and where they were taken."""
    announced: dict[int, Place] = field(default_factory=dict)
    """Thread -> where it stood still last."""
    waiting: set[int] = field(default_factory=set)
    """The threads that have to wait."""
    made: dict[SharedObject, Place] = field(default_factory=dict)
    """Where primitives were created."""
    names: dict[SharedObject, str] = field(default_factory=dict)
    """What the program calls primitives where it uses them."""
    _held: dict[int, list[Location]] = field(default_factory=dict)
    _unresolved: dict[int, tuple[Told, Any]] = field(default_factory=dict)

    # -- Observer --------------------------------------------------------------------------------

    def on_create(self, shared: SharedObject) -> None:
        """A primitive is being made."""
        self.made.setdefault(shared, self._caller())

    def on_event(
        self, index: int, thread: VirtualThread, operation: Operation, subject: Any
    ) -> None:
        """See `Observer`."""
        self._resolve(thread)
        place = self._place_of(operation)
        if not operation.data and operation.kind not in (
            "start",
            "begin",
            "finish",
            "join",
            "sleep",
        ):
            self._learn_name(operation.accesses[0][0].owner, subject)
        held = tuple(self.name_of(location) for location in self._held.get(thread.tid, ()))
        told = Told(index, thread, operation, place, held=held)
        told.blocked = thread.tid in self.waiting
        self.waiting.discard(thread.tid)
        if operation.data:
            present = self._peek(operation, subject)
            if operation.accesses[0][1] == WRITE:
                told.old = present
                self._unresolved[thread.tid] = (told, subject)
            else:
                told.value = present
        self.story.append(told)
        self._follow_locks(thread, operation, place)

    def on_announce(self, thread: VirtualThread, operation: Operation, blocked: bool) -> None:
        """See `Observer`."""
        self.announced[thread.tid] = self._place_of(operation)
        if blocked:
            self.waiting.add(thread.tid)

    def on_end(self, thread: VirtualThread) -> None:
        """See `Observer`."""
        from raceproof.judge.explain import label_of  # it builds on this module

        thread.storage["label"] = label_of(thread)

    def on_switch(self, index: int, source: VirtualThread, target: VirtualThread) -> None:
        """See `Observer`."""
        self._resolve(source)
        if self.story and not source.finished and source.tid not in self.waiting:
            for told in reversed(self.story):
                if told.thread is source:
                    told.preempted = True
                    break

    def close(self) -> None:
        """The execution is over: look at what the last writes left."""
        for told, subject in list(self._unresolved.values()):
            told.value = self._peek(told.operation, subject)
        self._unresolved.clear()

    # -- names -----------------------------------------------------------------------------------

    def name_of(self, location: Location) -> str:
        """What to call a place: a primitive goes by the variable it was first assigned to."""
        shared = location.owner
        made = self.made.get(shared)
        if shared in self.names:
            return self.names[shared]
        if made is None or not isinstance(location.field, WholeObject):
            return location.label
        match = _ASSIGNED.match(made.text)
        if match:
            return match.group(1)
        return f"{shared.label} made at line {made.line}"

    def _learn_name(self, shared: SharedObject, subject: Any) -> None:
        """Find a variable or attribute that the innermost watched function knows it by."""
        if shared in self.names or subject is None:
            return
        frame: types.FrameType | None = sys._getframe(2)
        while frame is not None and frame.f_code.co_filename not in self.sources:
            frame = frame.f_back
        if frame is None:
            return
        for namespace in (frame.f_globals, frame.f_locals):
            for name, value in namespace.items():
                if value is subject and not name.startswith("_rp_"):
                    self._call_it(shared, name)
                    return
        for value in list(frame.f_locals.values()):
            for attribute, inner in list(getattr(value, "__dict__", {}).items()):
                if inner is subject:
                    self._call_it(shared, f"{type(value).__name__}.{attribute}")
                    return

    def _call_it(self, shared: SharedObject, name: str) -> None:
        """Give a name, with a number if another object has it already."""
        taken = sum(1 for other in self.names.values() if other.partition(" #")[0] == name)
        self.names[shared] = f"{name} #{taken + 1}" if taken else name

    # -- details ---------------------------------------------------------------------------------

    def _resolve(self, thread: VirtualThread) -> None:
        """What `thread` announced to write has been written by now."""
        entry = self._unresolved.pop(thread.tid, None)
        if entry is not None:
            told, subject = entry
            told.value = self._peek(told.operation, subject)

    def _follow_locks(self, thread: VirtualThread, operation: Operation, place: Place) -> None:
        location, mode = operation.accesses[0]
        if location.owner.label not in ("Lock", "RLock", "Condition") or mode != WRITE:
            return
        for location, _ in operation.accesses:
            if location.owner.label not in ("Lock", "RLock"):
                continue
            held = self._held.setdefault(thread.tid, [])
            if operation.kind in TAKES:
                if location not in held:
                    self.taken[location] = (thread, place)
                held.append(location)
            elif operation.kind in GIVES and location in held:
                held.remove(location)
                if location not in held:
                    self.taken.pop(location, None)

    def _place_of(self, operation: Operation) -> Place:
        if operation.site:
            site = self.sites[operation.site]
            return Place(site.file, site.line, site.function, self.line(site.file, site.line))
        return self._caller()

    def _caller(self) -> Place:
        """The innermost line of watched code on the running thread's stack."""
        frame: types.FrameType | None = sys._getframe(1)
        while frame is not None:
            file = frame.f_code.co_filename
            if file in self.sources:
                name = frame.f_code.co_qualname
                return Place(file, frame.f_lineno, name, self.line(file, frame.f_lineno))
            frame = frame.f_back
        return UNKNOWN_PLACE

    def line(self, file: str, number: int) -> str:
        """A line of source, without indentation."""
        source = self.sources.get(file)
        if source is None:
            return linecache.getline(file, number).strip()
        lines = source.splitlines()
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""

    def _peek(self, operation: Operation, subject: Any) -> str:
        """The present value of the place that `operation` is about, shortly."""
        field_ = operation.accesses[0][0].field
        kind = self.sites[operation.site].kind
        try:
            if type(subject) is types.FrameType:
                name = str(field_)
                for namespace in (subject.f_locals, subject.f_globals):
                    if name in namespace:
                        return short(namespace[name])
                return ""
            if kind.startswith("attr") or (
                operation.kind in ("read", "write") and not issubclass(type(subject), BUILTIN)
            ):
                return short(_attribute(subject, str(field_)))
            if isinstance(field_, WholeObject):
                return short(subject) if issubclass(type(subject), BUILTIN) else ""
            if issubclass(type(subject), dict):
                # Not `subject[field_]`, which might put something there.
                return (
                    short(dict.get(subject, field_)) if dict.__contains__(subject, field_) else ""
                )
            if issubclass(type(subject), list):
                return short(subject[field_])
        except (KeyError, IndexError, AttributeError, TypeError):
            return ""
        return ""


def _attribute(obj: Any, name: str) -> Any:
    """The value of an attribute, without running code of the program."""
    namespace = getattr(type(obj), "__mro__", ())
    try:
        own = object.__getattribute__(obj, "__dict__")
        if name in own:
            return own[name]
    except AttributeError:
        pass
    if issubclass(type(obj), type):
        namespace = obj.__mro__
    for cls in namespace:
        if name in cls.__dict__:
            value = cls.__dict__[name]
            if type(value) is types.MemberDescriptorType:
                return value.__get__(obj, type(obj))
            return value
    raise AttributeError(name)


class _Short(reprlib.Repr):
    """Like `repr`, but short, and without calling anything that the program defines."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = self.maxdeque = 4
        self.maxstring = self.maxother = 24
        self.maxlevel = 2

    def repr1(self, x: Any, level: int) -> str:
        """See `reprlib.Repr`."""
        tp = type(x)
        if tp in SCALARS or tp in (list, tuple, dict, set, frozenset):
            return str(super().repr1(x, level))
        if issubclass(tp, BaseException):
            return f"{tp.__name__}(...)"
        if issubclass(tp, type):
            return str(x.__name__)
        if tp in (types.FunctionType, types.MethodType, types.BuiltinFunctionType):
            return str(x.__name__)
        for base in (bool, int, float, str):
            if issubclass(tp, base):
                return str(super().repr1(base(x), level))
        return f"<{tp.__name__}>"


_short: Final = _Short()


def short(value: Any) -> str:
    """A short text for a value."""
    return _short.repr(value)


def display(file: str) -> str:
    """A file name as reports show it: relative to where the user is, where that is shorter."""
    relative = os.path.relpath(file)
    return relative if len(relative) < len(file) else file
