"""Dicts and their kin, and the views of them: every possible key is a field.

Inserting or removing a key changes the size as well, overwriting does not; insertions of different
keys commute, because only iteration shows their order (except in an `OrderedDict`, which is about
order).
"""

from __future__ import annotations

import gc
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MappingProxyType
from typing import Any, Final

from raceproof.events import ANY, READ, WHOLE, WRITE
from raceproof.instrument.effects.footprints import (
    ANY_READ,
    ANY_UPDATE,
    EVERYTHING,
    LONGEST,
    MEASURED,
    NOTHING,
    READS_EVERYTHING,
    SIZE_READ,
    SIZE_UPDATE,
    SIZE_WRITE,
    UPHEAVAL,
    WHOLE_READ,
    Behaviour,
    Footprint,
    ItemEffect,
    MethodEffect,
    Pair,
    always,
    keyed,
    merged,
    methods_of_the_future,
    named,
)
from raceproof.instrument.effects.keys import UNKNOWN, field_of
from raceproof.instrument.effects.per_type import definer, namespace_of

_has: Final = dict.__contains__  # past any override
_size: Final = dict.__len__

_READ_SOMEWHERE: Final[Footprint] = (ANY_READ, WHOLE_READ)
_WRITTEN_SOMEWHERE: Final[Footprint] = ((ANY, WRITE), (WHOLE, WRITE))
"""Storing or removing under a key that user code compares.  It may equal any other key, so that
nothing about this dict is independent of it."""


def load(obj: Any, key: Any) -> Footprint:
    """Looking for `key`, whether or not it is there."""
    tp = type(key)
    if tp is not str and tp is not int:
        key = field_of(key)
        if key is UNKNOWN:
            return _READ_SOMEWHERE
    return ((key, READ), WHOLE_READ)


def _storing(size_change: Pair) -> ItemEffect:
    """Storing a value; `size_change` is what a new key does to the size."""

    def store(obj: Any, key: Any) -> Footprint:
        field = field_of(key)
        if field is UNKNOWN:
            return _WRITTEN_SOMEWHERE
        try:
            if _has(obj, key):
                return ((field, WRITE), ANY_UPDATE, WHOLE_READ)
        except Exception:  # a key that is there compares by user code, and that fails
            return _WRITTEN_SOMEWHERE
        return ((field, WRITE), size_change, ANY_UPDATE, WHOLE_READ)

    return store


def _delete(obj: Any, key: Any) -> Footprint:
    field = field_of(key)
    if field is UNKNOWN:
        return _WRITTEN_SOMEWHERE
    try:
        if not _has(obj, key):
            return ((field, READ), WHOLE_READ)
    except Exception:
        return _WRITTEN_SOMEWHERE
    return ((field, WRITE), SIZE_UPDATE, ANY_UPDATE, WHOLE_READ)


def _loading_or(store: ItemEffect, inserts: Callable[[Any], bool]) -> ItemEffect:
    """Looking for a key, and storing a value under it if it is missing and `inserts(container)`."""

    def effect(obj: Any, key: Any) -> Footprint:
        field = field_of(key)
        try:
            if (field is not UNKNOWN and _has(obj, key)) or not inserts(obj):
                return load(obj, key)
        except Exception:
            return _WRITTEN_SOMEWHERE
        return store(obj, key)

    return effect


def _updating(store: ItemEffect) -> MethodEffect:
    """`update`: so many stores, if it can be told which."""

    def update(obj: Any, args: tuple[Any, ...], more: bool) -> Footprint:
        if more or any(type(other) is not dict or len(other) > LONGEST for other in args):
            return UPHEAVAL
        footprint = merged([store(obj, key) for other in args for key in other])
        return UPHEAVAL if UPHEAVAL[0] in footprint else footprint

    return update


def _removed_end(key: Any, removed: Footprint) -> Footprint:
    field = field_of(key)
    return _WRITTEN_SOMEWHERE if field is UNKNOWN else ((field, WRITE), *removed)


_REMOVED: Final[Footprint] = (SIZE_WRITE, ANY_UPDATE, WHOLE_READ)


def _popitem(obj: Any, args: tuple[Any, ...], more: bool) -> Footprint:
    """Which key is the last depends on every insertion and removal."""
    if not _size(obj):
        return MEASURED
    return _removed_end(next(dict.__reversed__(obj)), _REMOVED)


def _ordered_popitem(obj: Any, args: tuple[Any, ...], more: bool) -> Footprint:
    if not _size(obj):
        return MEASURED
    if more:  # `last=...` is not known: it may be either end
        first = _removed_end(next(OrderedDict.__iter__(obj)), ())
        last = _removed_end(next(OrderedDict.__reversed__(obj)), _REMOVED)
        return merged([first, last])
    if not args:
        return _removed_end(next(OrderedDict.__reversed__(obj)), _REMOVED)
    if type(args[0]) is not bool:
        return UPHEAVAL
    end = OrderedDict.__reversed__ if args[0] else OrderedDict.__iter__
    return _removed_end(next(end(obj)), _REMOVED)


def _move_to_end(obj: Any, key: Any) -> Footprint:
    field = field_of(key)
    if field is UNKNOWN:
        return _WRITTEN_SOMEWHERE
    return ((field, READ), SIZE_WRITE, WHOLE_READ)


def _stores(size_change: Pair) -> dict[str, MethodEffect]:
    """The methods that store, but for `__setitem__`."""
    store = _storing(size_change)
    return {
        "setdefault": keyed(_loading_or(store, lambda obj: True), UPHEAVAL),
        **named("update __ior__", _updating(store)),
    }


_DICT_METHODS: Final[dict[str, MethodEffect]] = {
    **named(READS_EVERYTHING, always(EVERYTHING)),
    **named("copy __or__ __ror__", always(EVERYTHING)),
    # The iterator remembers the size it saw.
    **named("__len__ __bool__ __sizeof__ __iter__ __reversed__", always(MEASURED)),
    **named("keys values items", always(NOTHING)),
    **named("clear __init__", always(UPHEAVAL)),
    "get": keyed(load, EVERYTHING),
    "pop": keyed(_delete, UPHEAVAL),
    "popitem": _popitem,
    **_stores(SIZE_UPDATE),
}

_dict_store: Final = _storing(SIZE_UPDATE)
_dict_default: Final = _loading_or(_dict_store, lambda obj: True)
_factory_of: Final[Callable[[Any], Any]] = defaultdict.__dict__["default_factory"].__get__


def factory_in_python(obj: Any) -> Any:
    """The default factory of a `defaultdict`, if other threads may run while it does; else None.

    Then `obj[key]` for a missing key is three steps: to look, to call it, and to store.
    """
    factory = _factory_of(obj)
    if isinstance(factory, type):
        makers = [(definer(factory, name), name) for name in ("__new__", "__init__")]
        found = [namespace_of(cls)[name] for cls, name in makers if cls is not None]
        in_python = any(type(maker) in (FunctionType, staticmethod) for maker in found)
        return factory if in_python else None
    return None if factory is None or type(factory) is BuiltinFunctionType else factory


def _fills_at_once(obj: Any) -> bool:
    return _factory_of(obj) is not None and factory_in_python(obj) is None


_default: Final = _loading_or(_dict_store, _fills_at_once)

MAPPINGS: Final[dict[type, Behaviour]] = {
    dict: Behaviour(
        "dict",
        _DICT_METHODS | methods_of_the_future(dict, _DICT_METHODS),
        {
            "__getitem__": load,
            "__setitem__": _dict_store,
            "__delitem__": _delete,
            "__contains__": load,
        },
    ),
    OrderedDict: Behaviour(
        "dict",
        {
            **_stores(SIZE_WRITE),
            "popitem": _ordered_popitem,
            "move_to_end": keyed(_move_to_end, UPHEAVAL),
        },
        {"__setitem__": _storing(SIZE_WRITE)},
    ),
    defaultdict: Behaviour(
        "dict",
        {"__missing__": keyed(_default, UPHEAVAL)},
        {"__getitem__": _default},
    ),
    # Much of a Counter is written in Python, but in a module that nobody watches.
    Counter: Behaviour(
        "dict",
        {
            **named("most_common elements total _keep_positive", always(EVERYTHING)),
            **named("__add__ __sub__ __and__ __or__ __pos__ __neg__", always(EVERYTHING)),
            **named("update subtract __ior__ __iadd__ __isub__ __iand__", always(UPHEAVAL)),
            "__missing__": always(NOTHING),
        },
    ),
}


# Views.  They have no content of their own: what they do is done to the dict behind them.

_OWNERS: Final[tuple[dict[Any, Any], ...]] = ({}, OrderedDict())
_VIEWS: Final = tuple(
    type(view) for owner in _OWNERS for view in (owner.keys(), owner.values(), owner.items())
)
KEY_VIEWS: Final = frozenset(id(tp) for tp in (_VIEWS[0], _VIEWS[3]))
VIEWS: Final = frozenset(id(tp) for tp in (*_VIEWS, MappingProxyType))


def owner_of(view: Any) -> Any:
    """The dict behind a dict view or mapping proxy; anything else is what it is."""
    if id(type(view)) not in VIEWS:
        return view
    for owner in gc.get_referents(view):
        owner = owner_of(owner)
        if issubclass(type(owner), dict):
            return owner
    return view


def _contains_value(obj: Any, value: Any) -> Footprint:
    return EVERYTHING


def _contains_item(obj: Any, item: Any) -> Footprint:
    return load(obj, item[0]) if type(item) is tuple and len(item) == 2 else EVERYTHING


def _view(looks: Footprint, contains: ItemEffect, holder: Callable[[Any], Any]) -> Behaviour:
    return Behaviour(
        "view",
        {
            **named(READS_EVERYTHING, always(looks)),
            **named("__and__ __or__ __sub__ __xor__ isdisjoint", always(looks)),
            **named("__rand__ __ror__ __rsub__ __rxor__", always(looks)),
            **named("__len__ __bool__ __iter__ __reversed__", always(MEASURED)),
        },
        {"__contains__": contains},
        holder,
    )


def view_behaviours(holder: Callable[[Any], Any]) -> tuple[Behaviour, Behaviour, Behaviour]:
    """Of views of the keys, values and items of something."""
    return (
        _view(MEASURED, load, holder),
        _view(EVERYTHING, _contains_value, holder),
        _view(EVERYTHING, _contains_item, holder),
    )


MAPPINGS.update(zip(_VIEWS, view_behaviours(owner_of) * 2, strict=True))

PROXY_METHODS: Final = "get keys values items copy __getitem__ __contains__ __len__ __bool__ \
    __iter__ __reversed__ __or__ __ror__ __eq__ __ne__ __repr__ __str__"
"""What a mapping proxy passes on to the dict behind it, which may be of any class."""


# One step of an iteration.


def step(obj: Any, key: Any, values: bool) -> Footprint:
    """Going on to `key`, and to its value if `values`."""
    if not values:
        return MEASURED
    field = field_of(key)
    if field is UNKNOWN:
        return EVERYTHING
    return ((field, READ), SIZE_READ, WHOLE_READ)
