"""Futures, and waiting for several of them."""

from __future__ import annotations

import concurrent.futures
import logging
import threading
from collections.abc import Callable
from concurrent.futures import (
    ALL_COMPLETED,
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    CancelledError,
    Future,
    InvalidStateError,
    ThreadPoolExecutor,
    as_completed,
    wait,
)
from typing import Any

import pytest
from world.simulation import (
    compare_with_brute_force,
    compare_with_chance,
    explore,
    run,
    run_in,
    value,
)

from raceproof.world.patches import Patches
from raceproof.world.scheduler import machine


def test_a_future_used_by_hand() -> None:
    def program() -> Any:
        future: Future[int] = Future()
        states = [(future.done(), future.running(), future.cancelled())]
        assert future.set_running_or_notify_cancel()
        states.append((future.done(), future.running(), future.cancelled()))
        future.set_result(5)
        states.append((future.done(), future.running(), future.cancelled()))
        with pytest.raises(InvalidStateError, match="FINISHED: <Future at 0x"):
            future.set_result(6)
        with pytest.raises(InvalidStateError):
            future.set_exception(ValueError())
        return states, future.result(), future.exception(), future.cancel()

    assert value(program) == (
        [(False, False, False), (False, True, False), (True, False, False)], 5, None, False,
    )  # fmt: skip


def test_a_cancelled_future() -> None:
    def program() -> Any:
        future: Future[int] = Future()
        seen: list[Any] = []
        future.add_done_callback(seen.append)
        found = [future.cancel(), future.cancel(), future.cancelled(), future.done()]
        for ask in (future.result, future.exception):
            with pytest.raises(CancelledError):
                ask()
        found.append(future.set_running_or_notify_cancel())
        with pytest.raises(RuntimeError, match="Future in unexpected state"):
            future.set_running_or_notify_cancel()
        return found, seen == [future]

    assert value(program) == ([True, True, True, True, False], True)


def test_repr_is_the_usual_one() -> None:
    def program() -> Any:
        made: list[Any] = [Future() for _ in range(4)]
        made[1].set_result("x")
        made[2].set_exception(KeyError())
        made[3].cancel()
        return [repr(future).split("state=")[1] for future in made]

    assert value(program) == [
        "pending>", "finished returned str>", "finished raised KeyError>", "cancelled>",
    ]  # fmt: skip


def test_a_callback_runs_where_the_future_is_completed_or_at_once() -> None:
    def program() -> Any:
        seen: list[str] = []
        with ThreadPoolExecutor(1, "pool") as pool:
            future = pool.submit(lambda: None)
            future.add_done_callback(lambda _: seen.append(threading.current_thread().name))
        return tuple(seen)

    assert explore(program).results == {("pool_0",): 1, ("MainThread",): 1}
    assert compare_with_brute_force(program) == 2


def test_a_failing_callback_is_logged_and_forgotten() -> None:
    def program() -> int:
        logging.root.handlers.clear()
        future: Future[int] = Future()
        future.add_done_callback(lambda _: 1 / 0)  # type: ignore[arg-type, return-value]
        future.set_result(1)
        return future.result()

    ran = run(program)
    assert ran.result == 1
    assert ran.printed[0].startswith("exception calling callback for <Future")


def test_who_calls_back_does_not_show_in_the_log() -> None:
    def program() -> None:
        logging.root.handlers.clear()
        future: Future[int] = Future()
        thread = threading.Thread(target=future.set_result, args=(1,))
        thread.start()
        future.add_done_callback(lambda _: 1 / 0)  # type: ignore[arg-type, return-value]
        thread.join()

    found = explore(program)
    assert found.executions == 2
    lines = {tuple(line.partition(" at 0x")[0] for line in lines) for lines in found.lines}
    assert len(lines) == 1
    assert "raceproof/world" not in str(lines)


def test_result_times_out_when_nobody_can_go_on() -> None:
    def program() -> Any:
        future: Future[int] = Future()
        with pytest.raises(TimeoutError):
            future.result(timeout=3)
        with pytest.raises(concurrent.futures.TimeoutError):
            future.exception(timeout=0)

    value(program)


def test_result_for_no_time_is_a_look() -> None:
    def program() -> str:
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(lambda: "done")
            try:
                return future.result(timeout=0)
            except TimeoutError:
                return "not yet"

    assert explore(program).results == {"done": 1, "not yet": 1}


def test_what_a_task_did_happens_before_its_result() -> None:
    def program() -> Any:
        cells: list[list[int]] = [[], []]
        with ThreadPoolExecutor(2) as pool:
            futures = [pool.submit(cell.append, 1) for cell in cells]
            for future in futures:
                future.result()
            return tuple(map(tuple, cells))

    assert explore(program).results == {((1,), (1,)): 1}


def fail() -> None:
    raise ValueError("nobody looks")


def test_exceptions_that_nobody_reads_are_kept_for_the_judge() -> None:
    def program() -> None:
        with ThreadPoolExecutor(4) as pool:
            pool.submit(fail)
            read = pool.submit(fail)
            waited = pool.submit(fail)
            called = pool.submit(fail)
            called.add_done_callback(lambda future: future.exception())
            wait([waited])
            with pytest.raises(ValueError, match="nobody"):
                read.result()

    record = run(program).record
    assert record.unread_errors() == ["ValueError: nobody looks"] * 2
    assert [future.thread for future in record.unread] == [
        "ThreadPoolExecutor-0_0", "ThreadPoolExecutor-0_2",
    ]  # fmt: skip
    assert "in fail" in record.traceback_text()
    assert "raceproof/world" not in record.traceback_text()


def tasks(number: int, waiting: Callable[[list[Any]], Any]) -> Callable[[], Any]:
    """A program: what `waiting` makes of so many futures, of which the first fails."""

    def program() -> Any:
        with ThreadPoolExecutor(number) as pool:
            futures = [pool.submit(divmod, 1, n) for n in range(number)]
            return waiting(futures)

    return program


def test_waiting_for_all() -> None:
    def waiting(futures: list[Any]) -> Any:
        done, rest = wait(futures, return_when=ALL_COMPLETED)
        return len(done), len(rest)

    assert explore(tasks(3, waiting)).results == {(3, 0): 1}


def test_waiting_for_the_first_sees_every_set_that_is_possible() -> None:
    def waiting(futures: list[Any]) -> Any:
        done, rest = wait(futures, return_when=FIRST_COMPLETED)
        assert done | rest == set(futures)
        return frozenset(map(futures.index, done))

    program = tasks(2, waiting)
    assert set(explore(program).results) == {frozenset({0}), frozenset({1}), frozenset({0, 1})}
    compare_with_chance(program, 300)


def test_waiting_for_the_first_failure() -> None:
    def waiting(futures: list[Any]) -> Any:
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        return frozenset(map(futures.index, done))

    program = tasks(2, waiting)
    assert set(explore(program).results) == {frozenset({0}), frozenset({0, 1})}
    compare_with_chance(program, 300)


def test_waiting_in_vain() -> None:
    def program() -> Any:
        finished: Future[int] = Future()
        finished.set_result(1)
        never: Future[int] = Future()
        found = []
        for timeout in (0, 5):
            for when in (ALL_COMPLETED, FIRST_EXCEPTION):
                done, rest = wait([finished, never], timeout, when)
                found.append((done == {finished}, rest == {never}))
        with pytest.raises(ValueError, match="Invalid return condition: 'x'"):
            wait([never], return_when="x")
        return found

    assert value(program) == [(True, True)] * 4


def test_as_completed_gives_every_order() -> None:
    def waiting(futures: list[Any]) -> Any:
        return tuple(map(futures.index, as_completed(futures)))

    program = tasks(3, waiting)
    assert len(explore(program).results) == 6
    compare_with_chance(program, 300)


def test_as_completed_times_out() -> None:
    def program() -> Any:
        finished: Future[int] = Future()
        finished.set_result(1)
        never: Future[int] = Future()
        waiting = as_completed([never, finished, finished], timeout=5)
        assert next(waiting) is finished
        with pytest.raises(TimeoutError, match=r"1 \(of 2\) futures unfinished"):
            next(waiting)

    value(program)


def test_sets_of_futures_have_the_same_order_every_time() -> None:
    def program() -> Any:
        futures: list[Any] = [Future() for _ in range(10)]
        return tuple(futures.index(future) for future in set(futures))

    assert value(program) == value(program)


def test_cancelling_competes_with_starting() -> None:
    def program() -> Any:
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(lambda: None)
            return future.cancel(), future.cancelled()

    assert set(explore(program).results) == {(True, True), (False, False)}
    compare_with_brute_force(program)


def test_real_futures_work_as_before_outside_of_executions() -> None:
    run(lambda: None)
    future: Future[int] = Future()
    future.set_result(1)
    assert future.result(0) == 1
    assert list(as_completed([future])) == [future]


# -- futures whose state somebody sets past their methods ------------------------------------------


def test_a_state_that_was_set_by_hand_counts() -> None:
    def program() -> Any:
        future: Any = Future()
        future._state, future._result = "FINISHED", 42
        running: Any = Future()
        running._state = "RUNNING"
        return (
            future.result(0), future.done(), wait([future, running], 0).done == {future},
            running.running(), running.cancel(), list(as_completed([future])) == [future],
        )  # fmt: skip

    assert value(program) == (42, True, True, True, False, True)


def test_a_state_that_was_set_under_the_condition_wakes_those_who_wait() -> None:
    def program() -> Any:
        future: Any = Future()

        def finish() -> None:
            with future._condition:
                future._state, future._result = "FINISHED", 42
                future._condition.notify_all()

        thread = threading.Thread(target=finish)
        thread.start()
        found = future.result()
        thread.join()
        return found

    assert explore(program).results.keys() == {42}
    compare_with_brute_force(program)


def test_the_condition_of_a_future_can_be_waited_for() -> None:
    def program() -> Any:
        future: Any = Future()
        with pytest.raises(RuntimeError, match="cannot wait on un-acquired lock"):
            future._condition.wait()
        with future._condition:
            early = future._condition.wait(1)
        thread = threading.Thread(target=future.set_result, args=(1,))
        thread.start()
        with future._condition:
            while not future.done():
                future._condition.wait()
        thread.join()
        return early, future.result()

    assert explore(program).results.keys() == {(False, 1)}


def test_a_future_that_outlives_its_execution_goes_on_in_the_next() -> None:
    kept: list[Any] = []
    before: Future[int] = Future()

    def program() -> Any:
        if not kept:
            kept.extend([Future(), Future()])
            kept[1].set_result(2)
        hashes = set(map(hash, [*kept, before]))
        thread = threading.Thread(target=lambda: kept[0].done() or kept[0].set_result(1))
        thread.start()
        found = [kept[0].result(), kept[1].result(), before.done(), before.cancelled()]
        thread.join()
        assert hashes == set(map(hash, [*kept, before]))
        return found, len(wait([*kept, before], 0).done)

    machine.forget()
    with Patches() as patches:
        first, second = run_in(patches, program), run_in(patches, program)
    assert first.result == second.result == ([1, 2, False, False], 2)
