"""What the simulated modules do is what the real ones of the running version do.

Everything here is done twice, in an execution and for real, and must come to the same: values,
the types and texts of errors, and what there is at all.
"""

from __future__ import annotations

import _thread
import concurrent.futures
import inspect
import pickle
import queue
import re
import threading
import time
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from world.simulation import value

MODULES = (threading, _thread, queue, concurrent.futures, time)


def told(call: Callable[[], Any]) -> str:
    """What became of a call, without addresses and identifiers.

    How many arguments there should have been is told in other words by functions in C, and types
    in C are called by longer names.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            text = repr(call())
        except Exception as error:
            text = f"{type(error).__qualname__}: {error}"
            if "argument" in text and isinstance(error, TypeError):
                text = "TypeError: arguments"
    text = re.sub("'_(thread|queue)\\.", "'", text)
    text += "".join(f" [{entry.category.__name__}: {entry.message}]" for entry in caught)
    return re.sub(r"0x[0-9a-f]+|owner=\d+|ident=[1-9]\d*|started \d+|stopped \d+", "...", text)


def locked(lock: Any) -> Any:
    lock.acquire()
    return lock


def many(*calls: Callable[[], Any]) -> list[str]:
    return [told(call) for call in calls]


Lock, RLock = (lambda: threading.Lock()), (lambda: threading.RLock())
Condition = lambda: threading.Condition()  # noqa: E731 - looked up when called

CASES: dict[str, Callable[[], Any]] = {
    "acquiring a lock": lambda: many(
        lambda: Lock().acquire(), lambda: Lock().acquire(False), lambda: Lock().acquire(True, 5),
        lambda: Lock().acquire(False, 1), lambda: Lock().acquire(timeout=-2),
        lambda: Lock().acquire(timeout=float("nan")), lambda: Lock().acquire(timeout=1e100),
        lambda: Lock().acquire(timeout="1"), lambda: Lock().acquire(1, 2, 3),
        lambda: locked(Lock()).acquire(False), lambda: locked(Lock()).acquire(timeout=0),
        lambda: locked(Lock()).acquire(timeout=0.001),
    ),
    "a lock by its old names": lambda: many(
        lambda: Lock().acquire_lock(), lambda: locked(Lock()).release_lock(),
        lambda: Lock().locked_lock(), lambda: Lock().locked(), lambda: Lock().release(),
    ),
    "locks as objects": lambda: many(
        Lock, lambda: locked(Lock()), lambda: pickle.dumps(Lock()), lambda: Lock() == Lock(),
        lambda: weakref.ref(Lock())(), lambda: setattr(Lock(), "x", 1), lambda: type(Lock())(1),
        lambda: threading.Lock(1), lambda: type(Lock()).__name__,  # type: ignore[call-arg]
        lambda: setattr(_thread.LockType, "acquire", None),
        lambda: isinstance(Lock(), _thread.LockType), lambda: Lock().__enter__(),
        lambda: threading.Lock | None, lambda: hash(Lock()) is None,
    ),
    "acquiring a reentrant lock": lambda: many(
        lambda: RLock().acquire(), lambda: locked(RLock()).acquire(False),
        lambda: RLock().acquire(False, 1), lambda: RLock().acquire(timeout=-2),
        lambda: RLock().acquire(timeout=1e100), lambda: RLock().release(),
        lambda: RLock()._release_save(), lambda: RLock()._is_owned(),  # type: ignore[attr-defined]
        lambda: locked(locked(RLock()))._recursion_count(),
    ),
    "reentrant locks as objects": lambda: many(
        RLock, lambda: locked(locked(RLock())), lambda: pickle.dumps(RLock()),
        lambda: threading.RLock(1), lambda: threading.RLock(a=1),  # type: ignore[call-arg]
        lambda: hasattr(RLock(), "locked"), lambda: RLock().locked(),  # type: ignore[attr-defined]
        lambda: type("Mine", (_thread.RLock,), {})().acquire(),
        lambda: type("Mine", (_thread.RLock,), {"__init__": lambda self, a: None})(1).acquire(),
    ),
    "conditions": lambda: many(
        Condition, lambda: Condition().wait(), lambda: Condition().notify(),
        lambda: Condition().notify_all(), lambda: Condition().wait_for(lambda: 7),
        lambda: Condition().release(), lambda: hasattr(Condition(), "locked"),
        lambda: locked(Condition()).wait(0), lambda: locked(Condition()).wait(-1),
        lambda: locked(Condition()).wait("1"), lambda: locked(Condition()).wait(0.001),
        lambda: locked(Condition()).wait_for(lambda: 0, 0.001), lambda: Condition().notifyAll(),
        lambda: threading.Condition(7), lambda: threading.Condition(Lock())._is_owned(),  # type: ignore[arg-type, attr-defined]
    ),
    "events": lambda: many(
        threading.Event, lambda: threading.Event().wait(0), lambda: threading.Event().wait(-3),
        lambda: threading.Event().wait(0.001), lambda: threading.Event().wait("1"),  # type: ignore[arg-type]
        lambda: threading.Event().isSet(), lambda: threading.Event().set(),
        lambda: threading.Event()._cond,  # type: ignore[attr-defined]
    ),
    "semaphores": lambda: many(
        lambda: threading.Semaphore(2), lambda: threading.BoundedSemaphore(2),
        lambda: threading.Semaphore(-1), lambda: threading.Semaphore("1"),  # type: ignore[arg-type]
        lambda: threading.Semaphore().acquire(False, 1), lambda: threading.Semaphore().release(0),
        lambda: threading.Semaphore(0).acquire(timeout=0.001),
        lambda: threading.Semaphore(0).acquire(timeout=-1), lambda: threading.Semaphore(0)._value,
        lambda: threading.BoundedSemaphore().release(), lambda: threading.Semaphore().release(3),
        lambda: threading.BoundedSemaphore(2).release(0),
    ),
    "barriers": lambda: many(
        lambda: threading.Barrier(2), lambda: threading.Barrier(0), lambda: threading.Barrier(-1),
        lambda: threading.Barrier("1"), lambda: threading.Barrier(1).wait(),  # type: ignore[arg-type]
        lambda: threading.Barrier(2).wait(0), lambda: threading.Barrier(2).wait(0.001),
        lambda: threading.Barrier(2, timeout=0.001).wait(), lambda: threading.Barrier(2).broken,
        lambda: threading.Barrier(2).n_waiting, lambda: threading.Barrier(2).parties,
        lambda: threading.Barrier(1, action=lambda: 1 / 0).wait(),
    ),
    "threads": lambda: many(
        lambda: threading.Thread(name="t"), lambda: threading.Thread(name="t", daemon=True),
        lambda: threading.Thread(group=1), lambda: threading.Thread().join(),  # type: ignore[call-overload]
        lambda: threading.current_thread().join(), lambda: threading.Thread(name="t").is_alive(),
        lambda: threading.current_thread().start(), lambda: threading.Thread(name="t").ident,
        lambda: threading.Thread(name="t").native_id, lambda: threading.Thread(name=7).name,  # type: ignore[arg-type]
        lambda: threading.main_thread(), lambda: threading.stack_size(),
        lambda: threading.stack_size(1), lambda: threading.stack_size("1"),  # type: ignore[arg-type]
        lambda: setattr(threading.current_thread(), "daemon", True),
    ),
    "threads that have ended": lambda: many(
        lambda: ended(), lambda: ended().is_alive(), lambda: ended().start(),
        lambda: ended().join(), lambda: ended().join(-1), lambda: ended().join("1"),  # type: ignore[arg-type]
        lambda: setattr(ended(), "daemon", True), lambda: ended().ident == threading.get_ident(),
        lambda: ended() in threading.enumerate(), lambda: hasattr(ended(), "_target"),
    ),
    "starting bare threads": lambda: many(
        lambda: _thread.start_new_thread(7, ()), lambda: _thread.start_new_thread(int, []),  # type: ignore[call-overload]
        lambda: _thread.start_new_thread(int, (), []), lambda: _thread.start_new_thread(int),  # type: ignore[call-overload]
    ),
    "handles of threads": lambda: many(*handle_calls()),
    "queues": lambda: many(
        lambda: queue.Queue().get(False), lambda: queue.Queue().get(True, 0.001),
        lambda: queue.Queue().get(timeout=-1), lambda: queue.Queue(1).put(1, timeout=-1),
        lambda: full().put(2, False), lambda: full().put(2, timeout=0.001),
        lambda: queue.Queue().task_done(), lambda: full().full(), lambda: full().qsize(),
        lambda: queue.Queue("1").put(1), lambda: queue.PriorityQueue().get_nowait(),  # type: ignore[arg-type]
        lambda: queue.LifoQueue().get_nowait(), lambda: queue.Queue[int],
        lambda: pickle.dumps(queue.SimpleQueue()),
    ),
    "simple queues": lambda: many(
        lambda: queue.SimpleQueue().get(False), lambda: queue.SimpleQueue().get(timeout=0.001),
        lambda: queue.SimpleQueue().get(timeout=-1), lambda: queue.SimpleQueue().get_nowait(),
        lambda: queue.SimpleQueue().get(False, -1), lambda: queue.SimpleQueue().get(True, "1"),  # type: ignore[arg-type]
        lambda: queue.SimpleQueue().put(1, True, -5), lambda: queue.SimpleQueue().empty(),
        lambda: queue.SimpleQueue[int], lambda: queue.SimpleQueue(1),  # type: ignore[call-arg]
        lambda: type("Mine", (queue.SimpleQueue,), {"__init__": lambda self, a: None})(1).put(2),
    ),
    "shutting down queues": lambda: many(*shutdown_calls()),
    "futures": lambda: many(
        lambda: concurrent.futures.Future(), lambda: concurrent.futures.Future().result(0),
        lambda: concurrent.futures.Future().exception(0.001), lambda: done().set_result(2),
        lambda: done().set_exception(None), lambda: done().cancel(), lambda: done().result(),
        lambda: done().set_running_or_notify_cancel(), lambda: cancelled().result(),
        lambda: cancelled(), lambda: cancelled().exception(0), lambda: cancelled().set_result(1),
        lambda: concurrent.futures.wait([], return_when="NEVER"), lambda: done()._condition,
        lambda: concurrent.futures.wait([concurrent.futures.Future()], 0, "NEVER"),
        lambda: list(concurrent.futures.as_completed([concurrent.futures.Future()], 0)),
        lambda: list(concurrent.futures.as_completed([done()], 0)),
        lambda: done().add_done_callback(7),
    ),
    "executors": lambda: many(
        lambda: concurrent.futures.ThreadPoolExecutor(0),
        lambda: concurrent.futures.ThreadPoolExecutor("1"),  # type: ignore[arg-type]
        lambda: concurrent.futures.ThreadPoolExecutor(1, initializer=7),  # type: ignore[call-overload]
        lambda: after_shutdown(), lambda: pool_calls(lambda pool: list(pool.map(abs, [-1, 2]))),
        lambda: pool_calls(lambda pool: list(pool.map(divmod, [1, 2], [1, 0]))),
        lambda: pool_calls(lambda pool: pool.submit()),
        lambda: pool_calls(lambda pool: list(pool.map(time.sleep, [0.05], timeout=0.001))),
        lambda: pool_calls(lambda pool: list(pool.map(abs, [1], chunksize=0))),
        lambda: pool_calls(lambda pool: list(pool.map(abs, [1], buffersize=0))),
        lambda: pool_calls(lambda pool: list(pool.map(abs, [-1, -2, -3], buffersize=1))),
        lambda: pool_calls(lambda pool: [pool.submit(int).result(), len(pool._threads)]),
    ),
    "hooks": lambda: many(
        lambda: threading.__excepthook__(7), threading.gettrace, threading.getprofile,  # type: ignore[arg-type]
        lambda: threading.settrace(), lambda: time.sleep(-1),  # type: ignore[call-arg]
    ),
}  # fmt: skip


def ended() -> threading.Thread:
    thread = threading.Thread(target=int, name="t")
    thread.start()
    thread.join()
    return thread


def full() -> queue.Queue[int]:
    made: queue.Queue[int] = queue.Queue(1)
    made.put(1)
    return made


def done() -> concurrent.futures.Future[int]:
    made: concurrent.futures.Future[int] = concurrent.futures.Future()
    made.set_result(1)
    return made


def cancelled() -> concurrent.futures.Future[int]:
    made: concurrent.futures.Future[int] = concurrent.futures.Future()
    made.cancel()
    return made


def after_shutdown() -> Any:
    pool = concurrent.futures.ThreadPoolExecutor(1)
    pool.shutdown()
    return pool.submit(int)


def pool_calls(call: Callable[[Any], Any]) -> Any:
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return call(pool)


def shutdown_calls() -> list[Callable[[], Any]]:
    make: Any = queue.Queue

    def closed(immediate: bool) -> Any:
        made = make()
        made.put(1)
        made.shutdown(immediate)
        return made

    return [
        lambda: closed(True), lambda: closed(False).put(2), lambda: closed(True).get(),
        lambda: closed(False).get(), lambda: closed(True).get(False), lambda: closed(True).join(),
        lambda: closed(True).qsize(), lambda: closed(False).is_shutdown,
        lambda: closed(True).task_done(), lambda: queue.ShutDown,  # type: ignore[attr-defined]
    ]  # fmt: skip


def handle_calls() -> list[Callable[[], Any]]:
    module: Any = _thread

    def started() -> Any:
        return module.start_joinable_thread(int)

    def again() -> Any:
        return module.start_joinable_thread(int, handle=joined())

    def joined() -> Any:
        handle = started()
        handle.join()
        return handle

    return [
        lambda: module._ThreadHandle(), lambda: module._ThreadHandle().join(),
        lambda: module._ThreadHandle().is_done(), lambda: module._ThreadHandle()._set_done(),
        lambda: joined().is_done(), lambda: joined().join(), lambda: joined().join(1), again,
        lambda: module.start_joinable_thread(7), lambda: module.start_joinable_thread(int, 7),
        lambda: joined().ident > 0, lambda: module._make_thread_handle(_thread.get_ident()).join(),
        lambda: module._get_main_thread_ident() == threading.main_thread().ident,
    ]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_same_as_for_real(case: str) -> None:
    assert value(CASES[case]) == CASES[case]()


def test_the_modules_have_the_same_names() -> None:
    def program() -> Any:
        return [sorted(vars(module)) for module in MODULES]

    assert value(program) == program()


def test_classes_have_the_public_methods_of_the_real_ones() -> None:
    names = (
        "Condition", "Event", "Semaphore", "BoundedSemaphore", "Barrier", "Thread", "Timer",
        "local",
    )  # fmt: skip
    queues = ("Queue", "LifoQueue", "PriorityQueue", "SimpleQueue")

    def program() -> Any:
        kinds = [type(threading.Lock()), type(threading.RLock())]
        kinds += [getattr(threading, name) for name in names]
        kinds += [getattr(queue, name) for name in queues]
        return [
            {name for name in dir(kind) if not name.startswith("_")}
            - {"holder", "part", "under_name", "maxsize", "parties", "n_waiting", "broken"}
            - {"mutex", "not_empty", "not_full", "all_tasks_done", "unfinished_tasks"}
            - {"is_shutdown", "count", "index"}
            for kind in kinds
        ]

    assert value(program) == program()


def test_signatures_are_those_of_the_real_classes() -> None:
    def program() -> Any:
        found = []
        for kind in (
            threading.Condition, threading.Event, threading.Semaphore, threading.Barrier,
            queue.Queue,
        ):  # fmt: skip
            for name in (
                "__init__",
                "acquire",
                "wait",
                "wait_for",
                "notify",
                "release",
                "put",
                "get",
            ):
                method = getattr(kind, name, None)
                if inspect.isfunction(method):
                    parameters = inspect.signature(method).parameters.values()
                    found.append((kind.__name__, name, [(p.name, p.default) for p in parameters]))
        return found

    assert value(program) == program()
