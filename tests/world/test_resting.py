"""Code that is not watched and sleeps: others get their turn, time passes, and no order is lost.

(The functions in this file are not watched, as those of a library are not.)
"""

from __future__ import annotations

import itertools
import queue
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from world.simulation import explore, run, run_in, value

from raceproof.search.sampling import RandomPriorities
from raceproof.search.serial import SerialOrders
from raceproof.world.patches import Patches
from raceproof.world.scheduler import machine


def start(*bodies: Callable[[], Any]) -> list[threading.Thread]:
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    return threads


def polling() -> str:
    """Waits for something that nothing tells of, with a deadline."""
    done: list[int] = []
    lock = threading.Lock()

    def work() -> None:
        for n in range(3):
            with lock:
                done.append(n)

    start(work)
    deadline = time.monotonic() + 5
    while len(done) < 3:
        if time.monotonic() > deadline:
            return "too late"
        time.sleep(0.01)
    return "seen"


def test_who_polls_lets_others_go_on() -> None:
    assert value(polling) == "seen"
    assert explore(polling).results.keys() == {"seen"}


@pytest.mark.parametrize("strategy", [SerialOrders, lambda machine: RandomPriorities(machine, 0)])
def test_who_polls_lets_others_go_on_whatever_order_is_asked_for(strategy: Any) -> None:
    orders = strategy(machine)
    for _ in range(5):
        plan = orders.next_plan()
        if plan is None:
            break
        with Patches() as patches:
            machine.forget()
            ran = run_in(patches, polling, plan)
        assert ran.result == "seen"
        orders.learn(ran.execution)


def test_sleepers_wake_up_in_the_order_of_time() -> None:
    def program() -> list[float]:
        woken: list[float] = []

        def work(delay: float) -> Callable[[], None]:
            def body() -> None:
                time.sleep(delay)
                woken.append(delay)

            return body

        delays = [0.3, 0.1, 0.4, 0.2]
        for thread in start(*map(work, delays)):
            thread.join()
        return woken

    assert value(program) == [0.1, 0.2, 0.3, 0.4]


def test_a_wait_expires_before_a_longer_sleep_is_over() -> None:
    def program() -> tuple[bool, bool]:
        event = threading.Event()
        seen: list[bool] = []
        (thread,) = start(lambda: seen.append(event.wait(1)))
        time.sleep(2)
        event.set()
        thread.join()
        (thread,) = start(lambda: seen.append(event.wait(1)))
        thread.join()
        return seen[0], seen[1]

    assert value(program) == (False, True)
    # But the sleep is no order.
    assert explore(program).results.keys() == {(False, True), (True, True)}


def test_a_sleep_waits_for_no_longer_wait() -> None:
    def program() -> bool:
        event = threading.Event()
        seen: list[bool] = []
        (thread,) = start(lambda: seen.append(event.wait(3)))
        time.sleep(2)
        event.set()
        thread.join()
        return seen[0]

    assert explore(program).results.keys() == {True}


def test_every_order_of_sleepers_is_run_once() -> None:
    def program() -> tuple[int, ...]:
        items: queue.SimpleQueue[int] = queue.SimpleQueue()

        def work(n: int) -> Callable[[], None]:
            def body() -> None:
                time.sleep(n)
                items.put(n)

            return body

        for thread in start(*map(work, range(3))):
            thread.join()
        return tuple(items.get() for _ in range(3))

    found = explore(program)
    assert found.executions == len(found.results) == 6


def test_who_polls_a_lock_gets_it() -> None:
    def program() -> int:
        lock = threading.Lock()
        lock.acquire()
        tries = 0

        def let_go() -> None:
            time.sleep(1)
            lock.release()

        start(let_go)
        while not lock.acquire(blocking=False):
            tries += 1
            time.sleep(0.3)
        return tries

    assert value(program) == 4


def test_many_threads_that_poll_a_queue() -> None:
    chance = random.Random(1)

    def program() -> list[int]:
        items: queue.Queue[int | None] = queue.Queue()
        found: list[int] = []

        def produce() -> None:
            for n in range(20):
                items.put(n)
                time.sleep(chance.random() * 1e-3)
            for _ in range(5):
                items.put(None)

        def consume() -> None:
            while True:
                try:
                    item = items.get_nowait()
                except queue.Empty:
                    time.sleep(1e-5)
                    continue
                if item is None:
                    return
                found.append(item)

        for thread in start(produce, *[consume] * 5):
            thread.join()
        return sorted(found)

    assert value(program) == list(range(20))


def test_who_polls_without_sleeping_gets_no_further_than_a_share() -> None:
    """Also after the last operation that is recorded."""

    def program() -> int:
        items: queue.Queue[int] = queue.Queue()
        started = threading.Event()
        count = 0

        def produce() -> None:
            for n in range(2_000):
                items.put(n)

        start(produce)
        while count < 2_000:
            try:
                items.get_nowait()
            except queue.Empty:
                started.is_set()
            else:
                count += 1
        return count

    before, machine.max_events = machine.max_events, 500
    try:
        assert value(program) == 2_000
    finally:
        machine.max_events = before


def test_threads_that_only_sleep_keep_no_deadlock_from_being_seen() -> None:
    def program() -> None:
        def beat() -> None:
            while True:
                time.sleep(10)

        threading.Thread(target=beat, daemon=True).start()
        threading.Event().wait()

    ran = run(program)
    assert ran.execution.end == "stuck"
    assert sorted(b.operation.kind for b in ran.execution.blocked) == ["sleep", "wait"]


def test_sleeping_alone_is_no_deadlock() -> None:
    def program() -> int:
        start(int)[0].join()
        for _ in range(3_000):
            time.sleep(3_600)
        return 1

    assert value(program) == 1


def test_a_short_wait_is_no_shorter_than_a_millisecond() -> None:
    def program() -> tuple[float, float, float]:
        event = threading.Event()
        times = [time.monotonic()]
        event.wait(1e-6)
        times.append(time.monotonic())
        time.sleep(1e-6)
        times.append(time.monotonic())
        event.wait(2)
        times.append(time.monotonic())
        return tuple(round(b - a, 3) for a, b in itertools.pairwise(times))  # type: ignore[return-value]

    assert value(program) == (0.001, 0.001, 2.0)


def test_a_timer_goes_off_after_shorter_sleeps_and_not_if_cancelled() -> None:
    def program() -> list[str]:
        happened: list[str] = []
        timers = [threading.Timer(delay, happened.append, [f"{delay} s"]) for delay in (3, 30)]
        for timer in timers:
            timer.start()
        time.sleep(1)
        happened.append("slept")
        timers[0].join()
        timers[1].cancel()
        timers[1].join()
        return happened

    assert value(program) == ["slept", "3 s"]


def test_timers_that_start_the_next_one_are_a_loop_that_ends() -> None:
    def program() -> int:
        lock = threading.Lock()
        state = {"stopped": False, "rounds": 0}

        def tick() -> None:
            with lock:
                if not state["stopped"]:
                    state["rounds"] += 1
                    threading.Timer(1, tick).start()

        tick()
        with lock:
            state["stopped"] = True
        return state["rounds"]

    assert set(explore(program).results) == {1, 2, 3}


def test_timers_in_a_row_go_off_as_often_as_somebody_waits_for_it() -> None:
    def program() -> tuple[int, float]:
        done = threading.Event()
        ticks = []

        def tick() -> None:
            ticks.append(time.monotonic())
            if len(ticks) == 9:
                done.set()
            else:
                threading.Timer(10, tick).start()

        tick()
        done.wait()
        return len(ticks), round(ticks[-1] - ticks[0])

    assert value(program) == (9, 80)
