"""Lists and their kin: elements are fields by index, and the length decides what an index means.

Appending and removing at the end change one element and the size; whatever moves elements
changes the whole.
"""

from __future__ import annotations

import array
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from raceproof.events import READ, WRITE
from raceproof.instrument.effects.footprints import (
    ANY_UPDATE,
    EVERYTHING,
    LONGEST,
    MEASURED,
    NOTHING,
    PRESENCE,
    READS_EVERYTHING,
    SIZE_READ,
    SIZE_WRITE,
    UPHEAVAL,
    WHOLE_READ,
    Behaviour,
    Footprint,
    ItemEffect,
    MethodEffect,
    always,
    methods_of_the_future,
    named,
)

_READ_AT: Final[tuple[Footprint, ...]] = tuple(((i, READ), WHOLE_READ) for i in range(256))
"""Reading one element, ready made for short lists: inner loops do little else."""

_SIZED: Final = frozenset(
    id(tp)
    for tp in (list, tuple, dict, set, frozenset, str, bytes, bytearray, range, deque, array.array)
)
"""Types whose length is known without running user code, by id (they live for ever)."""


def read_at(index: int) -> Footprint:
    """Reading the element that is there at `index`, which is not negative."""
    return _READ_AT[index] if index < 256 else ((index, READ), WHOLE_READ)


def _appended(length: int, count: int) -> Footprint:
    """Adding `count` elements behind the last."""
    if count == 1:
        return (SIZE_WRITE, (length, WRITE), ANY_UPDATE, WHOLE_READ)
    if count > LONGEST:
        return UPHEAVAL
    if not count:
        return PRESENCE
    added = [(index, WRITE) for index in range(length, length + count)]
    return (SIZE_WRITE, *added, ANY_UPDATE, WHOLE_READ)


def _removed_last(length: int) -> Footprint:
    """Removing the last of `length` elements, if there is one."""
    if not length:
        return MEASURED
    return (SIZE_WRITE, (length - 1, WRITE), ANY_UPDATE, WHOLE_READ)


def _plain_bound(bound: Any) -> bool:
    return bound is None or type(bound) is int


def _loaded_slice(length: int, key: slice) -> Footprint:
    """Reading a short slice whose place does not depend on the length reads just its elements."""
    start, stop, step = key.start, key.stop, key.step
    if _plain_bound(start) and type(stop) is int and step is None:
        start = start or 0
        if 0 <= start <= stop <= length and stop - start <= LONGEST:
            return (*[(index, READ) for index in range(start, stop)], WHOLE_READ)
    return EVERYTHING


def _items(length: Callable[[Any], int]) -> dict[str, ItemEffect]:
    """Operations on one element or slice; `length` measures past any override of `__len__`."""

    def load(obj: Any, key: Any) -> Footprint:
        if type(key) is not int:
            if type(key) is slice:
                return _loaded_slice(length(obj), key)
            if not issubclass(type(key), int):
                return EVERYTHING  # its __index__ is user code, or it is a TypeError
            key = int.__index__(key)
        size = length(obj)
        if 0 <= key < size:
            return _READ_AT[key] if key < 256 else ((key, READ), WHOLE_READ)
        if key < 0:
            key += size
            if key < 0:
                return MEASURED
        return ((key, READ), SIZE_READ, WHOLE_READ)

    def store(obj: Any, key: Any) -> Footprint:
        if type(key) is not int:
            if not issubclass(type(key), int):
                return UPHEAVAL
            key = int.__index__(key)
        size = length(obj)
        if 0 <= key < size:
            return ((key, WRITE), ANY_UPDATE, WHOLE_READ)
        if -size <= key < 0:
            return ((key + size, WRITE), SIZE_READ, ANY_UPDATE, WHOLE_READ)
        return MEASURED

    def delete(obj: Any, key: Any) -> Footprint:
        if type(key) is not int:
            if not issubclass(type(key), int):
                return UPHEAVAL
            key = int.__index__(key)
        size = length(obj)
        if not -size <= key < size:
            return MEASURED
        return _removed_last(size) if key in (-1, size - 1) else UPHEAVAL

    return {
        "__getitem__": load,
        "__setitem__": store,
        "__delitem__": delete,
        "__contains__": lambda obj, key: EVERYTHING,
    }


def _growth(
    length: Callable[[Any], int], limit: Callable[[Any], int | None]
) -> dict[str, MethodEffect]:
    """Operations that add elements; a full deque makes room by dropping one at the other end."""

    def append(obj: Any, args: tuple[Any, ...], more: bool) -> Footprint:
        size = length(obj)
        if size == limit(obj):
            return UPHEAVAL
        return (SIZE_WRITE, (size, WRITE), ANY_UPDATE, WHOLE_READ)

    def extend(obj: Any, args: tuple[Any, ...], more: bool) -> Footprint:
        if more or not args or id(type(args[0])) not in _SIZED or limit(obj) is not None:
            return UPHEAVAL
        return _appended(length(obj), len(args[0]))

    def insert(obj: Any, args: tuple[Any, ...], more: bool) -> Footprint:
        if args and type(args[0]) is int and limit(obj) is None:
            size = length(obj)
            if args[0] >= size:
                return _appended(size, 1)
        return UPHEAVAL

    return {"append": append, "extend": extend, "__iadd__": extend, "insert": insert}


def _removal(length: Callable[[Any], int], delete: ItemEffect) -> dict[str, MethodEffect]:
    def pop(obj: Any, args: tuple[Any, ...], more: bool) -> Footprint:
        if args:
            return delete(obj, args[0])
        return UPHEAVAL if more else _removed_last(length(obj))

    def popleft(obj: Any, args: tuple[Any, ...], more: bool) -> Footprint:
        return UPHEAVAL if length(obj) else MEASURED

    return {"pop": pop, "popleft": popleft}


def _append(obj: Any, args: tuple[Any, ...], more: bool) -> Footprint:
    """`list.append`, the commonest of all, without the questions that only a deque has."""
    size = _list_length(obj)
    return (SIZE_WRITE, (size, WRITE), ANY_UPDATE, WHOLE_READ)


_list_length: Final = list.__len__

_MOVING: Final = "clear reverse remove sort appendleft extendleft byteswap frombytes fromfile \
    fromlist fromunicode resize take_bytes __imul__ __init__"
_LOOKING: Final = "copy count index __add__ __mul__ __rmul__ __mod__ __rmod__ tobytes tofile \
    tolist tounicode capitalize center decode endswith expandtabs find hex isalnum isalpha \
    isascii isdigit islower isspace istitle isupper join ljust lower lstrip partition \
    removeprefix removesuffix replace rfind rindex rjust rpartition rsplit rstrip split \
    splitlines startswith strip swapcase title translate upper zfill"
_MEASURING: Final = "__len__ __bool__ __reversed__ __sizeof__ __alloc__ buffer_info"


def _sequence(
    kind: str,
    tp: Any,
    limit: Callable[[Any], int | None] = lambda obj: None,
    **special: MethodEffect,
) -> Behaviour:
    length = tp.__len__
    items = _items(length)
    methods = {
        "__iter__": always(NOTHING),
        **named(READS_EVERYTHING, always(EVERYTHING)),
        **named(_LOOKING, always(EVERYTHING)),
        **named(_MEASURING, always(MEASURED)),
        **named(_MOVING, always(UPHEAVAL)),
        **_growth(length, limit),
        **_removal(length, items["__delitem__"]),
        **special,
    }
    present = {name: effect for name, effect in methods.items() if hasattr(tp, name)}
    present["__bool__"] = methods["__bool__"]  # truth, which no sequence defines by this name
    return Behaviour(kind, present | methods_of_the_future(tp, present), items)


def _rotate(obj: Any, args: tuple[Any, ...], more: bool) -> Footprint:
    return UPHEAVAL if deque.__len__(obj) > 1 else MEASURED


SEQUENCES: Final[dict[type, Behaviour]] = {
    list: _sequence("list", list, append=_append),
    bytearray: _sequence("bytearray", bytearray),
    array.array: _sequence("array", array.array),
    deque: _sequence(
        "deque",
        deque,
        deque.maxlen.__get__,
        rotate=_rotate,
        __iter__=always(MEASURED),  # the iterator remembers the size it saw
    ),
}
