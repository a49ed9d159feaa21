"""The search runs exactly one execution for each class of the programs whose classes are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from raceproof.events import READ, WRITE, Operation
from raceproof.search.dpor import Dpor
from raceproof.world.primitives.lock import Lock
from raceproof.world.scheduler import machine

Body = Callable[[], None]


def explore(program: Body) -> tuple[int, Counter[str]]:
    """Run every interleaving; how many there were, and how they ended."""
    machine.forget()
    search = Dpor()
    ends: Counter[str] = Counter()
    while (plan := search.next_plan()) is not None:
        execution = machine.execute(program, plan)
        assert execution.end != "diverged", execution.detail
        search.learn(execution)
        ends[execution.end] += 1
    assert search.redundant == 0
    assert search.slips == 0
    return sum(ends.values()), ends


def variable(name: str) -> tuple[Operation, Operation]:
    """A read and a write of a shared variable."""
    shared = machine.naming.object(name, name)
    place = shared.location("value")
    read = shared.operations.setdefault("read", Operation("read", ((place, READ),)))
    write = shared.operations.setdefault("write", Operation("write", ((place, WRITE),)))
    return read, write


def run_all(*bodies: Body) -> None:
    threads = [machine.spawn(body, "worker", False) for body in bodies]
    for thread in threads:
        machine.join(thread)


def counter(threads: int, increments: int, locked: bool) -> Body:
    def program() -> None:
        read, write = variable("counter")
        lock = Lock()

        def increment() -> None:
            for _ in range(increments):
                if locked:
                    lock.acquire()
                machine.access(read)
                machine.access(write)
                if locked:
                    lock.release()

        run_all(*[increment] * threads)

    return program


def philosophers(count: int) -> Body:
    def program() -> None:
        forks = [Lock() for _ in range(count)]

        def dine(seat: int) -> Body:
            def eat() -> None:
                with forks[seat], forks[(seat + 1) % count]:
                    pass

            return eat

        run_all(*[dine(seat) for seat in range(count)])

    return program


@pytest.mark.parametrize(
    ("threads", "increments", "locked", "classes"),
    [(2, 1, False, 4), (2, 2, False, 34), (3, 1, False, 36), (2, 2, True, 6), (3, 2, True, 90)],
)
def test_counters(threads: int, increments: int, locked: bool, classes: int) -> None:
    assert explore(counter(threads, increments, locked)) == (
        classes,
        Counter(finished=classes),
    )


@pytest.mark.parametrize(("count", "classes"), [(2, 3), (3, 7), (4, 15)])
def test_philosophers_deadlock_in_exactly_one_class(count: int, classes: int) -> None:
    assert explore(philosophers(count)) == (classes, Counter(finished=classes - 1, stuck=1))


def test_one_writer_and_four_readers() -> None:
    def program() -> None:
        read, write = variable("x")
        run_all(lambda: machine.access(write), *[lambda: machine.access(read)] * 4)

    assert explore(program)[0] == 16


def test_threads_on_disjoint_data_have_one_class() -> None:
    def program() -> None:
        writes = [variable(f"x{i}")[1] for i in range(3)]

        def use(write: Operation) -> Body:
            return lambda: [machine.access(write) for _ in range(3)] and None

        run_all(*map(use, writes))

    assert explore(program)[0] == 1


def test_starting_and_joining_adds_no_class() -> None:
    def program() -> None:
        def parent() -> None:
            run_all(lambda: None, lambda: None)

        run_all(parent, parent)

    assert explore(program)[0] == 1
