"""Sets: every possible element is a field, which says whether it is in the set.

Two additions of different elements commute; asking how many elements there are, or which, depends
on every addition and removal.
"""

from __future__ import annotations

from typing import Any, Final

from raceproof.events import READ, WRITE
from raceproof.instrument.effects.footprints import (
    EVERYTHING,
    LONGEST,
    MEASURED,
    READS_EVERYTHING,
    SIZE_UPDATE,
    UPHEAVAL,
    WHOLE_READ,
    Behaviour,
    Footprint,
    ItemEffect,
    MethodEffect,
    always,
    keyed,
    merged,
    methods_of_the_future,
    named,
)
from raceproof.instrument.effects.keys import UNKNOWN, field_of

_has: Final = set.__contains__  # past any override
_size: Final = set.__len__


def _contains(obj: Any, element: Any) -> Footprint:
    field = field_of(element)
    return MEASURED if field is UNKNOWN else ((field, READ), WHOLE_READ)


def _change(makes_present: bool) -> ItemEffect:
    """Adding or discarding one element; only looking if that changes nothing."""

    def effect(obj: Any, element: Any) -> Footprint:
        field = field_of(element)
        if field is UNKNOWN:
            return UPHEAVAL
        try:
            if _has(obj, element) == makes_present:
                return ((field, READ), WHOLE_READ)
        except Exception:  # an element that is there compares by user code, and that fails
            return UPHEAVAL
        return ((field, WRITE), SIZE_UPDATE, WHOLE_READ)

    return effect


_add: Final = _change(True)
_discard: Final = _change(False)

_ITERABLE: Final = frozenset(id(tp) for tp in (set, frozenset, list, tuple, dict))
_MERGED: Final = frozenset(id(tp) for tp in (set, frozenset, dict))
"""`update` makes room for all elements of these at once, before it looks whether they are new."""


def _several(effect: ItemEffect, may_reorder: frozenset[int] = frozenset()) -> MethodEffect:
    """`update` and the like: so many additions or removals in one go.

    Given a container of one of the types `may_reorder` (by id), the operation may make the table
    anew, and thereby change the order of iteration, though it adds nothing.
    """

    def method(obj: Any, args: tuple[Any, ...], more: bool) -> Footprint:
        if more:
            return UPHEAVAL
        elements: list[Any] = []
        footprints: list[Footprint] = []
        for iterable in args:
            if id(type(iterable)) not in _ITERABLE or len(iterable) > LONGEST - len(elements):
                return UPHEAVAL
            if iterable and id(type(iterable)) in may_reorder:
                footprints.append((SIZE_UPDATE,))
            elements.extend(iterable)
        footprint = merged([*footprints, *(effect(obj, element) for element in elements)])
        return UPHEAVAL if UPHEAVAL[0] in footprint else footprint

    return method


def _pop(obj: Any, args: tuple[Any, ...], more: bool) -> Footprint:
    return UPHEAVAL if _size(obj) else MEASURED


_METHODS: Final[dict[str, MethodEffect]] = {
    **named(READS_EVERYTHING, always(EVERYTHING)),
    **named(
        "copy difference intersection isdisjoint issubset issuperset symmetric_difference union \
        __and__ __or__ __sub__ __xor__ __rand__ __ror__ __rsub__ __rxor__",
        always(EVERYTHING),
    ),
    # The iterator remembers the size it saw.
    **named("__len__ __bool__ __sizeof__ __iter__", always(MEASURED)),
    **named(
        "clear intersection_update symmetric_difference_update __iand__ __ixor__ __init__",
        always(UPHEAVAL),
    ),
    "add": keyed(_add, UPHEAVAL),
    "discard": keyed(_discard, UPHEAVAL),
    "remove": keyed(_discard, UPHEAVAL),
    "pop": _pop,
    **named("update __ior__", _several(_add, _MERGED)),
    **named("difference_update __isub__", _several(_discard)),
}

SETS: Final[dict[type, Behaviour]] = {
    set: Behaviour(
        "set",
        _METHODS | methods_of_the_future(set, _METHODS),
        {"__contains__": _contains},
    ),
}
