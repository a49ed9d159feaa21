"""A dict key or set element becomes a field name, provided that this can be done safely.

Safe are keys that are hashed and compared by the interpreter itself; a key whose class says how
is never hashed or compared here, because that would run user code out of turn.
"""

from __future__ import annotations

import enum
from typing import Any, Final

from raceproof.instrument.effects.per_type import PerType, definer, mro_of


class ByIdentity:
    """The field of a key that equals nothing but itself, such as an instance of a plain class.

    Whoever turns fields into locations must give `key` a name: its id is another one next time.
    """

    __slots__ = ("key",)

    def __init__(self, key: object) -> None:
        self.key = key

    def __eq__(self, other: object) -> bool:
        return type(other) is ByIdentity and other.key is self.key

    def __hash__(self) -> int:
        return id(self.key)

    def __repr__(self) -> str:
        return f"<{type.__getattribute__(type(self.key), '__name__')} object>"


class EnumMember(str):
    """The field of an enum member, by name: its class is made anew in every execution.

    That the string of the same text has the same field costs nothing but precision.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


UNKNOWN: Final = object()
"""In place of a field: which keys this one equals, only user code can tell."""

_VALUE, _FLOAT, _TUPLE, _FROZENSET, _MEMBER, _IDENTITY, _CUSTOM = range(7)

_BY_DEFINER: Final = (
    (str, _VALUE),
    (int, _VALUE),
    (bytes, _VALUE),
    (float, _FLOAT),
    (tuple, _TUPLE),
    (frozenset, _FROZENSET),
    (object, _IDENTITY),
)


def _find_out(tp: type) -> int:
    """How instances of `tp` are hashed and compared."""
    if tp is type(None):
        return _VALUE
    hashes, compares = definer(tp, "__hash__"), definer(tp, "__eq__")
    if compares is object and (hashes is enum.Enum or hashes is object):
        for cls in mro_of(tp):
            if cls is enum.Enum:
                return _MEMBER
    if hashes is compares:
        for cls, way in _BY_DEFINER:
            if hashes is cls:
                return way
    return _CUSTOM


_ways: Final = PerType(_find_out)


def field_of(key: Any) -> Any:
    """The field for `key`, equal for equal keys; or UNKNOWN."""
    tp = type(key)
    if tp is str or tp is int:
        return key
    if tp is tuple:
        for part in key:
            if type(part) is not int and type(part) is not str:
                return _field_of_tuple(key)
        return key
    way = _ways.known.get(id(tp))
    if way is None:
        way = _ways.learn(tp)
    if way == _VALUE:
        return key
    if way == _IDENTITY:
        return ByIdentity(key)
    if way == _TUPLE:
        return _field_of_tuple(key)
    if way == _FLOAT:
        # A NaN equals itself only by identity, and has no name that could stand for that.
        return key if float.__eq__(key, key) else UNKNOWN
    if way == _FROZENSET:
        return _field_of_frozenset(key)
    return _field_of_member(key) if way == _MEMBER else UNKNOWN


def _field_of_tuple(key: Any) -> Any:
    fields = tuple([field_of(part) for part in tuple.__iter__(key)])
    for part in fields:
        if part is UNKNOWN or type(part) is ByIdentity:
            return UNKNOWN
    return fields


def _field_of_frozenset(key: Any) -> Any:
    fields = [field_of(part) for part in frozenset.__iter__(key)]
    for part in fields:
        if part is UNKNOWN or type(part) is ByIdentity:
            return UNKNOWN
    return frozenset(fields)


def _field_of_member(key: Any) -> Any:
    try:
        name = object.__getattribute__(key, "_name_")
    except AttributeError:
        return ByIdentity(key)
    if type(name) is not str:
        return ByIdentity(key)
    return EnumMember(f"{type.__getattribute__(type(key), '__qualname__')}.{name}")
