"""The search against brute force: the same results, and one execution for each class of orders."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pytest
from search.brute_force import class_by_pairs, class_of, every_order, waiting
from search.programs import Generator, Interpreter, Program

from raceproof.search.dpor import Dpor
from raceproof.world.execution import Execution, Plan
from raceproof.world.scheduler import machine

MOST_ORDERS = 500


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


def by_search(program: Program) -> Found:
    """To follow `by_brute_force`: the events are the same objects, so that classes compare."""
    found = Found()
    search = Dpor()
    while (plan := search.next_plan()) is not None:
        execution, result = run(program, plan)
        assert execution.end != "diverged", execution.detail
        search.learn(execution)
        found.orders += 1
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
    # Brute force lets no wait expire while a thread sleeps that could go on; the search does.
    more = mentions("rest", program)
    missed = len(expected.results - found.results)
    if missed:
        wrong.append(f"{missed} of {len(expected.results)} results missed")
    if found.results - expected.results and not more:
        wrong.append("impossible results")
    missed = len(expected.classes.keys() - found.classes.keys())
    if missed:
        wrong.append(f"{missed} of {len(expected.classes)} classes missed")
    if found.classes.keys() - expected.classes.keys() and not more:
        wrong.append("impossible classes")
    again = found.orders - len(found.classes)
    if again:
        wrong.append(f"{again} of {found.orders} executions for nothing")
    if found.redundant:
        wrong.append(f"{found.redundant} redundant")
    if found.slips:
        wrong.append(f"{found.slips} slips")
    return wrong


def mentions(name: str, program: Any) -> bool:
    """Whether a statement of this name occurs in a program."""
    return isinstance(program, tuple) and (
        program[:1] == (name,) or any(mentions(name, part) for part in program)
    )


# -- the tests -------------------------------------------------------------------------------------

BLOCK = 25
BLOCKS = 13


@pytest.mark.parametrize(
    ("timeouts", "block"),
    [("idle", block) for block in range(BLOCKS)] + [("any", block) for block in range(4)],
)
def test_search_agrees_with_brute_force(
    timeouts: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "timeouts", timeouts)
    compared = 0
    seed = 1_000 * block + (500 if timeouts == "any" else 0)
    while compared < BLOCK:
        program = Generator(random.Random(seed)).program()
        seed += 1
        try:
            wrong = differences(program)
        except TooManyOrdersError:
            continue
        compared += 1
        assert not wrong, f"{wrong} in program {program!r}"


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(
            (
                (("join_queue",), ("get", None), ("put", 1, None)),
                (("put", 2, None), ("task_done",), ("task_done",), ("get", None)),
            ),
            id="an operation that another thread's unrelated event does not make possible",
        ),
        pytest.param(
            (
                (("holding", "lock", ("condition_wait", "lock", 1)),),
                (("holding", "lock", ("notify", "lock", 1)), ("trying", "lock", 1)),
            ),
            id="a wait that expires",
        ),
        pytest.param(
            (
                (
                    (
                        "holding",
                        "condition",
                        ("holding", "condition", ("condition_wait", "rlock", None)),
                    ),
                ),
                (("holding", "condition", ("notify", "rlock", 1)), ("write", "x", 1)),
            ),
            id="a reentrant lock that is given up while the execution is unwound",
        ),
    ],
)
def test_programs_that_were_searched_wrongly_once(program: Program) -> None:
    assert not differences(program)


def test_topics_are_all_drawn_on() -> None:
    drawn: Counter[str] = Counter()

    def count(statements: tuple[Any, ...]) -> None:
        for statement in statements:
            if isinstance(statement, tuple):
                drawn[statement[0]] += 1
                count(statement[1:])

    for seed in range(400):
        for statements in Generator(random.Random(seed)).program():
            count(statements)
    kinds = {name for name in vars(Interpreter) if not name.startswith("_")}
    assert kinds - {"main", "body", "run"} == set(drawn)


def test_classes_are_what_the_definition_says() -> None:
    """The canonical form used here sorts executions as the ordered pairs of events do."""
    for seed in range(60):
        program = Generator(random.Random(seed)).program()
        forms: dict[Any, Any] = {}
        machine.forget()
        executions = every_order(lambda plan, program=program: run(program, plan)[0])
        for execution in islice(executions, 60):
            form, by_pairs = class_of(execution), class_by_pairs(execution)
            assert forms.setdefault(form, by_pairs) == by_pairs
        assert len(set(forms.values())) == len(forms)
