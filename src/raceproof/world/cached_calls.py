"""`functools.lru_cache`: what was cached before an execution is known to it, and nothing else.

A cache in C cannot be copied or put back, so each execution gets one of its own, which starts with
the results of the old one.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Final

from raceproof.world.caches import CacheWrapper

Wrapper: Final = type(functools.lru_cache(lambda: None))
_MISSING: Final = object()


def new_cache(old: Any) -> Any:
    """A cached function like `old`, with a cache of its own that knows what `old` knows."""
    parameters = old.cache_parameters()
    function: Callable[..., Any] = old.__wrapped__
    known = {} if parameters["typed"] else results_of(old)
    simulated = functools.lru_cache(parameters["maxsize"], parameters["typed"])(function)
    if type(simulated) is CacheWrapper:
        for (positional, keywords), result in known.items():
            simulated.know(positional, dict(keywords), result)
        functools.update_wrapper(simulated, old)
        return simulated

    @functools.wraps(function)
    def compute(*args: Any, **kwargs: Any) -> Any:
        if known:
            result = known.get((args, tuple(kwargs.items())), _MISSING)
            if result is not _MISSING:
                return result
        return function(*args, **kwargs)

    new = functools.lru_cache(parameters["maxsize"], parameters["typed"])(compute)
    functools.update_wrapper(new, old)
    return new


def results_of(cached: Any) -> dict[tuple[tuple[Any, ...], tuple[Any, ...]], Any]:
    """The results in a cache, by the positional and the keyword arguments of the calls."""
    size = cached.cache_info().currsize
    # What it refers to: its type; key, result and a type for each entry of a limited cache; then
    # the dict, which has the results of an unlimited one.
    _, *around = gc.get_referents(cached)
    entries: Iterable[tuple[Any, Any]]
    if cached.cache_parameters()["maxsize"] is None:
        entries = around[0].items()
    else:
        entries = zip(around[0 : 3 * size : 3], around[1 : 3 * size : 3], strict=True)
    return {arguments_of(key): result for key, result in entries} if size else {}


def arguments_of(key: Hashable) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The arguments of the call with this key: a lone number or text, or else all of them in a
    row, with a mark of its own before the keywords."""
    if not isinstance(key, tuple):
        return (key,), ()
    for position, part in enumerate(key):
        if type(part) is object:
            rest = key[position + 1 :]
            return key[:position], tuple(zip(rest[::2], rest[1::2], strict=True))
    return key, ()
