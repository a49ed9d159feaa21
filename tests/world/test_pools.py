"""Thread pools: no more interleavings than their tasks have."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from concurrent.futures.thread import BrokenThreadPool
from typing import Any

import pytest
from world.simulation import (
    compare_with_brute_force,
    compare_with_chance,
    explore,
    run_in,
    value,
)

from raceproof.world.execution import Observer, Plan, VirtualThread
from raceproof.world.patches import Patches
from raceproof.world.scheduler import machine


def idle(workers: int, number: int) -> Callable[[], None]:
    """A program: so many tasks, in so many workers, that do nothing."""

    def program() -> None:
        with ThreadPoolExecutor(workers) as pool:
            for _ in range(number):
                pool.submit(lambda: None)

    return program


@pytest.mark.parametrize(
    ("workers", "number", "interleavings"),
    [(1, 4, 1), (2, 2, 1), (4, 3, 1), (2, 3, 2), (2, 4, 4), (2, 5, 8), (3, 4, 3), (3, 5, 9)],
)
def test_only_who_takes_which_queued_task_makes_a_difference(
    workers: int, number: int, interleavings: int
) -> None:
    assert explore(idle(workers, number)).executions == interleavings


def locking(workers: int, number: int) -> Callable[[], Any]:
    def program() -> Any:
        order: list[int] = []
        lock = threading.Lock()

        def task(n: int) -> None:
            with lock:
                order.append(n)

        with ThreadPoolExecutor(workers) as pool:
            for n in range(number):
                pool.submit(task, n)
        return tuple(order)

    return program


def test_tasks_that_take_a_lock_come_in_every_order() -> None:
    explored = explore(locking(3, 3))
    assert explored.executions == 6
    assert len(explored.results) == 6


@pytest.mark.parametrize("workers", [1, 2])
def test_a_queue_of_tasks_against_chance(workers: int) -> None:
    compare_with_chance(locking(workers, 3), 300)


def test_a_worker_whose_result_was_seen_is_used_again() -> None:
    def program() -> Any:
        with ThreadPoolExecutor(3) as pool:
            first = pool.submit(threading.get_ident).result()
            second = pool.submit(threading.get_ident).result()
            both = list(pool.map(lambda _: threading.get_ident(), range(2)))
        return first == second, len(set(both))

    explored = explore(program)
    assert explored.results == {(True, 2): 1}


def test_rounds_of_map_that_fit_do_not_interleave() -> None:
    def program() -> None:
        with ThreadPoolExecutor(2) as pool:
            for _ in range(3):
                list(pool.map(abs, range(2)))

    assert explore(program).executions == 1


def test_rounds_of_map_that_do_not_fit() -> None:
    def program() -> None:
        with ThreadPoolExecutor(2) as pool:
            for _ in range(2):
                list(pool.map(abs, range(3)))

    compare_with_chance(program, 300)


def test_map_gives_results_in_order_and_raises_in_turn() -> None:
    def program() -> Any:
        with ThreadPoolExecutor(4) as pool:
            results = pool.map(divmod, (7, 8, 9), (2, 0, 2), timeout=5)
            found = [next(results)]
            with pytest.raises(ZeroDivisionError):
                next(results)
            return found

    assert value(program) == [(3, 1)]


def test_names_and_arguments() -> None:
    def program() -> Any:
        with pytest.raises(ValueError, match="max_workers must be greater than 0"):
            ThreadPoolExecutor(0)
        with pytest.raises(TypeError, match="initializer must be a callable"):
            ThreadPoolExecutor(1, initializer=1)  # type: ignore[call-overload]
        names = []
        for pool in (ThreadPoolExecutor(), ThreadPoolExecutor(1), ThreadPoolExecutor(1, "work")):
            with pool:
                names.append(pool.submit(lambda: threading.current_thread().name).result())
        return names

    assert value(program) == ["ThreadPoolExecutor-0_0", "ThreadPoolExecutor-1_0", "work_0"]


def test_initializers_run_in_each_worker() -> None:
    def program() -> Any:
        data = threading.local()

        def initialize(value: int) -> None:
            data.value = value

        with ThreadPoolExecutor(2, initializer=initialize, initargs=(7,)) as pool:
            return tuple(pool.map(lambda _: data.value, range(2)))

    assert explore(program).results == {(7, 7): 1}


def test_a_failing_initializer_breaks_the_pool() -> None:
    def program() -> Any:
        def fail() -> None:
            raise ValueError

        with ThreadPoolExecutor(1, initializer=fail) as pool:
            first, found = pool.submit(int), ""
            try:
                found = str(pool.submit(int).exception())
            except BrokenThreadPool:
                found = "refused"
            return type(first.exception()).__name__, found

    explored = explore(program)
    message = "A thread initializer failed, the thread pool is not usable anymore"
    assert set(explored.results) == {
        ("BrokenThreadPool", "refused"), ("BrokenThreadPool", message),
    }  # fmt: skip
    assert compare_with_brute_force(program) == explored.executions


def test_submitting_competes_with_shutting_down() -> None:
    def program() -> Any:
        pool = ThreadPoolExecutor(1)
        found: list[str] = []

        def late() -> None:
            try:
                pool.submit(int)
                found.append("accepted")
            except RuntimeError as error:
                found.append(str(error))

        thread = threading.Thread(target=late)
        thread.start()
        pool.shutdown()
        thread.join()
        return found[0]

    assert explore(program).results == {
        "accepted": 1, "cannot schedule new futures after shutdown": 1,
    }  # fmt: skip
    assert compare_with_brute_force(program) == 2


def test_submitting_from_a_task() -> None:
    def program() -> Any:
        with ThreadPoolExecutor(2) as pool:

            def outer() -> Any:
                try:
                    return pool.submit(lambda: "inner").result()
                except RuntimeError as error:
                    return str(error)

            future = pool.submit(outer)
        return future.result()

    assert explore(program).results == {
        "inner": 1, "cannot schedule new futures after shutdown": 1,
    }  # fmt: skip


def test_tasks_that_wait_for_tasks_of_the_same_pool_may_starve() -> None:
    def program() -> Any:
        with ThreadPoolExecutor(2) as pool:

            def outer() -> int:
                return pool.submit(lambda: 1).result()

            return sum(future.result() for future in [pool.submit(outer), pool.submit(outer)])

    assert set(explore(program).ends) == {"finished", "stuck"}


def test_cancelling_what_has_not_begun() -> None:
    def program() -> Any:
        pool = ThreadPoolExecutor(1)
        futures = [pool.submit(int) for _ in range(3)]
        pool.shutdown(cancel_futures=True)
        return tuple(future.cancelled() for future in futures)

    explored = explore(program)
    assert set(explored.results) == {
        (True,) * 3, (False, True, True), (False, False, True), (False,) * 3,
    }  # fmt: skip
    assert compare_with_brute_force(program) == explored.executions


def test_an_interpreter_that_ends_waits_for_pools() -> None:
    def program() -> None:
        pool = ThreadPoolExecutor(2)
        for n in range(3):
            pool.submit(print, n)

    assert explore(program).lines == {("0", "1", "2"): 2}


def test_a_pool_made_while_the_interpreter_ends() -> None:
    def program() -> None:
        def late() -> None:
            try:
                ThreadPoolExecutor(1).submit(print, "done")
            except RuntimeError as error:
                print(error)

        threading.Thread(target=late).start()

    assert set(explore(program).lines) == {
        ("done",), ("cannot schedule new futures after interpreter shutdown",),
    }  # fmt: skip
    compare_with_brute_force(program)


def test_a_task_cannot_wait_for_its_own_pool() -> None:
    def program() -> str:
        pool = ThreadPoolExecutor(1)
        future = pool.submit(lambda: pool.shutdown(wait=True))
        return str(future.exception())

    assert explore(program).results == {"cannot join current thread": 1}


def test_a_subclass_may_extend_submit() -> None:
    class Counting(ThreadPoolExecutor):
        count = 0

        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
            self.count += 1
            return super().submit(fn, *args, **kwargs)

    def program() -> Any:
        with Counting(2) as pool:
            wait([pool.submit(int), *[pool.submit(int) for _ in range(2)]])
            return pool.count

    assert set(explore(program).results) == {3}


def test_each_task_draws_from_a_stream_of_its_own() -> None:
    def program() -> Any:
        with ThreadPoolExecutor(2) as pool:
            return tuple(pool.map(lambda _: random.random(), range(4)))

    explored = explore(program)
    assert len(explored.results) == 1
    assert len(set(next(iter(explored.results)))) == 4


def test_a_pool_that_is_older_than_the_execution() -> None:
    pool = ThreadPoolExecutor(2)
    try:
        assert pool.submit(lambda: "real").result(5) == "real"

        def program() -> Any:
            return pool.submit(threading.get_ident).result()

        assert value(program) == 1001
        assert value(program) == 1001
        assert pool.submit(lambda: "real").result(5) == "real"
    finally:
        pool.shutdown()


def test_numbers_of_workers_do_not_count_in_output() -> None:
    def program() -> None:
        with ThreadPoolExecutor(2, "my pool") as pool:
            for _ in range(3):
                pool.submit(lambda: print(threading.current_thread().name, "works"))

    assert explore(program).lines == {("my pool_* works",) * 3: 2}


def test_reports_can_tell_what_a_worker_did() -> None:
    class Listener(Observer):
        def on_end(self, thread: VirtualThread) -> None:
            if "task" in thread.storage:
                did.append(thread.storage["task"])

    def program() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(divmod, 7, 2)

    did: list[Any] = []
    machine.forget()
    with Patches() as patches:
        run_in(patches, program, Plan(observer=Listener()))
    assert did == [(divmod, (7, 2), {})]
