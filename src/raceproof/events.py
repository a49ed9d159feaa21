"""The event model: what threads do, to which places, and which of those steps may not be swapped.

An execution is a sequence of events.  Each event is one `Operation` carried out by one thread; an
operation accesses one or more `Location`s.  Two operations are *dependent* when they share a
location and do not commute there.  Everything else in raceproof (the search, the judge, the
report) is built on these few notions and on nothing else.

Locations, shared objects and operations are interned: the same operation on the same place is the
same Python object in every execution, so that "is this what happened last time?" is one `is`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

ThreadId: TypeAlias = int
"""Index of a thread in a `Naming`: the same thread path has the same index in every execution."""

Mode: TypeAlias = int

READ: Final[Mode] = 0
"""Looks.  Two reads of one location commute."""
UPDATE: Final[Mode] = 1
"""Changes a part, blindly.  Two updates commute with each other, but neither with a read nor with
a write.  (Storing under two different keys of a dict updates "some value of this dict" twice.)"""
WRITE: Final[Mode] = 2
"""Changes or looks and changes.  Commutes with nothing on the same location."""

Guard: TypeAlias = Callable[[Any, ThreadId], bool]
"""`guard(state, thread)`: whether the operation can take place when its location is in `state`."""


class WholeObject:
    """A field name that no attribute or key can equal; see the constants below."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.name}>"


WHOLE: Final = WholeObject("whole")
"""The container as such.  An access to a part READs it; clearing, sorting and so on WRITE it."""
SIZE: Final = WholeObject("size")
"""How many elements there are and, for a dict or set, which.  Insertion and removal change it."""
ANY: Final = WholeObject("any value")
"""Some value in the container.  Storing an element UPDATEs it, looking at all of them READs it."""
STATE: Final = WholeObject("state")
"""The state of a synchronization primitive, a thread or an iterator."""


class SharedObject:
    """One object of the program under test, under a name that is the same in every execution."""

    __slots__ = ("fields", "label", "name", "operations")

    def __init__(self, name: Hashable, label: str) -> None:
        self.name = name
        self.label = label
        self.fields: dict[Any, Location] = {}
        self.operations: dict[Any, Operation] = {}

    def location(self, field: Any) -> Location:
        """The location of `field` (an attribute name, a key, an index, or WHOLE, SIZE, ...)."""
        found = self.fields.get(field)
        if found is None:
            found = self.fields[field] = Location(self, field)
        return found

    def __repr__(self) -> str:
        return f"<{self.label} {self.name!r}>"


class Location:
    """One place: an attribute, an item, a global, a closure variable, or a primitive's state.

    `state` is the present state of a primitive (meaningless for data).  `history` belongs to the
    search: the accesses of the execution at hand, newest last.
    """

    __slots__ = ("enabling", "field", "history", "owner", "state")

    def __init__(self, owner: SharedObject, field: Any) -> None:
        self.enabling = False
        """A write here is what lets others look: these could not have come before it."""
        self.owner = owner
        self.field = field
        self.state: Any = None
        self.history: list[tuple[int, Mode, tuple[int, ...], tuple[int, ...]]] = []

    @property
    def label(self) -> str:
        """How a report calls this place: `BankAccount.balance`, `stock['apple']`, `counter`."""
        owner, where = self.owner.label, self.field
        if isinstance(where, WholeObject):
            return owner
        if isinstance(where, SharedObject):
            return f"{owner}[id({where.label})]"
        if type(where) is tuple and any(isinstance(part, SharedObject) for part in where):
            parts = [part.label if isinstance(part, SharedObject) else repr(part) for part in where]
            return f"{owner}[{', '.join(parts)}]"
        if isinstance(where, Attribute):
            return f"{owner}.{where}" if owner else str(where)
        return f"{owner}[{where!r}]"

    def __repr__(self) -> str:
        return f"<Location {self.label}>"


class Attribute(str):
    """A field that is an attribute, global or closure variable rather than an item.

    Equal to, and hashed like, the plain string: `obj.x` and `obj.__dict__["x"]` are one place.
    """

    __slots__ = ()


Access: TypeAlias = tuple[Location, Mode]


class Operation:
    """What a thread is about to do, or did.

    `kind` is a verb for the report ("read", "write", "acquire", "put", ...).  `accesses` says what
    it looks at and changes.  `guards` say when it can happen at all: a lock can be acquired when
    nobody holds it.  `site` indexes the table of places in the source (0: unknown).
    """

    __slots__ = (
        "accesses",
        "data",
        "fence",
        "general",
        "guards",
        "instead_of",
        "kind",
        "locations",
        "parts",
        "passive",
        "site",
    )

    def __init__(
        self,
        kind: str,
        accesses: tuple[Access, ...],
        *,
        site: int = 0,
        guards: tuple[tuple[Location, Guard], ...] = (),
        fence: bool = False,
        passive: bool = False,
        instead_of: Operation | None = None,
        data: bool = False,
    ) -> None:
        self.kind = kind
        self.accesses = accesses
        self.locations = frozenset(location for location, _ in accesses)
        self.site = site
        self.data = data or site != 0
        """Accesses data, and so orders nothing; else it uses a primitive or concerns a thread."""
        self.guards = guards
        self.fence = fence
        """Happens only when nothing else can (an expired wait): ordered after everything before."""
        self.passive = passive
        """Ordered by what it accesses, but no reversal of it is worth trying (a spinning thread
        that goes on because something it looks at was written)."""

        self.instead_of = instead_of
        """The operation that did not happen because its wait expired."""
        self.general: Operation | None = None
        """What it was before its footprint was known, if that depends on the state it meets."""
        self.parts: tuple[Operation, ...] = ()
        """The operations that it is made of, if it is several that nothing can come between."""

    def enabled(self, thread: ThreadId) -> bool:
        """Whether the operation can take place in the present states of its locations."""
        for location, guard in self.guards:
            if not guard(location.state, thread):
                return False
        return True

    @property
    def looks(self) -> bool:
        """Whether it changes nothing."""
        for _, mode in self.accesses:
            if mode != READ:
                return self.fence
        return True

    def __repr__(self) -> str:
        places = ", ".join(location.label for location, _ in self.accesses)
        return f"<{self.kind} {places}>"


def joined(parts: tuple[Operation, ...]) -> Operation:
    """The operation of doing several on data, one after the other, with nothing in between."""
    modes: dict[Location, Mode] = {}
    for part in parts:
        for location, mode in part.accesses:
            before = modes.get(location, mode)
            modes[location] = mode if mode == before else WRITE
    whole = Operation(parts[-1].kind, tuple(modes.items()), site=parts[-1].site, data=True)
    whole.parts = parts
    return whole


def dependent(one: Operation, other: Operation) -> bool:
    """Whether the order of two operations of different threads can matter."""
    return one.fence or other.fence or conflicting(one, other)


def conflicting(one: Operation, other: Operation) -> bool:
    """Whether two operations share a location and do not commute there."""
    if one.locations.isdisjoint(other.locations):
        return False
    for location, mode in one.accesses:
        for other_location, other_mode in other.accesses:
            if location is other_location and (mode != other_mode or mode == WRITE):
                return True
    return False


@dataclass(frozen=True, slots=True)
class Loop:
    """What the source tells of a loop, as far as it bears on whether the loop waits."""

    polls: bool
    """What ends it may be the doing of another thread."""
    counted: bool
    """No two rounds need be alike, whatever the variables say: it hands values out in between, or
    the elements that it goes through are used."""
    until_told: bool
    """It works until another thread changes something: nothing that ends it is changed in it."""
    names: tuple[str, ...] = ()
    """The variables that change in it and bear on how it goes on."""
    calls: tuple[str, ...] = ()
    """Names of functions and methods on whose results it depends whether the loop goes on."""
    place: str = ""
    """Where it is, in every execution and with every version of Python."""


@dataclass(slots=True)
class Site:
    """A place in the source where watched code performs an operation."""

    kind: str
    """"attr", "item", "global", "cell", "method", "iter", "truth", "loop", "name", ..."""
    file: str
    line: int
    function: str
    """Qualified name of the enclosing function, "<module>" at top level."""
    name: str
    """The attribute, variable or method name; "" for items."""
    text: str
    """The source of the expression, on one line: `self.balance`, `stock[key]`."""
    store: bool = False
    rmw: bool = False
    """A store of a value that was computed from a load of the same place (`x.n += 1`, or
    `new = x.n + 1 ... x.n = new`): between the two, nobody else may store."""
    column: int = 0
    end_line: int = 0
    end_column: int = 0
    module: str = ""
    targets: tuple[str, ...] = field(default=())
    """Names stored together by one statement (`a, b = ...` of two globals)."""
    loop: Loop | None = None
    """For the head of a loop."""
