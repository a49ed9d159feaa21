"""The vocabulary of effects: a footprint names the fields that an operation reads and writes.

Here are the footprints that do not depend on what a container holds, as constants, and the types
of the functions that work out the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import MethodDescriptorType
from typing import Any, Final, TypeAlias

from raceproof.events import ANY, READ, SIZE, UPDATE, WHOLE, WRITE, Mode

Pair: TypeAlias = tuple[Any, Mode]
Footprint: TypeAlias = tuple[Pair, ...]

ItemEffect: TypeAlias = Callable[[Any, Any], Footprint]
"""`effect(container, key)`: for `c[k]`, `c[k] = v`, `del c[k]` and `k in c`."""
MethodEffect: TypeAlias = Callable[[Any, tuple[Any, ...], bool], Footprint]
"""`effect(container, leading arguments, whether there are more)`."""

WHOLE_READ: Final[Pair] = (WHOLE, READ)
SIZE_READ: Final[Pair] = (SIZE, READ)
SIZE_UPDATE: Final[Pair] = (SIZE, UPDATE)
SIZE_WRITE: Final[Pair] = (SIZE, WRITE)
ANY_READ: Final[Pair] = (ANY, READ)
ANY_UPDATE: Final[Pair] = (ANY, UPDATE)

NOTHING: Final[Footprint] = ()
"""An operation that neither looks at the content nor changes it, such as making a dict view."""
PRESENCE: Final[Footprint] = (WHOLE_READ,)
"""An operation that changes nothing as things are, such as extending by an empty list."""
MEASURED: Final[Footprint] = (SIZE_READ, WHOLE_READ)
"""Looks at how many elements there are, or at which."""
EVERYTHING: Final[Footprint] = (SIZE_READ, ANY_READ, WHOLE_READ)
"""Looks at every element."""
UPHEAVAL: Final[Footprint] = ((WHOLE, WRITE),)
"""Changes many elements, or moves them: everything else depends on it."""

LONGEST: Final = 32
"""Operations on more elements than this are taken for operations on the whole container: long
footprints cost more than the few interleavings that they save."""


@dataclass(slots=True)
class Behaviour:
    """What the operations that one builtin type defines itself (not those it inherits) touch."""

    kind: str
    methods: dict[str, MethodEffect]
    items: dict[str, ItemEffect] = field(default_factory=dict)
    """`__getitem__`, `__setitem__`, `__delitem__` and `__contains__`, without the detour through
    an argument tuple.  The same names are in `methods` as well."""
    holder: Callable[[Any], Any] | None = None
    """For what has no content of its own: from an instance to the container that it stands for."""

    def __post_init__(self) -> None:
        for name, effect in self.items.items():
            self.methods[name] = keyed(effect, EVERYTHING if name in _LOOKING else UPHEAVAL)


_LOOKING: Final = ("__getitem__", "__contains__")


def always(footprint: Footprint) -> MethodEffect:
    """The effect of a method that touches the same fields whatever the container holds."""
    return lambda container, args, more: footprint


def keyed(effect: ItemEffect, unknown: Footprint) -> MethodEffect:
    """The effect of a method whose first argument is the key; `unknown` if that is not known."""

    def method(container: Any, args: tuple[Any, ...], more: bool) -> Footprint:
        return effect(container, args[0]) if args else unknown

    return method


def named(names: str, effect: MethodEffect) -> dict[str, MethodEffect]:
    """A table in which all of `names`, separated by blanks, have the same effect."""
    return dict.fromkeys(names.split(), effect)


def merged(footprints: Iterable[Footprint]) -> Footprint:
    """One footprint for several operations in a row."""
    pairs = dict.fromkeys(pair for footprint in footprints for pair in footprint)
    return (*pairs, WHOLE_READ) if WHOLE_READ not in pairs else tuple(pairs)


def methods_of_the_future(of: type, known: dict[str, MethodEffect]) -> dict[str, MethodEffect]:
    """Methods that a later Python gave to a builtin type: nobody knows, so they may do anything."""
    return {
        name: always(UPHEAVAL)
        for name, value in vars(of).items()
        if isinstance(value, MethodDescriptorType) and name[0] != "_" and name not in known
    }


READS_EVERYTHING: Final = "__eq__ __ne__ __lt__ __le__ __gt__ __ge__ __repr__ __str__ __reduce__ \
    __reduce_ex__ __copy__ __deepcopy__ __format__"
"""Methods of every container that look at all of its elements."""
