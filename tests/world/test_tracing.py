"""Trace and profile functions belong to one thread each, whatever carries it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any

import pytest
from world.simulation import compare_with_chance, explore, run, value

THREADING = {"trace": threading.settrace, "profile": threading.setprofile}


def nothing(*_: Any) -> None:
    """A trace or profile function."""


class Recorder:
    """A trace or profile function that notes who calls `work`."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.files: set[str] = set()

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        self.files.add(frame.f_code.co_filename)
        if event == "call" and frame.f_code.co_name == "work":
            self.calls.append(threading.current_thread().name)
        return self


def work() -> None:
    threading.Event().set()


@pytest.fixture(autouse=True)
def nobody_else() -> Any:
    """Tests may be measured themselves; not these."""
    trace, profile = sys.gettrace(), sys.getprofile()
    sys.settrace(None)
    sys.setprofile(None)
    yield
    threading.settrace(None)  # type: ignore[arg-type]
    threading.setprofile(None)
    sys.settrace(trace)
    sys.setprofile(profile)


@pytest.mark.parametrize("which", [0, 1])
def test_a_function_is_that_of_the_thread_that_sets_it(which: int) -> None:
    names = ("settrace", "gettrace"), ("setprofile", "getprofile")

    def program() -> Any:
        setter, getter = (getattr(sys, name) for name in names[which])
        barrier = threading.Barrier(2)
        seen: list[bool] = []

        def first() -> None:
            setter(nothing)
            barrier.wait()
            barrier.wait()
            seen.append(getter() is nothing)

        def second() -> None:
            barrier.wait()
            seen.append(getter() is None)
            barrier.wait()

        threads = [threading.Thread(target=body) for body in (first, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return seen, getter()

    assert value(program) == ([True, True], None)


@pytest.mark.parametrize("which", [0, 1])
def test_threading_sets_it_in_threads_to_come(which: int) -> None:
    names = ("settrace", "gettrace"), ("setprofile", "getprofile")

    def program() -> Any:
        setter, getter = getattr(threading, names[which][0]), getattr(sys, names[which][1])
        before = threading.Thread(target=lambda: (event.wait(), seen.append(getter() is None)))
        event = threading.Event()
        seen: list[bool] = []
        before.start()
        setter(nothing)
        after = threading.Thread(target=lambda: seen.append(getter() is nothing))
        after.start()
        after.join()
        event.set()
        before.join()
        return seen, getter()

    assert value(program) == ([True, True], None)


def test_what_a_thread_does_is_traced_and_what_others_do_is_not() -> None:
    def work(n: int) -> int:
        return n

    def program() -> Any:
        seen: list[tuple[str, int]] = []

        def trace(frame: Any, event: str, _: Any) -> Callable[..., Any] | None:
            if frame.f_code.co_name == "work":
                seen.append((event, frame.f_locals["n"]))
            return None

        def traced() -> None:
            sys.settrace(trace)
            barrier.wait()
            work(1)
            barrier.wait()
            work(2)

        def plain() -> None:
            barrier.wait()
            work(3)
            barrier.wait()
            work(4)

        barrier = threading.Barrier(2)
        threads = [threading.Thread(target=body) for body in (traced, plain)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return seen

    assert value(program) == [("call", 1), ("call", 2)]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="new in Python 3.12")
@pytest.mark.parametrize("which", [0, 1])
def test_it_can_be_set_in_all_threads_that_there_are(which: int) -> None:
    names = ("settrace_all_threads", "gettrace"), ("setprofile_all_threads", "getprofile")

    def program() -> Any:
        setter, getter = getattr(threading, names[which][0]), getattr(sys, names[which][1])
        started, done = threading.Event(), threading.Event()
        seen: list[Any] = []

        def work() -> None:
            seen.append(getter())
            started.set()
            done.wait()
            seen.append(getter())

        thread = threading.Thread(target=work)
        thread.start()
        started.wait()
        setter(nothing)
        done.set()
        thread.join()
        seen.append(getter())
        setter(None)
        seen.append(getter())
        return [None if one is None else one.__name__ for one in seen]

    assert value(program) == [None, "nothing", "nothing", None]


@pytest.mark.parametrize("kind", ["trace", "profile"])
def test_threads_are_traced_from_their_start(kind: str) -> None:
    def program() -> Any:
        recorder = Recorder()
        THREADING[kind](recorder)
        threads = [threading.Thread(target=work, name=name) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with ThreadPoolExecutor(1, "pool") as pool:
            pool.submit(work)
        THREADING[kind](None)  # type: ignore[arg-type]
        work()
        return sorted(recorder.calls), recorder.files

    calls, files = value(program)
    assert calls == ["a", "b", "pool_0"]
    assert not [file for file in files if "raceproof/world" in file or "raceproof/search" in file]


def test_what_a_trace_function_does_is_not_explored() -> None:
    def program() -> Any:
        recorder = Recorder()
        threading.settrace(recorder)
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(recorder.calls)

    assert explore(program).results == {2: 1}
    compare_with_chance(program, 50)


def test_functions_set_from_outside_are_left_alone() -> None:
    calls: list[str] = []

    def outside(frame: FrameType, event: str, arg: Any) -> None:
        calls.append(event)

    before = sys.getprofile()
    sys.setprofile(outside)
    try:
        ran = run(lambda: threading.Thread(target=work).start())
        assert sys.getprofile() is outside
    finally:
        sys.setprofile(before)
    assert ran.execution.end == "finished"
    assert calls
