"""Objects of the program die when they would without raceproof."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import Any

import pytest
from world.simulation import run_in, value

from raceproof.world.execution import Observer, Plan
from raceproof.world.patches import Patches
from raceproof.world.scheduler import machine


class Thing:
    """Something that can be referred to weakly."""

    def method(self, *_: Any) -> None:
        """Does nothing."""


def the_target_of_a_thread() -> Any:
    thing = Thing()
    gone = weakref.ref(thing)
    thread = threading.Thread(target=thing.method, args=(thing,))
    thread.start()
    thread.join()
    del thing
    return gone()


def a_thread() -> Any:
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
    gone = weakref.ref(thread)
    del thread
    return gone()


def what_a_bare_thread_runs() -> Any:
    import _thread

    def work() -> None:
        done.set()

    done = threading.Event()
    gone = weakref.ref(work)
    _thread.start_new_thread(work, ())
    del work
    done.wait()
    while _thread._count():
        pass
    return gone()


def a_task_whose_future_nobody_keeps() -> Any:
    with ThreadPoolExecutor(1) as pool:
        thing = Thing()
        gone = weakref.ref(thing)
        pool.submit(thing.method)
        del thing
        pool.submit(int).result()
        return gone()


def the_result_of_a_task() -> Any:
    with ThreadPoolExecutor(1) as pool:
        for result in pool.map(lambda _: Thing(), range(3)):
            gone = weakref.ref(result)
            del result
            if gone() is not None:
                return gone()
    return None


def a_future_that_is_handed_out_as_completed() -> Any:
    futures: list[Future[Any]] = [Future() for _ in range(4)]
    futures[0].set_result(0)
    try:
        for future in as_completed(futures, 0):
            futures.remove(future)
    except TimeoutError:
        futures[0].set_result(1)
    for future in as_completed(futures):
        futures.remove(future)
        gone = weakref.ref(future)
        del future
        if gone() is not None:
            return gone()
        if futures:
            futures[0].set_result(2)
    return None


def a_lock_that_was_waited_for() -> Any:
    lock = threading.Lock()
    lock.acquire()
    thread = threading.Thread(target=lock.acquire)
    thread.start()
    lock.release()
    thread.join()
    gone = weakref.ref(lock)
    del lock, thread
    return gone()


def a_local_that_refers_to_itself() -> Any:
    thing: Any = Thing()
    thing.local = threading.local()
    thing.local.thing = thing
    gone = weakref.ref(thing)
    del thing
    gc.collect()
    return gone()


PROGRAMS = [
    the_target_of_a_thread, a_thread, what_a_bare_thread_runs, a_task_whose_future_nobody_keeps,
    the_result_of_a_task, a_future_that_is_handed_out_as_completed, a_lock_that_was_waited_for,
    a_local_that_refers_to_itself,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS)
def test_nothing_is_kept_alive(program: Callable[[], Any]) -> None:
    assert value(program) is None


@pytest.mark.parametrize("program", PROGRAMS)
def test_nor_by_those_who_watch(program: Callable[[], Any]) -> None:
    machine.forget()
    with Patches() as patches:
        assert run_in(patches, program, Plan(observer=Observer())).result is None


def test_threads_of_a_pool_whose_executor_is_gone_come_to_their_end() -> None:
    def program() -> Any:
        pool = ThreadPoolExecutor(2)
        results = pool.map(abs, [-1, 2])
        workers = pool._threads
        del pool
        for worker in workers:
            worker.join()
        return list(results), len(workers), threading.active_count()

    assert value(program) == ([1, 2], 2, 1)
