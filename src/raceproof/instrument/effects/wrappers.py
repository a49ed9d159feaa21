"""Containers of the standard library that are written in Python, around a builtin one.

Each of their operations is one step, and does to the builtin container inside what that container's
own operation would do.  So it is the same place, however a thread comes to it.
"""

from __future__ import annotations

import os
from collections import ChainMap, UserDict, UserList
from collections.abc import Callable, ItemsView, KeysView, ValuesView
from typing import Any, Final
from weakref import WeakKeyDictionary, WeakSet, WeakValueDictionary

from raceproof.events import READ, WRITE
from raceproof.instrument.effects.footprints import (
    ANY_UPDATE,
    EVERYTHING,
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
    named,
)
from raceproof.instrument.effects.keys import UNKNOWN, field_of
from raceproof.instrument.effects.mappings import MAPPINGS, load, view_behaviours
from raceproof.instrument.effects.sequences import SEQUENCES

Holder = Callable[[Any], Any]


_get: Final = object.__getattribute__  # past what a subclass defines


def _data(obj: Any) -> Any:
    return _get(obj, "__dict__").get("data", obj)


def _first_map(obj: Any) -> Any:
    maps = _get(obj, "__dict__").get("maps")
    return maps[0] if type(maps) is list and maps else obj


def _mapping(obj: Any) -> Any:
    return _get(obj, "_mapping")


def _through(behaviour: Behaviour, holder: Holder, inner: type) -> Behaviour:
    """The same behaviour, for what holds an `inner`."""

    def method(effect: MethodEffect) -> MethodEffect:
        def effect_inside(obj: Any, args: tuple[Any, ...], more: bool) -> Footprint:
            held = holder(obj)
            return effect(held, args, more) if issubclass(type(held), inner) else UPHEAVAL

        return effect_inside

    def item(effect: ItemEffect) -> ItemEffect:
        def effect_inside(obj: Any, key: Any) -> Footprint:
            held = holder(obj)
            return effect(held, key) if issubclass(type(held), inner) else UPHEAVAL

        return effect_inside

    methods = {name: method(effect) for name, effect in behaviour.methods.items()}
    items = {name: item(effect) for name, effect in behaviour.items.items()}
    return Behaviour(behaviour.kind, methods, items, holder)


# Those with weak references inside: who looks for an object names it, so the object is the field.


def _weak_store(obj: Any, key: Any) -> Footprint:
    field = field_of(key)
    if field is UNKNOWN:
        return UPHEAVAL
    return ((field, WRITE), SIZE_UPDATE, ANY_UPDATE, WHOLE_READ)


def _weak_contains(obj: Any, element: Any) -> Footprint:
    field = field_of(element)
    return MEASURED if field is UNKNOWN else ((field, READ), WHOLE_READ)


_LOOKS: Final = {
    **named(READS_EVERYTHING, always(EVERYTHING)),
    **named("copy keys values items keyrefs __or__ __ror__", always(EVERYTHING)),
    **named("__len__ __bool__ __iter__", always(MEASURED)),
    **named("clear update __ior__ popitem", always(UPHEAVAL)),
}
_WEAK_KEYS: Final = Behaviour(
    "dict",
    _LOOKS
    | {
        "get": keyed(load, EVERYTHING),
        "setdefault": keyed(_weak_store, UPHEAVAL),
        "pop": keyed(_weak_store, UPHEAVAL),
    },
    {
        "__getitem__": load,
        "__setitem__": _weak_store,
        "__delitem__": _weak_store,
        "__contains__": load,
    },
)
_WEAK_SET: Final = Behaviour(
    "set",
    _LOOKS
    | named(
        "difference intersection isdisjoint issubset issuperset symmetric_difference union "
        "__and__ __sub__ __xor__",
        always(EVERYTHING),
    )
    | named(
        "pop difference_update intersection_update symmetric_difference_update __iand__ __isub__ "
        "__ixor__",
        always(UPHEAVAL),
    )
    | dict.fromkeys(("add", "discard", "remove"), keyed(_weak_store, UPHEAVAL)),
    {"__contains__": _weak_contains},
)
# Their views are generators, which nobody watches: what they show counts as seen at once.
_SEEN_AT_ONCE: Final = named("keys values items valuerefs itervaluerefs", always(EVERYTHING))
_WEAK_VALUES: Final = _through(MAPPINGS[dict], _data, dict)
_WEAK_VALUES.methods.update(_SEEN_AT_ONCE)

# The environment: its keys are encoded, and it is known by its own name.


def _encoded(effect: ItemEffect) -> ItemEffect:
    def effect_inside(obj: Any, key: Any) -> Footprint:
        if type(key) is not str:
            return UPHEAVAL
        name = os.fsencode(key.upper() if os.name == "nt" else key)
        footprint = effect(_get(obj, "_data"), name)
        return tuple((key if field == name else field, mode) for field, mode in footprint)

    return effect_inside


_environment: Final = MAPPINGS[dict]
_ENVIRONMENT: Final = Behaviour(
    "dict",
    _LOOKS
    | {
        "get": keyed(_encoded(_environment.items["__getitem__"]), UPHEAVAL),
        "pop": keyed(_encoded(_environment.items["__delitem__"]), UPHEAVAL),
        "setdefault": keyed(_encoded(_environment.items["__setitem__"]), UPHEAVAL),
    },
    {name: _encoded(effect) for name, effect in _environment.items.items()},
)

WRAPPERS: Final[dict[type, Behaviour]] = {
    UserDict: _through(MAPPINGS[dict], _data, dict),
    ChainMap: _through(MAPPINGS[dict], _first_map, dict),
    UserList: _through(SEQUENCES[list], _data, list),
    WeakValueDictionary: _WEAK_VALUES,
    WeakKeyDictionary: _WEAK_KEYS,
    WeakSet: _WEAK_SET,
    type(os.environ): _ENVIRONMENT,
    **dict(zip((KeysView, ValuesView, ItemsView), view_behaviours(_mapping), strict=True)),
}
