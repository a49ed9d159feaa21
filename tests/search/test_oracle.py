"""The search against brute force: the same results, and one execution for each class of orders."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from search.brute_force import class_by_pairs, class_of, every_order, waiting
from search.programs import Generator, Interpreter, Program

from raceproof.search.dpor import Dpor
from raceproof.world.scheduler import Execution, Plan, machine

MOST_ORDERS = 1_000


class TooManyOrdersError(Exception):
    """The program is too large for brute force."""


@dataclass
class Found:
    """What exploring a program came to."""

    orders: int = 0
    results: set[Any] = field(default_factory=set)
    classes: Counter[Any] = field(default_factory=Counter)
    redundant: int = 0
    slips: int = 0


def run(program: Program, plan: Plan) -> tuple[Execution, Any]:
    interpreters: list[Interpreter] = []

    def body() -> None:
        interpreters.append(Interpreter(program))
        interpreters[0].main()

    execution = machine.execute(body, plan)
    seen = interpreters[0].seen
    result = (
        execution.end,
        waiting(execution),
        tuple([(path, tuple(seen[path])) for path in sorted(seen)]),
    )
    return execution, result


def by_brute_force(program: Program, most: int = MOST_ORDERS) -> Found:
    machine.forget()
    found = Found()
    last: list[Any] = []

    def once(plan: Plan) -> Execution:
        execution, result = run(program, plan)
        last[:] = [result]
        return execution

    for execution in every_order(once):
        found.orders += 1
        if found.orders > most:
            raise TooManyOrdersError
        found.results.add(last[0])
        found.classes[class_of(execution)] += 1
    return found


def by_search(program: Program, most: int = 20 * MOST_ORDERS, forget: bool = False) -> Found:
    """Without `forget`, events are the same objects as those of `by_brute_force` before."""
    if forget:
        machine.forget()
    found = Found()
    search = Dpor()
    while (plan := search.next_plan()) is not None:
        execution, result = run(program, plan)
        assert execution.end != "diverged", execution.detail
        search.learn(execution)
        found.orders += 1
        assert found.orders <= most
        if execution.end != "redundant":
            found.results.add(result)
            found.classes[class_of(execution)] += 1
    found.redundant, found.slips = search.redundant, search.slips
    return found


def differences(program: Program, most: int = MOST_ORDERS) -> list[str]:
    """What is wrong with the search of this program; nothing, it is hoped."""
    expected = by_brute_force(program, most)
    found = by_search(program)
    wrong = []
    if found.results != expected.results:
        missed = len(expected.results - found.results)
        wrong.append(f"{missed} of {len(expected.results)} results missed")
        if found.results - expected.results:
            wrong.append("impossible results")
    missed = len(expected.classes.keys() - found.classes.keys())
    if missed:
        wrong.append(f"{missed} of {len(expected.classes)} classes missed")
    if found.classes.keys() - expected.classes.keys():
        wrong.append("impossible classes")
    again = found.orders - len(found.classes)
    if again:
        wrong.append(f"{again} of {found.orders} executions for nothing")
    if found.redundant:
        wrong.append(f"{found.redundant} redundant")
    if found.slips:
        wrong.append(f"{found.slips} slips")
    return wrong
