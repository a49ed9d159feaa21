"""What is special about virtual threads that are threads of the operating system."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from world.simulation import run, value

from raceproof.world import os_threads
from raceproof.world.carriers import AUTO, OS, hub_class
from raceproof.world.execution import Plan
from raceproof.world.fibers import OutOfFibers
from raceproof.world.scheduler import machine
from raceproof.world.surroundings import stack_size


@pytest.fixture(autouse=True)
def _on_threads_of_the_system() -> Iterator[None]:
    machine.carry_by(hub_class(OS))
    yield
    machine.carry_by(hub_class(AUTO))


def get_ident() -> int:
    """The real one, in an execution too."""
    return os_threads.get_ident()


def in_threads(*bodies: Callable[[], Any]) -> list[Any]:
    """What each of them returns."""
    results: list[Any] = [None] * len(bodies)

    def keep(number: int, body: Callable[[], Any]) -> None:
        results[number] = body()

    threads = [threading.Thread(target=keep, args=entry) for entry in enumerate(bodies)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_each_virtual_thread_has_one_of_its_own_and_the_same_every_time() -> None:
    def program() -> Any:
        return [get_ident(), *in_threads(get_ident, lambda: in_threads(get_ident))]

    first = value(program)
    assert len({str(ident) for ident in first}) == 3
    assert get_ident() not in first
    assert value(program) == first


def test_what_a_library_keeps_for_a_thread_is_of_that_thread() -> None:
    kept = threading.local()  # made before the execution: a real one

    def remember(what: str) -> Any:
        kept.what = what
        return in_threads(lambda: hasattr(kept, "what")), kept.what

    def program() -> Any:
        return in_threads(lambda: remember("a"), lambda: remember("b"))

    assert value(program) == [([False], "a"), ([False], "b")]


def test_what_c_code_keeps_for_a_thread_is_of_that_thread() -> None:
    def remember(number: int) -> int:
        ctypes.set_errno(number)
        barrier.wait()
        return ctypes.get_errno()

    def program() -> Any:
        nonlocal barrier
        barrier = threading.Barrier(2)
        return in_threads(lambda: remember(1), lambda: remember(2))

    barrier = threading.Barrier(2)
    assert value(program) == [1, 2]


def test_the_real_module_threading_does_not_see_them() -> None:
    def program() -> None:
        in_threads(threading.current_thread, lambda: logging.getLogger("x").warning("hello"))

    before = threading.enumerate()
    run(program)
    assert threading.enumerate() == before


@pytest.fixture
def _usual_stack_size() -> Iterator[None]:
    size = stack_size()
    yield
    threading.stack_size(size)


@pytest.mark.usefixtures("_usual_stack_size")
def test_a_thread_is_used_again_only_if_its_stack_has_the_right_size() -> None:
    def ident(size: int) -> Any:
        threading.stack_size(size)
        return value(lambda: in_threads(get_ident))

    small, large = ident(0), ident(16 * 1024 * 1024)
    assert small != large
    assert ident(16 * 1024 * 1024) == large
    assert stack_size() == 16 * 1024 * 1024


@pytest.mark.skipif(
    (3, 12) <= sys.version_info < (3, 14),
    reason="these versions have a limit of their own for C, whatever the size of the stack",
)
def test_deep_recursion_in_c_with_a_stack_for_it(tmp_path: Path) -> None:
    script = tmp_path / "deep.py"
    source = """
        import sys, threading
        def descend(levels):
            return levels and max(map(descend, [levels - 1]))
        threading.stack_size(128 * 1024 * 1024)
        sys.setrecursionlimit(100_000)
        thread = threading.Thread(target=lambda: print(descend(15_000)))
        thread.start()
        thread.join()
    """
    script.write_text(textwrap.dedent(source), encoding="utf-8")
    ran = raceproof("run", "--threads", "os", str(script))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 of 1 interleaving" in " ".join(ran.stdout.split())


def raceproof(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "raceproof", *arguments],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_an_event_loop_for_each_thread() -> None:
    async def work(number: int) -> Any:
        loop = asyncio.get_running_loop()
        event.set()
        event.wait()
        await asyncio.sleep(0)
        return loop is asyncio.get_running_loop(), number

    def program() -> Any:
        nonlocal event
        event = threading.Event()
        return in_threads(lambda: asyncio.run(work(1)), lambda: asyncio.run(work(2)))

    event = threading.Event()
    assert value(program) == [(True, 1), (True, 2)]


def test_who_measures_threads_is_asked_once_for_each() -> None:
    asked: list[int] = []

    def begin(frame: Any, event: str, argument: object) -> Any:
        """What coverage does in a new thread: it leaves another function in its place."""
        asked.append(get_ident())
        sys.settrace(measure)
        return None

    def measure(frame: Any, event: str, argument: object) -> Any:
        return None

    machine.release_fibers()
    before = threading.gettrace()
    threading.settrace(begin)
    try:
        for _ in range(3):
            machine.execute(lambda: [None for _ in range(2)] and None, Plan())
    finally:
        threading.settrace(before)  # type: ignore[arg-type]
        machine.release_fibers()
    assert len(asked) == len(set(asked)) == 1


def test_when_the_system_has_no_more_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os_threads.start_new_thread

    def at_most_two(*arguments: Any) -> int:
        if len(started) >= 2:
            raise RuntimeError("can't start new thread")
        started.append(real(*arguments))
        return started[-1]

    started: list[int] = []
    monkeypatch.setattr(os_threads, "start_new_thread", at_most_two)
    machine.release_fibers()
    seen: list[str] = []

    def program() -> None:
        try:
            in_threads(lambda: None, lambda: None)
        except Exception:
            seen.append("not the program's fault")

    execution = run(program).execution
    assert execution.end == "uncontrolled"
    assert execution.detail.startswith("the system starts no more than 2 threads for raceproof")
    assert seen == []
    machine.release_fibers()
    with pytest.raises(OutOfFibers):
        machine.execute(lambda: None, Plan())


def test_threads_that_are_not_needed_any_more_end() -> None:
    ident = value(get_ident)
    assert ident in sys._current_frames()
    machine.release_fibers()
    while ident in sys._current_frames():
        pass
