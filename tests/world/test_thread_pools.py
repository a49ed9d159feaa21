"""`multiprocessing.pool.ThreadPool`: faithful, and with few interleavings."""

from __future__ import annotations

import multiprocessing
import multiprocessing.dummy
import threading
from collections.abc import Callable, Iterator
from multiprocessing.pool import AsyncResult, ThreadPool
from typing import Any

import pytest
from world.simulation import compare_with_brute_force, compare_with_chance, explore, run, value


def square(number: int) -> int:
    return number * number


def fail(number: int) -> None:
    raise KeyError(number)


@pytest.mark.parametrize(
    ("workers", "number", "interleavings"), [(1, 4, 1), (2, 2, 1), (4, 3, 1), (2, 3, 2), (2, 4, 4)]
)
def test_a_map_has_no_more_interleavings_than_its_tasks(
    workers: int, number: int, interleavings: int
) -> None:
    def program() -> Any:
        with ThreadPool(workers) as pool:
            return tuple(pool.map(square, range(number)))

    explored = explore(program)
    assert explored.executions == interleavings
    assert set(explored.results) == {tuple(map(square, range(number)))}


def test_every_way_to_have_something_done() -> None:
    def program() -> Any:
        with ThreadPool(2) as pool:
            later = pool.starmap_async(pow, [(2, 2), (3, 2)])
            return (
                pool.apply(square, (3,)), pool.starmap(pow, [(2, 3)]), later.get(),
                list(pool.imap(square, [1, 2])), list(pool.imap(square, iter([3]))),
                sorted(pool.imap_unordered(square, [4, 5])),
                list(pool.imap(square, range(5), chunksize=2)),
                list(pool.imap_unordered(square, (6,), chunksize=3)),
                pool.map(square, (number for number in range(2))), pool.map(square, []),
            )  # fmt: skip

    assert value(program) == (
        9, [8], [4, 9], [1, 4], [9], [16, 25], [0, 1, 4, 9, 16], [36], [0, 1], [],
    )  # fmt: skip


def test_a_result_is_what_it_says() -> None:
    def program() -> Any:
        pool = ThreadPool(1)
        result = pool.apply_async(square, (2,))
        result.wait()
        found = isinstance(result, AsyncResult), result.ready(), result.successful(), result.get(9)
        gate = threading.Event()
        late = pool.apply_async(gate.wait)
        unready: list[Any] = [late.ready()]
        for attempt in (late.successful, lambda: late.get(timeout=1)):
            try:
                attempt()
            except (ValueError, multiprocessing.TimeoutError) as error:
                unready.append(type(error))
        gate.set()
        unready.append(late.get())
        pool.close()
        pool.join()
        return found, unready, str(pool)[:45]

    found, unready, text = value(program)
    assert found == (True, True, True, 4)
    assert unready == [False, ValueError, multiprocessing.TimeoutError, True]
    assert text == "<multiprocessing.pool.ThreadPool state=CLOSE "


def test_failures_come_out_where_the_results_would() -> None:
    def program() -> Any:
        found: list[Any] = []
        with ThreadPool(2) as pool:
            for attempt in (
                lambda: pool.apply(fail, (1,)),
                lambda: pool.map(fail, [2]),
                lambda: next(pool.imap(fail, [3])),
                lambda: next(pool.imap_unordered(fail, [4])),
            ):
                try:
                    attempt()
                except KeyError as error:
                    found.append(error.args[0])

            def source() -> Iterator[int]:
                yield 1
                raise KeyError(5)

            results = pool.imap(square, source())
            found.append(next(results))
            try:
                next(results)
            except KeyError as error:
                found.append(error.args[0])
            found.append(next(results, "end"))
        return found

    assert value(program) == [1, 2, 3, 4, 1, 5, "end"]


def test_misuse() -> None:
    def program() -> Any:
        pool = ThreadPool(1)
        attempts: list[Callable[[], Any]] = [
            lambda: ThreadPool(0),
            lambda: ThreadPool(1, initializer=3),  # type: ignore[arg-type]
            pool.join,
            lambda: pool.imap(square, [1], chunksize=0),
            pool.close,
            lambda: pool.apply(square, (1,)),
            lambda: pool.map(square, [1]),
            lambda: pool.imap(square, [1]),
        ]
        found = []
        for attempt in attempts:
            try:
                found.append(attempt())
            except (TypeError, ValueError) as error:
                found.append(str(error))
        return found

    assert value(program) == [
        "Number of processes must be at least 1",
        "initializer must be a callable",
        "Pool is still running",
        "Chunksize must be 1+, not 0",
        None,
        *["Pool not running"] * 3,
    ]


def callbacks(workers: int, number: int) -> Callable[[], Any]:
    def program() -> Any:
        seen: list[int] = []
        pool = ThreadPool(workers)
        results = [
            pool.apply_async(square, (n,), callback=seen.append, error_callback=seen.append)
            for n in range(number)
        ]
        pool.close()
        pool.join()
        return tuple(seen), [result.get() for result in results] == [
            square(n) for n in range(number)
        ]

    return program


def test_callbacks_are_called_one_after_the_other() -> None:
    explored = explore(callbacks(2, 2))
    assert set(explored.results) == {((0, 1), True), ((1, 0), True)}


def test_callbacks_come_before_the_result() -> None:
    def program() -> Any:
        seen: list[Any] = []
        pool = ThreadPool(2)
        pool.map_async(square, [1, 2], callback=seen.append).get()
        failing = pool.apply_async(fail, (3,), callback=seen.append, error_callback=seen.append)
        failing.wait()
        return len(seen), str(seen[0]), type(seen[1]).__name__

    explored = explore(program)
    assert set(explored.results) == {(2, "[1, 4]", "KeyError")}


def test_a_callback_that_fails_keeps_all_later_results_back() -> None:
    def program() -> Any:
        pool = ThreadPool(1)
        pool.apply_async(square, (1,), callback=lambda _: fail(1))
        pool.apply_async(square, (2,)).get()

    ran = run(program)
    assert ran.execution.end == "stuck"
    assert [str(death.error) for death in ran.record.deaths] == ["1"]


def test_which_of_two_failures_comes_first() -> None:
    def program() -> Any:
        with ThreadPool(2) as pool:
            try:
                pool.map(fail, [1, 2])
            except KeyError as error:
                return error.args[0]

    assert set(explore(program).results) == {1, 2}


def test_every_worker_is_initialized() -> None:
    def program() -> Any:
        done: list[int] = []
        lock = threading.Lock()

        def initialize(value: int) -> None:
            with lock:
                done.append(value)

        pool = ThreadPool(2, initialize, (7,))
        pool.close()
        pool.join()
        return done

    explored = explore(lambda: tuple(program()))
    assert set(explored.results) == {(7, 7)}


def test_an_iterable_is_gone_through_while_results_are_taken() -> None:
    def program() -> Any:
        gate = threading.Semaphore(1)

        def source() -> Iterator[int]:
            for number in range(3):
                gate.acquire()
                yield number

        found = []
        with ThreadPool(2) as pool:
            for result in pool.imap_unordered(square, source()):
                found.append(result)
                gate.release()
        return tuple(found)

    assert set(explore(program).results) == {(0, 1, 4)}


def test_terminate_drops_what_has_not_begun() -> None:
    def program() -> Any:
        done: list[int] = []
        pool = ThreadPool(1)
        for number in range(2):
            pool.apply_async(done.append, (number,))
        pool.terminate()
        pool.join()
        return tuple(done)

    assert set(explore(program).results) == {(), (0,), (0, 1)}


def test_a_result_after_terminate_never_comes() -> None:
    def program() -> Any:
        with ThreadPool(1) as pool:
            result = pool.apply_async(square, (2,))
        return result.get()

    assert set(explore(program).ends) == {"finished", "stuck"}


def test_the_only_worker_that_waits_for_another_task() -> None:
    def program() -> Any:
        pool = ThreadPool(1)
        return pool.apply(lambda: pool.apply(square, (1,)))

    assert run(program).execution.end == "stuck"


def test_the_process_does_not_wait_for_the_workers() -> None:
    def program() -> Any:
        pool = ThreadPool(1)
        pool.apply_async(threading.Event().wait)

    assert set(explore(program).ends) == {"finished"}


def test_pools_of_dummy_processes_are_the_same() -> None:
    def program() -> Any:
        with multiprocessing.dummy.Pool(2) as pool:
            return type(pool) is ThreadPool, pool.map(square, [3])

    assert value(program) == (True, [9])


def test_names_of_workers_are_no_result() -> None:
    def program() -> Any:
        with ThreadPool(2) as pool:
            pool.map(lambda _: print(threading.current_thread().name), range(3))

    assert set(explore(program).lines) == {("Thread-* (worker)",) * 3}


def locking(workers: int, number: int) -> Callable[[], Any]:
    def program() -> Any:
        order: list[int] = []
        lock = threading.Lock()

        def task(n: int) -> None:
            with lock:
                order.append(n)

        with ThreadPool(workers) as pool:
            pool.map(task, range(number))
        return tuple(order)

    return program


def test_tasks_against_brute_force() -> None:
    compare_with_brute_force(locking(2, 2))


@pytest.mark.parametrize("program", [locking(2, 3), callbacks(2, 2), callbacks(1, 3)])
def test_pools_against_chance(program: Callable[[], Any]) -> None:
    compare_with_chance(program, 200)


def test_iterations_against_chance() -> None:
    def program() -> Any:
        with ThreadPool(2) as pool:
            return tuple(pool.imap_unordered(square, iter(range(3))))

    compare_with_chance(program, 300)


def test_terminating_against_chance() -> None:
    def program() -> Any:
        pool = ThreadPool(2)
        results = [pool.apply_async(square, (n,)) for n in range(2)]
        pool.terminate()
        return tuple(result.ready() for result in results)

    compare_with_chance(program, 300)
