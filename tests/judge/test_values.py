"""Values are written down without running code of the program, and alike in every process."""

from __future__ import annotations

from collections import deque
from typing import Any, NoReturn

import pytest

from raceproof.judge.values import attribute, short


class Touchy:
    """Breaks whatever looks at it."""

    def __repr__(self) -> NoReturn:
        raise AssertionError("asked for its representation")

    def __lt__(self, other: object) -> NoReturn:
        raise AssertionError("asked for its order")

    def __eq__(self, other: object) -> NoReturn:
        raise AssertionError("compared")

    def __hash__(self) -> int:
        return 1

    @property
    def value(self) -> NoReturn:
        raise AssertionError("asked for a property")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1000, "1000"),
        ("apple", "'apple'"),
        ([1, 2, 3, 4, 5], "[1, 2, 3, 4, ...]"),
        ({"b": 1, "a": 2}, "{'b': 1, 'a': 2}"),
        ({3, 1, 2}, "{1, 2, 3}"),
        (set(), "set()"),
        (frozenset({"x"}), "frozenset({'x'})"),
        (deque([1, 2]), "deque([1, 2])"),
        (Touchy(), "<Touchy>"),
        ([Touchy()], "[<Touchy>]"),
        ({Touchy(): 1}, "{<Touchy>: 1}"),
        (ValueError("no"), "ValueError(...)"),
        (len, "len"),
        (int, "int"),
        ("x" * 50, "'xxxxxxxxx...xxxxxxxxxx'"),
    ],
)
def test_a_short_text(value: Any, text: str) -> None:
    assert short(value) == text


def test_a_large_dict_shows_its_first_elements() -> None:
    assert short({n: n for n in range(9)}) == "{0: 0, 1: 1, 2: 2, 3: 3, ...}"


def test_an_attribute_is_looked_up_without_running_a_property() -> None:
    touchy = Touchy()
    touchy.__dict__["own"] = 7
    assert attribute(touchy, "own") == 7
    assert isinstance(attribute(touchy, "value"), property)
    with pytest.raises(AttributeError):
        attribute(touchy, "nothing")
