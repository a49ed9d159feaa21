"""What each operation on a builtin container reads and writes, as things are before it happens.

An operation's footprint is a tuple of (field, mode) pairs; two operations whose footprints agree
on every field they share (equal modes, and not WRITE) commute, and neither changes the footprint
of the other.  An operation of which nothing is known has no footprint, but `None`.
"""

from __future__ import annotations

from collections.abc import Callable
from types import GeneratorType, MappingProxyType
from typing import Any, Final

from raceproof.instrument.effects import iterators, mappings
from raceproof.instrument.effects.footprints import (
    EVERYTHING,
    MEASURED,
    NOTHING,
    UPHEAVAL,
    Behaviour,
    Footprint,
    ItemEffect,
    MethodEffect,
    keyed,
)
from raceproof.instrument.effects.keys import ByIdentity, EnumMember, field_of
from raceproof.instrument.effects.mappings import factory_in_python
from raceproof.instrument.effects.per_type import PerType, mro_of, namespace_of
from raceproof.instrument.effects.sequences import SEQUENCES, read_at
from raceproof.instrument.effects.sets import SETS
from raceproof.instrument.effects.streams import STREAMS
from raceproof.instrument.effects.wrappers import WRAPPERS

__all__ = [
    "ByIdentity",
    "EnumMember",
    "Footprint",
    "contains",
    "delete_item",
    "end_of_iteration",
    "factory_in_python",
    "field_of",
    "inherited_effects",
    "kind_of",
    "length",
    "load_item",
    "load_slice",
    "method_effects",
    "mutate_all",
    "read_all",
    "start_of_iteration",
    "step",
    "store_item",
    "store_slice",
    "truth",
    "underlying",
]

_Step = Callable[[Any, Any, bool], Footprint | None]


def _unknown_item(obj: Any, key: Any) -> None:
    """In place of an effect where there is none, or where user code is watched instead."""


class _Profile:
    """Everything about one type, collected from its bases: one look-up for each operation."""

    __slots__ = (
        "contains",
        "delete",
        "end",
        "holder",
        "inherited",
        "kind",
        "length",
        "load",
        "methods",
        "mutate",
        "read",
        "start",
        "step",
        "store",
        "truth",
    )

    def __init__(self) -> None:
        self.kind: str | None = None
        self.holder: Callable[[Any], Any] | None = None
        self.methods: dict[str, MethodEffect] = {}
        self.inherited: dict[str, MethodEffect] = {}
        """With the methods that a subclass overrides: it may still call them."""
        self.load: Callable[[Any, Any], Footprint | None] = _unknown_item
        self.store: Callable[[Any, Any], Footprint | None] = _unknown_item
        self.delete: Callable[[Any, Any], Footprint | None] = _unknown_item
        self.contains: Callable[[Any, Any], Footprint | None] = _unknown_item
        self.length: Footprint | None = None
        self.truth: Footprint | None = None
        self.start: Footprint | None = None
        self.step: _Step = _no_step
        self.end: Footprint | None = None
        self.read: Footprint | None = None
        self.mutate: Footprint | None = None


def _no_step(obj: Any, key: Any, values: bool) -> None:
    """The step of what is not a container."""


def _index_step(obj: Any, key: Any, values: bool) -> Footprint:
    return read_at(key)


def _whole_step(obj: Any, key: Any, values: bool) -> Footprint:
    return MEASURED


def _deque_step(obj: Any, key: Any, values: bool) -> Footprint:
    return EVERYTHING


def _iterator_step(obj: Any, key: Any, values: bool) -> Footprint:
    return iterators.ADVANCED


_STEPS: Final[dict[str, _Step]] = {
    "list": _index_step,
    "bytearray": _index_step,
    "array": _index_step,
    "deque": _deque_step,
    "dict": mappings.step,
    "view": mappings.step,
    "set": _whole_step,
    "iterator": _iterator_step,
}


def _passed_on(name: str) -> MethodEffect:
    """A method of a mapping proxy: what the mapping behind it, of whatever class, does."""

    def effect(obj: Any, args: tuple[Any, ...], more: bool) -> Any:
        owner = underlying(obj)
        return None if owner is obj else method_effects(owner, name, args, more)

    return effect


_PROXY: Final = Behaviour(
    "view",
    {name: _passed_on(name) for name in mappings.PROXY_METHODS.split()},
    holder=mappings.owner_of,
)
_PROXY.items["__getitem__"] = lambda obj, key: _PROXY.methods["__getitem__"](obj, (key,), False)
_PROXY.items["__contains__"] = lambda obj, key: _PROXY.methods["__contains__"](obj, (key,), False)

_BEHAVIOURS: Final[dict[int, Behaviour]] = {
    id(tp): behaviour
    for tp, behaviour in (
        SEQUENCES
        | SETS
        | mappings.MAPPINGS
        | WRAPPERS
        | STREAMS
        | {GeneratorType: iterators.GENERATOR}
    ).items()
} | {id(MappingProxyType): _PROXY}


def _profile(tp: type) -> _Profile:
    """Go through the bases of `tp` from the root, as method resolution does the other way round.

    A class that is not one of ours overrides: what it defines is watched, or not known.
    """
    profile = _Profile()
    items: dict[str, ItemEffect] = {}
    methods: dict[str, MethodEffect] = {}
    for cls in reversed(mro_of(tp)):
        behaviour = _BEHAVIOURS.get(id(cls))
        if behaviour is None:
            namespace = namespace_of(cls)
            for name in namespace:
                methods.pop(name, None)
                items.pop(name, None)
            if "__len__" in namespace:
                methods.pop("__bool__", None)
            if "__missing__" in namespace and "__getitem__" in items:
                # Then `c[k]` only looks; what happens to a missing key is the method's business.
                items["__getitem__"] = mappings.load
                methods["__getitem__"] = keyed(mappings.load, EVERYTHING)
        else:
            profile.kind = behaviour.kind
            profile.holder = behaviour.holder
            methods |= behaviour.methods
            items |= behaviour.items
            profile.inherited |= behaviour.methods
    if profile.kind is None and iterators.is_iterator(tp):
        profile.kind = "iterator"
        methods = profile.inherited = iterators.ITERATOR.methods
    if profile.kind is None:
        return profile
    profile.methods = methods
    profile.load = items.get("__getitem__", _unknown_item)
    profile.store = items.get("__setitem__", _unknown_item)
    profile.delete = items.get("__delitem__", _unknown_item)
    profile.contains = items.get("__contains__", _unknown_item)
    profile.step = _STEPS[profile.kind]
    if profile.kind == "iterator":
        profile.truth = profile.start = NOTHING
        profile.end = profile.read = profile.mutate = iterators.ADVANCED
        profile.contains = lambda obj, key: iterators.ADVANCED
        return profile
    profile.length = MEASURED if "__len__" in methods else None
    profile.truth = MEASURED if "__bool__" in methods else None
    if "__iter__" in methods:
        profile.start = NOTHING if profile.step is _index_step else MEASURED
    profile.end = MEASURED
    profile.read = MEASURED if id(tp) in mappings.KEY_VIEWS else EVERYTHING
    profile.mutate = UPHEAVAL
    return profile


_profiles: Final = PerType(_profile)
_known: Final = _profiles.known
_learn: Final = _profiles.learn

# The functions below are called once for each operation of the program under test, so each looks
# its type up by itself.  A profile is always true, which makes `or` do.


def kind_of(tp: type) -> str | None:
    """Which container instances of `tp` are, or None.

    "list", "dict", "set", "deque", "bytearray", "array" or "iterator"; "view" for the views of a
    dict and mapping proxies, which stand for the `underlying` dict.
    """
    return (_known.get(id(tp)) or _learn(tp)).kind


def underlying(obj: Any) -> Any:
    """The container that has the content of `obj`: behind a view, a wrapper; else itself."""
    tp = type(obj)
    holder = (_known.get(id(tp)) or _learn(tp)).holder
    if holder is None:
        return obj
    found = holder(obj)
    return found if found is obj else underlying(found)


def method_effects(obj: Any, name: str, args: tuple[Any, ...], more: bool) -> Footprint | None:
    """The footprint of `obj.name(*args)`; with `more`, there are further arguments, not known."""
    tp = type(obj)
    effect = (_known.get(id(tp)) or _learn(tp)).methods.get(name)
    return None if effect is None else effect(obj, args, more)


def inherited_effects(obj: Any, name: str, args: tuple[Any, ...], more: bool) -> Footprint | None:
    """The same for the builtin's own method, though a subclass overrides it: `super().name()`."""
    tp = type(obj)
    effect = (_known.get(id(tp)) or _learn(tp)).inherited.get(name)
    return None if effect is None else effect(obj, args, more)


def load_item(obj: Any, key: Any) -> Footprint | None:
    """`obj[key]`"""
    tp = type(obj)
    return (_known.get(id(tp)) or _learn(tp)).load(obj, key)


def store_item(obj: Any, key: Any) -> Footprint | None:
    """`obj[key] = value`"""
    tp = type(obj)
    return (_known.get(id(tp)) or _learn(tp)).store(obj, key)


def delete_item(obj: Any, key: Any) -> Footprint | None:
    """`del obj[key]`"""
    tp = type(obj)
    return (_known.get(id(tp)) or _learn(tp)).delete(obj, key)


load_slice: Final = load_item
"""`obj[key]` where `key` is a slice object, which `load_item` takes as well."""
store_slice: Final = store_item
"""`obj[key] = values` where `key` is a slice object, which `store_item` takes as well."""


def contains(obj: Any, key: Any) -> Footprint | None:
    """`key in obj`"""
    tp = type(obj)
    return (_known.get(id(tp)) or _learn(tp)).contains(obj, key)


def length(obj: Any) -> Footprint | None:
    """`len(obj)`"""
    tp = type(obj)
    return (_known.get(id(tp)) or _learn(tp)).length


def truth(obj: Any) -> Footprint | None:
    """`bool(obj)`, `if obj`, `not obj`"""
    tp = type(obj)
    return (_known.get(id(tp)) or _learn(tp)).truth


def read_all(obj: Any) -> Footprint | None:
    """Looking at every element at once: `sorted(obj)`, `obj == other`, `print(obj)`."""
    tp = type(obj)
    return (_known.get(id(tp)) or _learn(tp)).read


def mutate_all(obj: Any) -> Footprint | None:
    """Any change whatever: `random.shuffle(obj)`, `heapq.heappush(obj, x)`."""
    tp = type(obj)
    return (_known.get(id(tp)) or _learn(tp)).mutate


def start_of_iteration(obj: Any) -> Footprint | None:
    """`iter(obj)`, which notes the size of a dict, set or deque."""
    tp = type(obj)
    return (_known.get(id(tp)) or _learn(tp)).start


def step(obj: Any, position_or_key: Any, values: bool) -> Footprint | None:
    """Going on to the next element: a position, or the key of a dict (with its value?)."""
    tp = type(obj)
    return (_known.get(id(tp)) or _learn(tp)).step(obj, position_or_key, values)


def end_of_iteration(obj: Any) -> Footprint | None:
    """Finding out that there is no next element."""
    tp = type(obj)
    return (_known.get(id(tp)) or _learn(tp)).end
