"""An execution told step by step: who did what where, with the values it read and wrote.

During a search nothing of this is recorded.  A finding's interleaving is run once more with a
`Narrator` listening, which has the live objects at hand.
"""

from __future__ import annotations

import linecache
import os
import sys
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from raceproof.events import (
    READ,
    WRITE,
    Attribute,
    Location,
    Operation,
    SharedObject,
    Site,
    ThreadId,
    WholeObject,
)
from raceproof.judge.findings import Place
from raceproof.judge.naming import PrimitiveNames
from raceproof.judge.threads import label_of
from raceproof.judge.values import BUILTIN, attribute, defines, short
from raceproof.world.execution import Execution, Observer, VirtualThread

UNKNOWN_PLACE: Final = Place("", 0, "")
ITEMS: Final = frozenset({"read", "write", "delete", "contains", "get"})
"""Kinds of operation on a container that are about one of its items, where one is named."""
TAKES: Final = frozenset({"acquire", "reacquire", "wake"})
GIVES: Final = frozenset({"release", "wait"})
LOCKS: Final = frozenset({"Lock", "RLock"})
HOLDABLE: Final = LOCKS | {"Semaphore", "Condition"}
NOTHING: Final = object()
"""There is no value at a place."""
UNKNOWN: Final = object()
"""What is at a place cannot be told without running code of the program, or not at all."""


def main_location(operation: Operation) -> Location:
    """The place that an operation is about: a part of something rather than all of it."""
    for location, _ in operation.accesses:
        if not isinstance(location.field, WholeObject):
            return location
    return operation.accesses[0][0]


@dataclass(slots=True, eq=False)
class Told:
    """One event with everything that a report may want to know."""

    index: int
    thread: VirtualThread
    operation: Operation
    place: Place
    value: str = ""
    old: str = ""
    missing: bool = False
    """There was nothing at the place."""
    locks: tuple[Location, ...] = ()
    """Locks that the thread holds, not counting one that it takes or gives with this."""
    permits: tuple[Location, ...] = ()
    """The same for semaphores."""
    preempted: bool = False
    stored: SharedObject | None = None
    """What was written, if it is an object with a name."""
    stopped: bool = False
    """No event: the thread had to wait."""
    holder: VirtualThread | None = None
    """Of a thread that has to wait: who has what it waits for."""
    taken: Place | None = None
    """Where that thread took it."""

    @property
    def location(self) -> Location:
        """The place that the step is about."""
        if self.operation.kind in ITEMS:
            return main_location(self.operation)
        return self.operation.accesses[0][0]

    @property
    def expired(self) -> bool:
        """The wait gave up: what it waited for did not happen."""
        return self.operation.instead_of is not None

    @property
    def changes(self) -> bool:
        """Whether anything is other than before."""
        return any(mode != READ for _, mode in self.operation.accesses)


@dataclass(slots=True)
class Narrator(Observer):
    """Listens to one execution."""

    sites: Sequence[Site]
    sources: Mapping[str, str]
    """The watched files: places outside of them are not the user's."""
    objects: Mapping[int, SharedObject] = field(default_factory=dict)
    """The names of live objects, by their ids."""
    story: list[Told] = field(default_factory=list)
    stops: list[Told] = field(default_factory=list)
    """Where threads had to wait.  (The index is that of the event that came next.)"""
    standstill: list[Told] = field(default_factory=list)
    """At the end: where the threads stand that cannot go on."""
    taken: dict[Location, tuple[VirtualThread, Place]] = field(default_factory=dict)
    """Locks held at present: by whom, and where they were taken."""
    announced: dict[ThreadId, Place] = field(default_factory=dict)
    """Thread -> where it stood still last."""
    standing: dict[ThreadId, list[str]] = field(default_factory=dict)
    """Thread -> the watched functions that it was in when it stood still last, innermost first."""
    waiting: set[ThreadId] = field(default_factory=set)
    """The threads that have to wait."""
    primitives: PrimitiveNames = field(init=False)
    limits: dict[Location, int] = field(default_factory=dict)
    """How many permits semaphores have at the start."""
    _locks: dict[ThreadId, list[Location]] = field(default_factory=dict)
    _permits: dict[ThreadId, list[Location]] = field(default_factory=dict)
    _unresolved: dict[ThreadId, tuple[Told, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.primitives = PrimitiveNames(self.sources)

    # -- Observer --------------------------------------------------------------------------------

    def on_create(self, shared: SharedObject) -> None:
        """A primitive is being made."""
        self.primitives.made.setdefault(shared, self._caller())

    def on_event(
        self, index: int, thread: VirtualThread, operation: Operation, subject: Any
    ) -> None:
        """See `Observer`."""
        self._resolve(thread)
        told = self._tell(index, thread, operation, self._place_of(operation))
        self._learn(operation, subject)
        self.waiting.discard(thread.tid)
        if operation.data:
            value = self._value(told, subject)
            present = self._shown(told, subject, value)
            if told.changes:
                told.old, told.missing = present, value is NOTHING and operation.kind == "delete"
                self._unresolved[thread.tid] = (told, subject)
            else:
                told.value = present
                told.missing = value is NOTHING and operation.kind in ("read", "get")
        self.story.append(told)
        self._follow_locks(told, subject)

    def on_unrecorded(self, thread: VirtualThread, operation: Operation, subject: Any) -> None:
        """See `Observer`."""
        self._learn(operation, subject)
        self._follow_locks(self._tell(-1, thread, operation, self._place_of(operation)), subject)

    def on_announce(self, thread: VirtualThread, operation: Operation, blocked: bool) -> None:
        """See `Observer`."""
        place = self._place_of(operation)
        self.announced[thread.tid] = place
        if blocked:
            self._learn(operation, thread.blocking_subject)
            self.waiting.add(thread.tid)
            self.standing[thread.tid] = self._functions()
            self.stops.append(self._stop(thread, operation, place))

    def on_end(self, thread: VirtualThread) -> None:
        """See `Observer`."""
        thread.storage["label"] = label_of(thread)

    def _stop(self, thread: VirtualThread, operation: Operation, place: Place) -> Told:
        told = self._tell(len(self.story), thread, operation, place)
        told.stopped = True
        for location, guard in operation.guards:
            if location in self.taken and not guard(location.state, thread.tid):
                told.holder, told.taken = self.taken[location]
        return told

    def on_switch(self, index: int, source: VirtualThread, target: VirtualThread) -> None:
        """See `Observer`."""
        self._resolve(source)
        if self.story and not source.finished and source.tid not in self.waiting:
            for told in reversed(self.story):
                if told.thread is source:
                    told.preempted = True
                    break

    def close(self, execution: Execution) -> None:
        """The execution is over: look at what the last writes left, and who cannot go on."""
        if execution.end == "stuck":
            for blocked in execution.blocked:
                place = self.announced.get(blocked.thread.tid, UNKNOWN_PLACE)
                self.standstill.append(self._stop(blocked.thread, blocked.operation, place))
        for told, subject in list(self._unresolved.values()):
            self._look_again(told, subject)
        self._unresolved.clear()

    def at(self, place: Place) -> list[Told]:
        """The steps at a line; if there are none, those in the same function."""
        here = [told for told in self.story if told.place == place]
        return here or [
            told
            for told in self.story
            if (told.place.file, told.place.function) == (place.file, place.function)
        ]

    def last_of(self, thread: ThreadId | None, place: Place) -> Told | None:
        """The last step of a thread at a line; if there is none, its last but for its end."""
        mine = [t for t in self.story if t.thread.tid == thread and t.operation.kind != "finish"]
        here = [told for told in mine if told.place == place]
        return next(iter((here or mine)[-1:]), None)

    # -- names -----------------------------------------------------------------------------------

    def place_at(self, location: Location) -> Place | None:
        """Where the primitive at `location` was created."""
        return self.primitives.made.get(location.owner)

    def name_of(self, location: Location) -> str:
        """What to call a place."""
        return self.primitives.of(location)

    def _learn(self, operation: Operation, subject: Any) -> None:
        if not operation.data:
            self.primitives.learn(operation, subject, sys._getframe(2))

    # -- details ---------------------------------------------------------------------------------

    def _tell(self, index: int, thread: VirtualThread, operation: Operation, place: Place) -> Told:
        own = () if operation.data else operation.locations
        locks = dict.fromkeys(self._locks.get(thread.tid, ()))
        permits = dict.fromkeys(self._permits.get(thread.tid, ()))
        return Told(
            index, thread, operation, place,
            locks=tuple(lock for lock in locks if lock not in own),
            permits=tuple(permit for permit in permits if permit not in own),
        )  # fmt: skip

    def _resolve(self, thread: VirtualThread) -> None:
        """What `thread` announced to write has been written by now."""
        entry = self._unresolved.pop(thread.tid, None)
        if entry is not None:
            self._look_again(*entry)

    def _look_again(self, told: Told, subject: Any) -> None:
        value = self._value(told, subject)
        told.value = self._shown(told, subject, value)
        if told.operation.kind == "write":
            told.stored = self.objects.get(id(value))

    def _follow_locks(self, told: Told, subject: Any) -> None:
        """Keep the account of who holds what."""
        operation, thread = told.operation, told.thread
        location, mode = operation.accesses[0]
        if location.owner.label not in HOLDABLE or (mode != WRITE and operation.kind != "wake"):
            return
        for location, _ in operation.accesses:
            if location.owner.label == "Semaphore":
                held = self._permits.setdefault(thread.tid, [])
                self.limits.setdefault(location, getattr(subject, "_initial_value", 1))
            elif location.owner.label in LOCKS:
                held = self._locks.setdefault(thread.tid, [])
            else:
                continue
            if operation.kind in TAKES:
                if location not in held and location.owner.label in LOCKS:
                    self.taken[location] = (thread, told.place)
                held.append(location)
            elif operation.kind in GIVES and location in held:
                held.remove(location)
                if operation.kind == "wait":
                    held[:] = [other for other in held if other is not location]
                if location not in held:
                    self.taken.pop(location, None)

    def _functions(self) -> list[str]:
        """The watched functions on the running thread's stack, innermost first."""
        found = []
        frame: types.FrameType | None = sys._getframe(2)
        while frame is not None:
            if frame.f_code.co_filename in self.sources:
                found.append(frame.f_code.co_qualname)
            frame = frame.f_back
        return found

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

    def _shown(self, told: Told, subject: Any, value: Any) -> str:
        """The value of the place that a step is about, shortly; "" for none."""
        if told.operation.kind == "contains":
            return self._presence(told, subject)
        if value is NOTHING or value is UNKNOWN:
            return ""
        return str(len(value)) if told.operation.kind == "len" else short(value)

    def _presence(self, told: Told, subject: Any) -> str:
        key = told.location.field
        if isinstance(key, (WholeObject, SharedObject)):
            return ""
        tp = type(subject)
        if not issubclass(tp, (dict, set, frozenset)):
            return ""
        contains = dict.__contains__ if issubclass(tp, dict) else tp.__contains__
        return str(bool(contains(subject, key))) if tp in BUILTIN or issubclass(tp, dict) else ""

    def _value(self, told: Told, subject: Any) -> Any:
        """The present value of the place that a step is about, or NOTHING, or UNKNOWN."""
        if subject is None:
            return UNKNOWN  # a database, a stream: no object of the program has it
        operation = told.operation
        field_ = told.location.field
        kind = self.sites[operation.site].kind
        tp = type(subject)
        try:
            if tp is types.FrameType:
                for variables in (subject.f_locals, subject.f_globals):
                    if str(field_) in variables:
                        return variables[str(field_)]
                return NOTHING
            if kind.startswith("attr") or (
                isinstance(field_, Attribute) and not issubclass(tp, BUILTIN)
            ):
                return attribute(subject, str(field_))
            if operation.kind not in ITEMS or isinstance(field_, WholeObject):
                return subject if issubclass(tp, BUILTIN) else UNKNOWN
            if is_named(field_):
                return UNKNOWN  # the key is an object, of which the name is known but not more
            if issubclass(tp, dict):
                return dict.get(subject, field_, NOTHING)  # (asks no __missing__)
            if issubclass(tp, list):
                return list.__getitem__(subject, field_)
        except AttributeError:
            return UNKNOWN if defines(tp, "__getattr__") else NOTHING
        except IndexError:
            return NOTHING
        except TypeError:
            return UNKNOWN
        return UNKNOWN


def is_named(field: Any) -> bool:
    """Whether a field of a container is, or has in it, the name of an object."""
    if type(field) is tuple:
        return any(map(is_named, field))
    return isinstance(field, SharedObject)


def display(file: str) -> str:
    """A file name as reports show it: relative to where the user is, where that is shorter."""
    relative = os.path.relpath(file)
    return relative if len(relative) < len(file) else file
