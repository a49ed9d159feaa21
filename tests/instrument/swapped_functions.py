"""Functions of every kind, for the test of swapping their code."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


@decorated
def with_decorator(box: list[int]) -> int:
    return box[0]


def with_defaults(a: Any, /, b: int = 2, *rest: int, c: int = 3, **more: int) -> Any:
    return a[0], b, rest, c, more


@dataclass
class Thing:
    size: int = 0

    @property
    def double(self) -> int:
        return self.size * 2

    @staticmethod
    def static(box: list[int]) -> int:
        return box[0]

    @classmethod
    def of(cls, size: int) -> Thing:
        return cls(size)

    def steps(self) -> Iterator[int]:
        yield self.size

    class Inner:
        def get(self, box: list[int]) -> int:
            return box[0]


class Derived(Thing):
    def __repr__(self) -> str:
        return super().__repr__()


first, second = (lambda box: box[0]), (lambda box: box[1])  # fmt: skip


def counters() -> tuple[Callable[[], int], Callable[[], Callable[[], int]]]:
    number = 0

    def step() -> int:
        nonlocal number
        number += 1
        return number

    def make() -> Callable[[], int]:
        own = 0

        def inner() -> int:
            nonlocal own, number
            own += 1
            number += 1
            return own

        return inner

    return step, make


step, make = counters()
