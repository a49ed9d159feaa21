"""Putting the simulated standard library in place, and taking it out again."""

from __future__ import annotations

import _thread
import concurrent.futures
import datetime
import functools
import io
import logging
import os
import queue
import random
import signal
import sys
import tempfile
import threading
import time
import types
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from world.simulation import run, run_in, value

from raceproof.world import exits
from raceproof.world.patches import Patches
from raceproof.world.primitives.lock import LockType
from raceproof.world.scheduler import machine

MODULES = [
    _thread, threading, queue, concurrent.futures, concurrent.futures._base, time, random, os,
    uuid, datetime, signal, sys, logging, tempfile, functools,
]  # fmt: skip


def snapshot() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for module in MODULES:
        for name, thing in vars(module).items():
            found[f"{module.__name__}.{name}"] = thing
    for kind in (
        threading.Thread, threading.Timer, concurrent.futures.Future,
        concurrent.futures.ThreadPoolExecutor, random.Random, logging.Handler,
        threading.Condition, threading.Event, type(_thread.allocate_lock()), _thread.RLock,
    ):  # fmt: skip
        for name, thing in vars(kind).items():
            found[f"{kind.__qualname__}.{name}"] = thing
    return found


CHANGING = {"threading._counter", "ThreadPoolExecutor._counter", "uuid._last_timestamp"}


def test_everything_is_as_before_afterwards() -> None:
    before = snapshot()
    run(lambda: threading.Thread(target=print).start())
    after = snapshot()
    assert before.keys() == after.keys()
    different = {name for name in before if before[name] is not after[name]}
    assert different <= CHANGING


@pytest.fixture
def library() -> Iterator[types.ModuleType]:
    """A module that was imported before the exploration began."""
    module = types.ModuleType("some_library")
    source = (
        "import threading\n"
        "from threading import Lock as make, current_thread\n"
        "from time import sleep as pause\n"
        "lock, reentrant = threading.Lock(), threading.RLock()\n"
        "class Worker(threading.Thread):\n"
        "    def run(self): self.result = current_thread() is self\n"
    )
    exec(source, module.__dict__)
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]


def test_names_that_were_imported_elsewhere_are_replaced_too(library: Any) -> None:
    def program() -> Any:
        library.pause(1e6)
        worker = library.Worker()
        worker.start()
        worker.join()
        return type(library.make()) is LockType, worker.result

    before = dict(vars(library))
    assert value(program) == (True, True)
    assert dict(vars(library)) == before


def test_the_lock_of_a_library_excludes_without_being_an_event(library: Any) -> None:
    def program() -> Any:
        inside: list[str] = []
        event = threading.Event()

        def first() -> None:
            with library.lock:
                inside.append("in")
                event.wait()
                inside.append("out")

        def second() -> None:
            event.set()
            with library.lock:
                inside.append("second")

        threads = [threading.Thread(target=first), threading.Thread(target=second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with library.reentrant, library.reentrant:
            return tuple(inside), library.lock.acquire(timeout=1), library.lock.locked()

    found, acquired, locked = value(program)
    assert found in (("in", "out", "second"), ("second", "in", "out"))
    assert acquired
    assert locked


def test_what_makes_locks_is_what_it_is_in_the_version() -> None:
    class Program:
        make = threading.Lock

    def program() -> Any:
        class Here:
            make = threading.Lock

        made = (threading.Lock(), Program().make(), Here().make(), _thread.allocate_lock())
        assert all(isinstance(lock, _thread.LockType) for lock in made)
        return (
            errors_of(lambda: isinstance(made[0], threading.Lock)),
            errors_of(lambda: threading.Lock | None),
            errors_of(lambda: type(made[0])()),
            errors_of(lambda: type("Derived", (_thread.LockType,), {})),
            repr(type(made[0])), repr(_thread.allocate_lock),
        )  # fmt: skip

    assert value(program) == program()


def errors_of(call: Callable[[], Any]) -> str:
    try:
        call()
    except TypeError as error:
        return str(error)
    return ""


def test_the_import_system_keeps_its_own_locks() -> None:
    def program() -> Any:
        sys.modules.pop("this_module_does_not_exist", None)
        with pytest.raises(ImportError):
            __import__("this_module_does_not_exist")

    ran = run(program)
    assert ran.execution.operations == []


def test_a_process_that_ends_at_once() -> None:
    def program() -> None:
        threading.Thread(target=lambda: print("never")).start()
        print("last words", end="")
        os._exit(3)

    ran = run(program)
    assert ran.execution.end == "exit"
    assert (ran.record.exit, ran.record.status, ran.lines) == ("SystemExit: 3", 3, ["last words"])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_is_beyond_control() -> None:
    def program() -> None:
        try:
            os.fork()
        except Exception:
            print("not to be caught")

    ran = run(program)
    assert ran.execution.end == exits.UNCONTROLLED
    assert (
        ran.execution.detail
        == "os.fork() makes a copy of the process, which raceproof cannot control"
    )
    assert ran.lines == []


def with_input(monkeypatch: pytest.MonkeyPatch, stream: Any) -> None:
    monkeypatch.setattr(sys, "stdin", stream)


def test_every_execution_reads_its_input_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def program() -> Any:
        return input("name? "), sys.stdin.readline(), list(sys.stdin), sys.stdin.read()

    with_input(monkeypatch, io.StringIO("Ada\nLovelace\n1815\n1852\n"))
    machine.forget()
    with Patches() as patches:
        for _ in range(2):
            ran = run_in(patches, program)
            assert ran.result == ("Ada", "Lovelace\n", ["1815\n", "1852\n"], "")
            assert ran.lines == ["name? "]


def test_the_end_of_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    with_input(monkeypatch, io.StringIO(""))
    assert run(input).record.exit == "EOFError: EOF when reading a line"


def test_a_terminal_cannot_be_read_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    with_input(monkeypatch, Terminal("x\n"))
    ran = run(input)
    assert ran.execution.end == exits.UNCONTROLLED
    assert ran.execution.detail.startswith("the program reads from the terminal")


def test_signal_handlers_may_be_set_by_the_main_thread() -> None:
    def program() -> Any:
        before = signal.getsignal(signal.SIGTERM)
        previous = signal.signal(signal.SIGTERM, handler)
        found: list[str] = []

        def elsewhere() -> None:
            try:
                signal.signal(signal.SIGTERM, handler)
            except ValueError as error:
                found.append(str(error))

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        return previous == before, signal.getsignal(signal.SIGTERM) is handler, found

    def handler(*_: Any) -> None:
        raise AssertionError

    message = "signal only works in main thread of the main interpreter"
    assert value(program) == (True, True, [message])
    assert signal.getsignal(signal.SIGTERM) is not handler


def test_a_broken_installation_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = snapshot()
    monkeypatch.setattr(Patches, "_take_over", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Patches().__enter__()
    after = snapshot()
    assert {name for name in before if before[name] is not after[name]} <= CHANGING
