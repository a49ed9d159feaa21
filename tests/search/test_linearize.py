"""Rearranging executions: the classes are the right ones, and the simplest order is that."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from search.brute_force import class_of, every_order
from search.programs import Generator, Program
from search.test_oracle import run

from raceproof.events import ThreadId
from raceproof.search.linearize import simplest_order
from raceproof.search.minimize import blocks_of
from raceproof.search.nearby import Nearby
from raceproof.search.trace import Key, Trace, trace_of
from raceproof.world.execution import Execution, Plan
from raceproof.world.scheduler import machine

MOST_ORDERS = 120
PROGRAMS = 6
BLOCKS = 4


def rank(thread: ThreadId) -> tuple[int, ...]:
    return machine.naming.paths[thread]


def programs(block: int) -> Iterator[tuple[Program, list[tuple[Execution, Trace]]]]:
    """Small programs with all their executions."""
    found = 0
    seed = 10_000 + 1_000 * block
    while found < PROGRAMS:
        program = Generator(random.Random(seed)).program()
        seed += 1
        machine.forget()
        executions: list[tuple[Execution, Trace]] = []

        def once(plan: Plan, program: Program = program) -> Execution:
            return run(program, plan)[0]

        for execution in every_order(once):
            executions.append((execution, trace_of(execution)))
            if len(executions) > MOST_ORDERS:
                break
        else:
            found += 1
            yield program, executions


def cost(execution: Execution) -> tuple[int, int]:
    return len(execution.preemptions), len(blocks_of(execution.threads))


@pytest.mark.parametrize("block", range(BLOCKS))
def test_the_simplest_order_is_the_simplest_of_its_class(block: int) -> None:
    for program, executions in programs(block):
        classes: dict[Key, list[tuple[Execution, Trace]]] = {}
        for execution, trace in executions:
            classes.setdefault(trace.key(), []).append((execution, trace))
        for members in classes.values():
            orders = [simplest_order(trace, rank) for _, trace in (members[0], members[-1])]
            assert orders[0] == orders[1]
            found, _ = run(program, Plan(script=list(orders[0].threads)))
            assert not found.slips
            assert class_of(found) == class_of(members[0][0])
            assert cost(found) == min(cost(execution) for execution, _ in members)
            assert orders[0].preemptions == len(found.preemptions)


def test_executions_of_one_class_have_one_key_and_others_another() -> None:
    for block in range(2):
        for _, executions in programs(block):
            keys: dict[Any, Any] = {}
            for execution, trace in executions:
                form = class_of(execution)
                assert keys.setdefault(form, trace.key()) == trace.key()
            assert len(set(keys.values())) == len(keys)


def test_what_is_near_is_everything_in_the_end() -> None:
    for program, executions in programs(BLOCKS):
        expected = {class_of(execution) for execution, _ in executions}
        nearby = Nearby()
        seen = set()
        while (plan := nearby.next_plan()) is not None:
            execution, _ = run(program, plan)
            trace = trace_of(execution)
            new = nearby.learn(trace)
            assert new == (class_of(execution) not in seen)
            seen.add(class_of(execution))
        assert seen == expected


def test_what_comes_before_an_event_is_an_execution_by_itself() -> None:
    for program, executions in programs(BLOCKS + 1):
        for execution, trace in executions[:: max(1, len(executions) // 5)]:
            for last in range(len(trace.threads)):
                part = trace.up_to(last)
                order = simplest_order(part, rank)
                plan = Plan(script=list(order.threads), stop_after_script=True)
                found, _ = run(program, plan)
                assert not found.slips
                assert found.threads == order.threads
                assert found.operations.count(trace.operations[last]) >= 1
                assert class_of(found) == class_of(
                    replace(execution, threads=part.threads, operations=part.operations)
                )
