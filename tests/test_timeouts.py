"""Waits with a timeout: when they may expire, and what comes of it."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from raceproof.exploration import Options, explore, replay
from raceproof.judge.findings import Result
from raceproof.session import Program

THREAD = """
import queue, threading
from concurrent.futures import ThreadPoolExecutor, as_completed, wait

def in_a_thread(function):
    thread = threading.Thread(target=function)
    thread.start()
    return thread
"""

CARELESS = {
    "Condition.wait_for, result not looked at": """
        condition, box = threading.Condition(), []

        def consume():
            with condition:
                condition.wait_for(lambda: box, timeout=1)
                print(box.pop())

        consumer = in_a_thread(consume)
        with condition:
            box.append(1)
            condition.notify()
        consumer.join()
        """,
    "Condition.wait": """
        condition, box = threading.Condition(), []

        def consume():
            with condition:
                if not box:
                    condition.wait(1)
                print(box.pop())

        consumer = in_a_thread(consume)
        with condition:
            box.append(1)
            condition.notify()
        consumer.join()
        """,
    "Event.wait taken for success": """
        ready, data = threading.Event(), {}

        def use():
            ready.wait(1)
            print(data["answer"])

        user = in_a_thread(use)
        data["answer"] = 42
        ready.set()
        user.join()
        """,
    "Queue.get that gives up": """
        items = queue.Queue()
        taker = in_a_thread(lambda: print(items.get(timeout=1)))
        items.put("item")
        taker.join()
        """,
    "SimpleQueue.get": """
        items = queue.SimpleQueue()
        taker = in_a_thread(lambda: print(items.get(timeout=1)))
        items.put("item")
        taker.join()
        """,
    "Queue.put into a full queue": """
        items = queue.Queue(1)
        items.put(1)
        giver = in_a_thread(lambda: items.put(2, timeout=1))
        items.get()
        giver.join()
        """,
    "Lock.acquire": """
        lock = threading.Lock()

        def use():
            assert lock.acquire(timeout=1)
            lock.release()

        user = in_a_thread(use)
        with lock:
            pass
        user.join()
        """,
    "RLock.acquire": """
        lock = threading.RLock()

        def use():
            assert lock.acquire(timeout=1)
            lock.release()

        user = in_a_thread(use)
        with lock:
            pass
        user.join()
        """,
    "Semaphore.acquire": """
        permits = threading.Semaphore(0)

        def use():
            if not permits.acquire(timeout=1):
                raise RuntimeError("no permit")

        user = in_a_thread(use)
        permits.release()
        user.join()
        """,
    "Barrier.wait": """
        barrier = threading.Barrier(2)
        other = in_a_thread(barrier.wait)
        barrier.wait(timeout=1)
        other.join()
        """,
    "Thread.join": """
        results = []
        worker = in_a_thread(lambda: results.append(1))
        worker.join(timeout=1)
        print(results[0])
        """,
    "Future.result": """
        with ThreadPoolExecutor() as pool:
            print(pool.submit(pow, 2, 3).result(timeout=1))
        """,
    "Future.exception": """
        with ThreadPoolExecutor() as pool:
            print(pool.submit(pow, 2, 3).exception(timeout=1))
        """,
    "futures.wait": """
        with ThreadPoolExecutor() as pool:
            done, _ = wait([pool.submit(pow, 2, 3)], timeout=1)
            print(done.pop().result())
        """,
    "futures.as_completed": """
        with ThreadPoolExecutor() as pool:
            for future in as_completed([pool.submit(pow, 2, 3)], timeout=1):
                print(future.result())
        """,
    "Executor.map": """
        with ThreadPoolExecutor() as pool:
            print(list(pool.map(abs, [-1], timeout=1)))
        """,
}
"""Programs that fail when a wait expires before the others have done their part."""

CAREFUL = {
    "Event.wait whose result is looked at": """
        ready, data = threading.Event(), {}

        def use():
            if ready.wait(1):
                print(data["answer"])

        user = in_a_thread(use)
        data["answer"] = 42
        ready.set()
        user.join()
        """,
    "Queue.get that is tried again": """
        items = queue.Queue()

        def take():
            while True:
                try:
                    print(items.get(timeout=1))
                    return
                except queue.Empty:
                    pass

        taker = in_a_thread(take)
        items.put("item")
        taker.join()
        """,
    "Condition.wait in a loop": """
        condition, box = threading.Condition(), []

        def consume():
            with condition:
                while not box:
                    condition.wait(1)
                print(box.pop())

        consumer = in_a_thread(consume)
        with condition:
            box.append(1)
            condition.notify()
        consumer.join()
        """,
    "Lock.acquire that is tried again": """
        lock, count = threading.Lock(), 0

        def add():
            global count
            while not lock.acquire(timeout=0.1):
                pass
            count += 1
            lock.release()

        threads = [in_a_thread(add) for _ in range(2)]
        for thread in threads:
            thread.join()
        assert count == 2
        """,
    "Thread.join and a look": """
        results = []
        worker = in_a_thread(lambda: results.append(1))
        worker.join(timeout=1)
        if not worker.is_alive():
            print(results[0])
        """,
}


def explored(directory: Path, source: str, timeouts: str) -> Result:
    script = directory / "program.py"
    script.write_text(THREAD + textwrap.dedent(source))
    options = Options(timeouts=timeouts, replay_dir=str(directory / "replays"))
    return explore(Program(str(script), None, ()), options, lambda *_: None)


@pytest.mark.parametrize("name", CARELESS)
def test_a_wait_that_expires_early_is_tried(name: str, tmp_path: Path) -> None:
    assert explored(tmp_path, CARELESS[name], "idle").verdict == "ok"
    result = explored(tmp_path, CARELESS[name], "any")
    assert result.verdict == "finding"
    assert result.complete
    assert replay(result.findings[0].replay).reproduced


@pytest.mark.parametrize("timeouts", ["idle", "any"])
@pytest.mark.parametrize("name", CAREFUL)
def test_programs_that_reckon_with_it_are_fine(name: str, timeouts: str, tmp_path: Path) -> None:
    result = explored(tmp_path, CAREFUL[name], timeouts)
    assert (result.verdict, result.complete) == ("ok", True)


def test_an_early_expiry_is_one_more_branch_not_one_for_each_instant(tmp_path: Path) -> None:
    source = """
        ready = threading.Event()
        waiter = in_a_thread(lambda: ready.wait(1))
        for number in range(50):
            print(number)
        ready.set()
        waiter.join()
        """
    assert explored(tmp_path, source, "any").interleavings == 2


def test_a_loop_that_waits_is_also_gone_round_before_the_others_are_done(tmp_path: Path) -> None:
    source = """
        stop, ticks = threading.Event(), 0

        def tick():
            global ticks
            while not stop.wait(1):
                ticks += 1

        ticker = in_a_thread(tick)
        ticks += 1
        stop.set()
        ticker.join()
        """
    assert explored(tmp_path, source, "idle").verdict == "ok"
    found = [finding.kind for finding in explored(tmp_path, source, "any").findings]
    assert found == ["lost-update"]


def test_waits_that_never_expire_can_be_for_ever(tmp_path: Path) -> None:
    source = """
        ready = threading.Event()
        waiter = in_a_thread(lambda: ready.wait(1))
        waiter.join()
        """
    assert explored(tmp_path, source, "idle").verdict == "ok"
    found = [finding.kind for finding in explored(tmp_path, source, "never").findings]
    assert found == ["waits-forever"]


@pytest.mark.parametrize(
    ("timeouts", "said"), [("idle", "nothing else"), ("any", "at most 2"), ("never", "never")]
)
def test_what_was_assumed_is_said(timeouts: str, said: str, tmp_path: Path) -> None:
    source = """
        ready = threading.Event()
        waiter = in_a_thread(lambda: ready.wait(1))
        for _ in range(2):
            print("working")
        waiter.join(1)
        """
    notes = [
        note for note in explored(tmp_path, source, timeouts).notes if note.startswith("waits with")
    ]
    assert len(notes) == 1
    assert said in notes[0]


@pytest.mark.parametrize(
    "source",
    [
        """
        stop, beats = threading.Event(), []

        def beat():
            while not stop.wait(1):
                beats.append(1)

        heart = in_a_thread(beat)
        stop.set()
        heart.join()
        """,
        """
        items = queue.Queue()
        taker = in_a_thread(lambda: items.get(timeout=1))
        items.put(1)
        taker.join()
        """,
    ],
)
def test_it_is_also_said_if_no_thread_came_early_enough_to_wait(
    source: str, tmp_path: Path
) -> None:
    result = explored(tmp_path, source, "idle")
    assert result.interleavings == 1
    assert [note for note in result.notes if note.startswith("waits with")]
