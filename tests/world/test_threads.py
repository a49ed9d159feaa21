"""Threads and what surrounds them, as the documentation of `threading` has it."""

from __future__ import annotations

import _thread
import atexit
import sys
import threading
import time
import warnings
from typing import Any

import pytest
from world.simulation import compare_with_brute_force, explore, run, shown, value


def test_a_thread_runs_its_target_with_its_arguments() -> None:
    def program() -> Any:
        seen: list[Any] = []
        thread = threading.Thread(target=lambda *a, **k: seen.append((a, k)), args=(1,),
                                  kwargs={"b": 2})  # fmt: skip
        alive = [thread.is_alive()]
        thread.start()
        thread.join()
        alive.append(thread.is_alive())
        return seen, alive

    assert value(program) == ([((1,), {"b": 2})], [False, False])


def test_names_idents_and_current_thread() -> None:
    def program() -> Any:
        def work() -> None:
            me = threading.current_thread()
            seen.append((me is threads[len(seen)], me.name, me.ident == threading.get_ident()))

        seen: list[Any] = []
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
            thread.join()
        main = threading.current_thread()
        return seen, main is threading.main_thread(), main.name, main.ident, threads[1].ident

    assert value(program) == (
        [(True, "Thread-1 (work)", True), (True, "Thread-2 (work)", True)],
        True, "MainThread", 1, 1002,
    )  # fmt: skip


def test_names_are_counted_anew_in_each_execution() -> None:
    def program() -> str:
        threading.Thread(target=lambda: None).start()
        return threading.Thread().name

    assert explore(program).results == {"Thread-2": 1}


def test_a_subclass_may_override_run() -> None:
    def program() -> Any:
        class Worker(threading.Thread):
            def __init__(self) -> None:
                super().__init__(name="worker", daemon=True)
                self.result = 0

            def run(self) -> None:
                self.result = 7

        worker = Worker()
        worker.start()
        worker.join()
        return worker.result, worker.name, worker.daemon, isinstance(worker, threading.Thread)

    assert value(program) == (7, "worker", True, True)


class Forgetful(threading.Thread):
    """Derived from `Thread` before anything was simulated."""

    def __init__(self) -> None:
        pass


def test_misuse_is_an_error_with_the_usual_message() -> None:
    def message(call: Any) -> str:
        with pytest.raises(RuntimeError) as caught:
            call()
        return str(caught.value)

    def program() -> Any:
        thread = threading.Thread(target=lambda: None)
        found = [message(thread.join)]
        thread.start()
        found.append(message(thread.start))
        found.append(message(threading.current_thread().join))
        found.append(message(lambda: setattr(thread, "daemon", True)))
        found.append(message(Forgetful().start))
        return found

    assert value(program) == [
        "cannot join thread before it is started",
        "threads can only be started once",
        "cannot join current thread",
        "cannot set daemon status of active thread",
        "thread.__init__() not called",
    ]


def test_old_names_warn() -> None:
    def program() -> Any:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            thread = threading.Thread(name="x")
            thread.setDaemon(True)
            thread.setName("y")
            seen = (thread.getName(), thread.isDaemon(), threading.currentThread().name)
        return seen, {warning.category for warning in caught}, len(caught)

    assert value(program) == (("y", True, "MainThread"), {DeprecationWarning}, 5)


def test_repr_tells_the_state() -> None:
    def program() -> Any:
        thread = threading.Thread(target=lambda: None, name="t", daemon=True)
        first = repr(thread)
        thread.start()
        thread.join()
        return first, repr(thread)

    assert value(program) == ("<Thread(t, initial daemon)>", "<Thread(t, stopped daemon 1001)>")


def test_main_waits_for_threads_that_are_no_daemons() -> None:
    def program() -> None:
        def outer() -> None:
            threading.Thread(target=lambda: print("inner")).start()

        threading.Thread(target=outer).start()
        threading.Thread(target=threading.Event().wait, daemon=True).start()

    explored = explore(program)
    assert explored.ends == {"finished": explored.executions}
    assert explored.lines == {("inner",): explored.executions}


def test_exit_callbacks_run_at_the_end_in_reverse() -> None:
    def program() -> None:
        atexit.register(print, "first")
        atexit.register(print, "second")
        atexit.register(print, "never")
        atexit.unregister(len)
        atexit.register(lambda: 1 / 0)
        threading._register_atexit(print, "before joining")  # type: ignore[attr-defined]
        threading.Thread(target=print, args=("thread",)).start()

    lines = run(program).printed
    assert [line for line in lines if line in ("first", "second", "thread", "before joining")] == [
        "before joining", "thread", "second", "first",
    ]  # fmt: skip
    assert any("ZeroDivisionError" in line for line in lines)


def test_an_uncaught_exception_is_recorded_and_printed_without_our_frames() -> None:
    def program() -> None:
        def fail() -> None:
            raise ValueError("no")

        threading.Thread(target=fail, name="t").start()

    ran = run(program)
    assert ran.record.thread_errors() == ["ValueError: no"]
    assert ran.record.exit == "ok"
    lines = shown(program)
    assert lines[0] == "Exception in thread t:"
    assert lines[-1] == "ValueError: no"
    assert "raceproof/world" not in "\n".join(lines)


def test_system_exit_in_a_thread_is_silent() -> None:
    def program() -> None:
        threading.Thread(target=lambda: exit(3)).start()
        threading.Thread(target=_thread.exit).start()

    ran = run(program)
    assert (ran.record.thread_errors(), ran.printed, ran.record.exit) == ([], [], "ok")


def test_excepthook_can_be_replaced_for_one_execution() -> None:
    seen: list[str] = []

    def program() -> None:
        threading.excepthook = lambda args: seen.append(args.exc_type.__name__)
        threading.Thread(target=lambda: 1 / 0).start()

    before = threading.excepthook
    assert run(program).printed == []
    assert seen == ["ZeroDivisionError"]
    assert run(lambda: threading.excepthook is threading.__excepthook__).result
    assert threading.excepthook is before


def test_how_main_ended() -> None:
    def crash() -> None:
        raise KeyError("x")

    def leave(code: Any) -> Any:
        return lambda: exit(code)

    assert run(crash).record.exit == "KeyError: 'x'"
    assert run(crash).record.status == 1
    assert shown(crash)[0] == "Traceback (most recent call last):"
    assert run(leave(3)).record.exit == "SystemExit: 3"
    assert run(leave(None)).record.exit == "ok"
    assert run(leave("bad")).record.exit == "SystemExit: bad"
    assert run(leave("bad")).printed == ["bad"]


def test_is_alive_sees_both_states() -> None:
    def program() -> bool:
        thread = threading.Thread(target=lambda: None)
        thread.start()
        alive = thread.is_alive()
        thread.join()
        return alive

    assert explore(program).results == {True: 1, False: 1}
    assert compare_with_brute_force(program) == 2


def test_joining_for_no_time_is_a_look() -> None:
    def program() -> bool:
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join(0)
        return thread.is_alive()

    assert set(explore(program).results) == {True, False}


def test_join_expires_when_nobody_can_go_on() -> None:
    def program() -> bool:
        event = threading.Event()
        thread = threading.Thread(target=event.wait)
        thread.start()
        thread.join(5)
        alive = thread.is_alive()
        event.set()
        return alive

    assert explore(program).results == {True: 1}


def test_enumerate_and_active_count() -> None:
    def program() -> Any:
        event = threading.Event()
        thread = threading.Thread(target=event.wait, name="t")
        thread.start()
        names = [each.name for each in threading.enumerate()]
        count = threading.active_count()
        event.set()
        return names, count

    assert value(program) == (["MainThread", "t"], 2)


def test_a_timer_may_fire_at_any_time_until_it_is_cancelled() -> None:
    def program() -> Any:
        fired: list[str] = []
        timer = threading.Timer(3600, fired.append, ["fired"])
        timer.start()
        timer.cancel()
        timer.join()
        return tuple(fired)

    assert set(explore(program).results) == {(), ("fired",)}


def test_bare_threads() -> None:
    def program() -> Any:
        lock = _thread.allocate_lock()
        seen: list[Any] = []

        def work(value: int, *, more: int) -> None:
            seen.append((value, more, threading.current_thread().name))
            lock.release()

        lock.acquire()
        ident = _thread.start_new_thread(work, (1,), {"more": 2})
        lock.acquire()
        return seen, ident

    assert value(program) == ([(1, 2, "Dummy-1")], 1001)


def test_the_threads_besides_main_are_counted() -> None:
    def program() -> Any:
        event = threading.Event()
        thread = threading.Thread(target=event.wait)
        counts = [_thread._count()]
        thread.start()
        counts.append(_thread._count())
        event.set()
        thread.join()
        return [*counts, _thread._count()]

    assert value(program) == [0, 1, 0]


def test_what_a_bare_thread_dies_of_is_recorded() -> None:
    def program() -> None:
        _thread.start_new_thread(lambda: 1 / 0, ())
        threading.Event().wait(1)

    ran = run(program)
    assert ran.record.thread_errors() == ["ZeroDivisionError: division by zero"]
    assert shown(program)[0].startswith("Exception ignored in thread started by")


def test_the_main_thread_can_be_joined() -> None:
    def program() -> None:
        def last() -> None:
            threading.main_thread().join()
            print("after main")

        threading.Thread(target=last).start()

    explored = explore(program)
    assert explored.lines == {("after main",): explored.executions}


def test_real_threads_work_as_before_outside_of_executions() -> None:
    def program() -> None:
        pass

    run(program)
    seen: list[str] = []
    thread = threading.Thread(target=lambda: seen.append(threading.current_thread().name), name="r")
    thread.start()
    thread.join()
    assert seen == ["r"]


def test_threads_that_threading_does_not_know_are_not_enumerated() -> None:
    def program() -> Any:
        lock = _thread.allocate_lock()
        lock.acquire()
        known = _thread.allocate_lock()
        known.acquire()

        def known_by_then() -> None:
            threading.current_thread()
            known.release()
            lock.acquire()
            lock.release()

        _thread.start_new_thread(lock.acquire, ())
        _thread.start_new_thread(known_by_then, ())
        known.acquire()
        names = [thread.name for thread in threading.enumerate()]
        counts = threading.active_count(), _thread._count()
        lock.release()
        return names, counts

    assert value(program) == (["MainThread", "Dummy-1"], (2, 2))


def test_dummies_outlive_their_threads_as_long_as_the_version_has_it() -> None:
    def program() -> Any:
        lock = _thread.allocate_lock()
        lock.acquire()

        def work() -> None:
            seen.append(threading.current_thread())
            lock.release()

        seen: list[threading.Thread] = []
        ident = _thread.start_new_thread(work, ())
        lock.acquire()
        while _thread._count():
            time.sleep(0.1)
        known = ident in threading._active  # type: ignore[attr-defined]
        with pytest.raises((RuntimeError, AssertionError), match="cannot join a dummy thread"):
            seen[0].join()
        return known, seen[0] in threading.enumerate()

    outlives = sys.version_info < (3, 13)
    assert value(program) == (outlives, outlives)


def test_what_threading_knows_of_real_threads_is_as_before() -> None:
    def program() -> Any:
        thread = threading.Thread(target=threading.Event().wait, args=(1,))
        thread.start()
        threading.current_thread()
        return sorted(threading._active)  # type: ignore[attr-defined]

    before = dict(threading._active)  # type: ignore[attr-defined]
    assert value(program) == [1]
    assert threading._active == before  # type: ignore[attr-defined]


def test_the_default_hook_knows_simulated_identifiers() -> None:
    def program() -> None:
        try:
            raise ValueError("bug")
        except ValueError as error:
            args = (type(error), error, error.__traceback__, None)
            threading.excepthook(threading.ExceptHookArgs(args))

    assert shown(program)[0] == "Exception in thread 1:"


def test_looking_at_all_threads_competes_with_starting_and_ending() -> None:
    def program() -> int:
        def outer() -> None:
            inner = threading.Thread(target=int)
            inner.start()
            inner.join()

        thread = threading.Thread(target=outer)
        thread.start()
        count = threading.active_count()
        thread.join()
        return count

    assert set(explore(program).results) == {1, 2, 3}
    compare_with_brute_force(program)


def test_threads_can_be_waited_for_before_the_end() -> None:
    def program() -> list[int]:
        done: list[int] = []
        threading.Thread(target=done.append, args=(1,)).start()
        threading._shutdown()  # type: ignore[attr-defined]
        return done

    assert explore(lambda: tuple(program())).results.keys() == {(1,)}
