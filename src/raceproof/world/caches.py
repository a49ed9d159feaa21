"""`functools.lru_cache` and `functools.cached_property` around watched functions.

Looking a result up is one step and storing it is another: in between the function runs, and so may
other threads, which then call it a second time and get another result.
"""

from __future__ import annotations

import functools
import types
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final

from raceproof.events import ANY, READ, UPDATE, WHOLE, WRITE, Attribute, Operation, SharedObject
from raceproof.world.calculating import SCALARS, is_scalar, only_calculates
from raceproof.world.scheduler import machine
from raceproof.world.unwatched import announce, announce_as_met, data_operation, is_watched, named

LOOK_UP: Final = "look up"
STORE: Final = "store"
MISSING: Final = object()
_make_key: Final[Any] = functools._make_key
_RealWrapper: Final[Any] = functools._lru_cache_wrapper


class _AlsoRealWrappers(type):
    """The caches of libraries are of this type as well."""

    def __instancecheck__(cls, instance: object) -> bool:
        return type.__instancecheck__(cls, instance) or isinstance(instance, _RealWrapper)


class CacheWrapper(metaclass=_AlsoRealWrappers):
    """What `functools.lru_cache` makes of a watched function."""

    # Not in `__dict__`, which `functools.wraps` copies.
    __slots__ = (
        "__dict__", "__weakref__", "_epoch", "_function", "_hits", "_info", "_insight", "_label",
        "_maxsize", "_misses", "_results", "_shared", "_transparent", "_typed",
    )  # fmt: skip

    def __new__(cls, user_function: Any, maxsize: Any, typed: bool, cache_info: Any) -> Any:
        """The real one for functions that are not watched: they are single steps."""
        if not machine.active or not is_watched(user_function):
            return _RealWrapper(user_function, maxsize, typed, cache_info)
        return super().__new__(cls)

    def __init__(self, user_function: Any, maxsize: Any, typed: bool, cache_info: Any) -> None:
        self._function = user_function
        self._maxsize: int | None = None if maxsize is None else max(maxsize, 0)
        self._typed = typed
        self._info = cache_info
        name = getattr(user_function, "__qualname__", type(user_function).__name__)
        self._label = f"cache of {name}"
        self._insight = f"{self._label} in {user_function.__module__}"
        self._transparent = only_calculates(user_function)
        self._enter_world()

    def _enter_world(self) -> None:
        self._epoch = machine.epoch
        self._shared = machine.objects.numbered(machine.current.tid, self._label)
        self._forget()

    def _forget(self) -> None:
        self._results: OrderedDict[Hashable, Any] = OrderedDict()
        self._hits = self._misses = 0

    def know(self, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Have the result of a call as if it had been made before the execution."""
        self._results[_make_key(args, kwargs, self._typed)] = result

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        if self._epoch != machine.epoch and machine.active:
            self._enter_world()
        if self._maxsize == 0:
            self._misses += 1
            return self._function(*args, **kwargs)
        key = _make_key(args, kwargs, self._typed)
        seen = machine.watching and not self._is_unnoticed(args, kwargs)
        if seen:
            field = field_of(key)
            place = self._shared.location(field)
            whole, statistics = self._shared.location(WHOLE), self._shared.location(ANY)
            accesses = ((place, READ), (whole, READ), (statistics, UPDATE))
            announce(data_operation(self._shared, LOOK_UP, accesses))
        found = self._results.get(key, MISSING)
        if found is not MISSING:
            self._hits += 1
            if self._maxsize is not None:
                self._results.move_to_end(key)
            return found
        self._misses += 1
        result = self._function(*args, **kwargs)
        if seen:
            announce_as_met(lambda: self._storing(key, field, result))
        elif not is_scalar(result):
            machine.learn(self._insight)
        if self._maxsize is None:
            self._results[key] = result
        elif key not in self._results:
            self._results[key] = result
            if len(self._results) > self._maxsize:
                self._results.popitem(last=False)
        return result

    def _is_unnoticed(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether nobody can tell how often the function runs for these arguments."""
        return (
            self._transparent
            and all(map(is_scalar, args))
            and all(map(is_scalar, kwargs.values()))
            and self._insight not in machine.insights
        )

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, _memo: Any) -> Any:
        return self

    def __reduce__(self) -> Any:
        return vars(self)["__qualname__"]  # set by `functools.update_wrapper`

    def _storing(self, key: Hashable, field: Any, result: Any) -> Operation:
        """What storing a result changes, as things are."""
        shared = self._shared
        present = self._results.get(key, MISSING)
        size, most = len(self._results), self._maxsize
        if present is MISSING and most is not None and size >= most:  # something has to go
            return data_operation(shared, STORE, ((shared.location(WHOLE), WRITE),))
        same = type(present) is type(result) and is_scalar(result) and present == result
        mode = READ if same else WRITE
        accesses = ((shared.location(field), mode), (shared.location(WHOLE), READ))
        return data_operation(shared, STORE, accesses)

    def cache_info(self) -> Any:
        """Hits, misses, and the size of the cache."""
        self._use_all("cache_info", (ANY, READ), (WHOLE, READ))
        return self._info(self._hits, self._misses, self._maxsize, len(self._results))

    def cache_clear(self) -> None:
        """Forget all results."""
        self._use_all("cache_clear", (WHOLE, WRITE), (ANY, WRITE))
        self._forget()

    def _use_all(self, kind: str, *footprint: tuple[Any, int]) -> None:
        if machine.watching:
            shared: SharedObject = self._shared
            accesses = tuple((shared.location(field), mode) for field, mode in footprint)
            announce(data_operation(shared, kind, accesses))


def field_of(key: Any) -> Any:
    """What stands for a key of a cache in the names of places."""
    tp: Any = type(key)
    if tp in SCALARS:
        return key
    if isinstance(key, list):  # what `functools` makes of several arguments
        return tuple(map(field_of, key))
    if tp is tuple:
        return tuple(map(field_of, key))
    if tp is object or tp is type:  # what separates keyword arguments, and the types of arguments
        return key
    if tp.__hash__ is object.__hash__ and tp.__eq__ is object.__eq__:
        return named(key, "key of a cache")
    return UNKNOWN


UNKNOWN: Final = "any other key"
"""Stands for all keys that watched code compares."""


# -- cached_property -----------------------------------------------------------------------------

_original_get: Final[Callable[..., Any]] = functools.cached_property.__get__


class _Announced:
    """Stands for a `cached_property` in its own `__get__`, to get a word in before the store."""

    __slots__ = ("_original", "attrname", "lock")

    def __init__(self, original: Any) -> None:
        self._original = original
        self.attrname = original.attrname
        self.lock = getattr(original, "lock", None)  # before 3.12

    def func(self, instance: Any) -> Any:
        value = self._original.func(instance)
        shared = named(instance, "cached property")
        place = shared.location(Attribute(self.attrname))
        announce(data_operation(shared, "write", ((place, WRITE),)), instance)
        return value


def get_cached_property(self: Any, instance: Any, owner: Any = None) -> Any:
    """`cached_property.__get__`; whether a lock is held meanwhile is up to the running version."""
    announced = machine.watching and instance is not None and is_watched(self.func)
    return _original_get(_Announced(self) if announced else self, instance, owner)
