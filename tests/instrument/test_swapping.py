"""Functions that exist already get watched code, and get their own back."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

import pytest
from instrument import swapped_functions
from instrument.swapped_functions import (
    Thing,
    first,
    make,
    second,
    step,
    with_decorator,
    with_defaults,
)

from raceproof.instrument.loader import Loader, Watch
from raceproof.instrument.swapping import SwappedCode


@pytest.fixture
def swapped() -> Iterator[SwappedCode]:
    code = SwappedCode(Loader(Watch("/nowhere")), vars(swapped_functions))
    code.swap()
    try:
        yield code
    finally:
        code.restore()


def watched(function: Any) -> bool:
    return any(name.startswith("_rp_") for name in function.__code__.co_names)


FUNCTIONS: list[Any] = [
    with_decorator.__wrapped__,  # type: ignore[attr-defined]
    with_defaults,
    Thing.double.fget,
    Thing.static,
    Thing.Inner.get,
    Thing.steps,
    first,
    second,
    step,
]


def test_every_kind_of_function_is_watched(swapped: SwappedCode) -> None:
    assert [watched(function) for function in FUNCTIONS] == [True] * len(FUNCTIONS)
    assert not swapped.stale


def test_afterwards_all_have_their_own_code() -> None:
    before = [function.__code__ for function in FUNCTIONS]
    code = SwappedCode(Loader(Watch("/nowhere")), vars(swapped_functions))
    code.swap()
    code.restore()
    assert [function.__code__ for function in FUNCTIONS] == before


def test_lambdas_in_one_line_are_told_apart(swapped: SwappedCode) -> None:
    texts = [
        [constant for constant in function.__code__.co_consts if type(constant) is int]
        for function in (first, second)
    ]
    assert texts[0] != texts[1]


def test_closures_keep_their_cells(swapped: SwappedCode) -> None:
    assert step.__code__.co_freevars == ("number",)
    assert make.__code__.co_freevars == ("number",)
    # The code of a function inside has the scope of the function around it, which is made anew.
    (inner,) = [c for c in make.__code__.co_consts if isinstance(c, types.CodeType)]
    assert set(inner.co_freevars) >= {"number", "own"}


def test_source_that_has_changed_is_not_used() -> None:
    namespace: dict[str, Any] = {"__name__": __name__, "__file__": __file__}
    source = "def not_there(): return 1"
    exec(compile(source, __file__, "exec"), namespace)
    code = SwappedCode(Loader(Watch("/nowhere")), namespace)
    code.swap()
    try:
        assert code.stale == {f"{__name__}.not_there"}
        assert not code.watches(namespace["not_there"])
    finally:
        code.restore()
