"""A cache for each execution, which knows what the old one knew."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from raceproof.world.cached_calls import new_cache, results_of


@pytest.mark.parametrize("maxsize", [None, 4])
def test_what_was_cached_is_known(maxsize: int | None) -> None:
    calls: list[Any] = []

    @functools.lru_cache(maxsize)
    def compute(*args: Any, **kwargs: Any) -> object:
        calls.append((args, kwargs))
        return object()

    known = [compute(1), compute("a", 2), compute(3, size=4)]
    new = new_cache(compute)
    assert [new(1), new("a", 2), new(3, size=4)] == known
    assert len(calls) == 3
    other = new(5)
    assert new(5) is other
    assert len(calls) == 4
    assert len(results_of(compute)) == compute.cache_info().currsize == 3
    assert new.cache_parameters() == compute.cache_parameters()
