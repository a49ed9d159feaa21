"""Threads are called by what they do, whenever they are asked for it."""

from __future__ import annotations

import contextvars
import functools
import operator
from typing import Any

import pytest

from raceproof.judge.threads import call_text
from raceproof.world.arguments import as_given


class Account:
    def deposit(self, amount: int, log: list[int]) -> None:
        log.append(amount)


def work(number: int, results: list[int], *more: Any, key: Any = None) -> None:
    results.append(number)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ((work, (1, [])), "work(1, results)"),
        ((work, (1, {2: object()}, [[]])), "work(1, results, list)"),
        ((work, (1, {2: 3}, [4])), "work(1, {2: 3}, [4])"),
        ((work, (1, (2, 3), 4)), "work(1, (2, 3), 4)"),
        ((work, (1, []), {"key": []}), "work(1, results, key=..)"),
        ((Account().deposit, (5, [])), "deposit(5, log)"),
        ((functools.partial(work, 1), ([],)), "work(1, results)"),
        ((functools.partial(functools.partial(work, 1), [2]),), "work(1, results)"),
        ((functools.partial(work, key=1), (2, []), {"key": 3}), "work(2, results, key=3)"),
        ((contextvars.Context().run, (work, 1, [])), "work(1, results)"),
        ((functools.partial(contextvars.Context().run, work, 1, []),), "work(1, results)"),
        ((operator.setitem, ({}, 1, 2)), "setitem(dict, 1, 2)"),
    ],
)
def test_arguments_that_change_are_called_as_their_parameters(call: Any, text: str) -> None:
    assert call_text(*call) == text


def test_arguments_are_called_as_they_were_when_the_thread_started() -> None:
    done: list[int] = []
    parts = [1, 2]
    more = [[3]]
    given = as_given((0, done, parts, more))
    parts.append(4)
    done.append(5)
    assert given == (0, [], [1, 2], more)
    assert given[3] is more
    assert call_text(work, given) == "work(0, results, [1, 2], list)"
