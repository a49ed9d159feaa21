"""Trace and profile functions, and whatever else each thread has one of."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any

import pytest
from world.simulation import compare_with_chance, explore, run, value

THREADING = {"trace": threading.settrace, "profile": threading.setprofile}


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


@pytest.mark.parametrize("kind", ["trace", "profile"])
def test_a_thread_has_its_own_function_or_none(kind: str) -> None:
    def program() -> Any:
        get, put = getattr(sys, f"get{kind}"), getattr(sys, f"set{kind}")
        recorder = Recorder()
        seen: list[Any] = []
        gate, ready = threading.Event(), threading.Event()

        def other() -> None:
            seen.append(get() is recorder)
            ready.set()
            gate.wait()
            seen.append(get() is recorder)
            work()

        thread = threading.Thread(target=other)
        thread.start()
        ready.wait()
        put(recorder)
        gate.set()
        work()
        thread.join()
        seen.append(get() is recorder)
        put(None)
        return tuple(seen), tuple(recorder.calls)

    before = getattr(sys, f"get{kind}")()
    assert set(explore(program).results) == {((False, False, True), ("MainThread",))}
    assert getattr(sys, f"get{kind}")() is before


@pytest.mark.skipif(sys.version_info < (3, 12), reason="new in Python 3.12")
@pytest.mark.parametrize("kind", ["trace", "profile"])
def test_all_threads_at_once(kind: str) -> None:
    def program() -> Any:
        recorder = Recorder()
        gate, ready = threading.Event(), threading.Event()

        def other() -> None:
            ready.set()
            gate.wait()
            work()

        thread = threading.Thread(target=other, name="other")
        thread.start()
        ready.wait()
        getattr(threading, f"set{kind}_all_threads")(recorder)
        gate.set()
        thread.join()
        work()
        getattr(threading, f"set{kind}_all_threads")(None)
        return recorder.calls

    assert value(program) == ["other", "MainThread"]


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
