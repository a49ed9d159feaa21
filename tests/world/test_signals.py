"""Signals that a program sends to itself."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from world.simulation import run, value

from raceproof.world import exits
from raceproof.world.signals import FUNCTIONS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")

SENDERS: dict[str, Callable[[int], None]] = {
    "os.kill": lambda number: os.kill(os.getpid(), number),
    "signal.raise_signal": lambda number: signal.raise_signal(number),
    "signal.pthread_kill": lambda number: signal.pthread_kill(threading.get_ident(), number),
    "_thread.interrupt_main": lambda number: _thread.interrupt_main(number),
}


@pytest.mark.parametrize("sender", SENDERS)
def test_main_sends_itself_a_signal_that_it_handles(sender: str) -> None:
    def program() -> Any:
        got: list[Any] = []
        previous = signal.signal(
            signal.SIGUSR1, lambda number, frame: got.append((number, frame.f_code.co_name))
        )
        SENDERS[sender](signal.SIGUSR1)
        return got, previous

    assert value(program) == ([(signal.SIGUSR1, "<lambda>")], signal.SIG_DFL)


@pytest.mark.parametrize("sender", SENDERS)
def test_an_interrupt_is_an_exception_in_main(sender: str) -> None:
    def program() -> str:
        try:
            SENDERS[sender](signal.SIGINT)
        except KeyboardInterrupt:
            return "caught"
        return "nothing"

    assert value(program) == "caught"
    assert run(lambda: SENDERS[sender](signal.SIGINT)).record.exit == "KeyboardInterrupt"


@pytest.mark.parametrize("sender", SENDERS)
def test_a_signal_that_is_ignored(sender: str) -> None:
    def program() -> str:
        for number in (signal.SIGCHLD, signal.SIGPIPE):
            SENDERS[sender](number)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        thread = threading.Thread(target=SENDERS[sender], args=(signal.SIGTERM,))
        thread.start()
        thread.join()
        return "alive"

    assert value(program) == "alive"


def detail(program: Callable[[], Any]) -> str:
    """Why `program` cannot be controlled."""
    ran = run(program)
    assert ran.execution.end == exits.UNCONTROLLED
    return ran.execution.detail


@pytest.mark.parametrize("sender", SENDERS)
def test_a_thread_cannot_interrupt_main(sender: str) -> None:
    def program() -> None:
        signal.signal(signal.SIGUSR1, lambda *_: None)
        thread = threading.Thread(target=SENDERS[sender], args=(signal.SIGUSR1,))
        thread.start()
        thread.join()

    assert detail(program).startswith(f"{sender}() in a thread sends SIGUSR1")


def test_a_signal_that_would_end_the_process() -> None:
    assert detail(lambda: os.kill(os.getpid(), signal.SIGTERM)).startswith(
        "os.kill() ends the process by SIGTERM"
    )
    assert "SIGKILL" in detail(lambda: signal.raise_signal(signal.SIGKILL))
    assert detail(lambda: os.abort()).startswith("os.abort() ends the process")


def test_other_processes_are_left_in_peace() -> None:
    assert "another process" in detail(lambda: os.kill(os.getppid(), signal.SIGTERM))
    assert "other processes" in detail(lambda: os.killpg(os.getpgrp(), signal.SIGTERM))
    assert run(lambda: os.kill(os.getppid(), 0)).record.exit == "ok"


def test_signals_that_come_by_themselves() -> None:
    def guarded() -> Any:
        return signal.alarm(0), signal.setitimer(signal.ITIMER_REAL, 0)

    assert value(guarded) == (0, (0.0, 0.0))
    assert detail(lambda: signal.alarm(1)).startswith("signal.alarm()")
    assert detail(lambda: signal.setitimer(signal.ITIMER_REAL, 1)).startswith("signal.setitimer()")
    assert detail(lambda: signal.pause()).startswith("signal.pause() waits for a signal")
    assert detail(lambda: signal.sigwait([signal.SIGUSR1])).startswith("signal.sigwait()")


def test_what_is_set_ends_with_the_execution() -> None:
    def program() -> Any:
        before = signal.getsignal(signal.SIGUSR1), signal.pthread_sigmask(signal.SIG_BLOCK, [])
        signal.signal(signal.SIGUSR1, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        signal.siginterrupt(signal.SIGUSR1, False)
        return before, signal.set_wakeup_fd(0), signal.set_wakeup_fd(-1)

    really = signal.getsignal(signal.SIGUSR1), signal.pthread_sigmask(signal.SIG_BLOCK, [])
    for _ in range(2):
        assert value(program) == ((signal.SIG_DFL, set()), -1, 0)
    assert really == (
        signal.getsignal(signal.SIGUSR1),
        signal.pthread_sigmask(signal.SIG_BLOCK, []),
    )


def test_a_blocked_signal_is_not_simulated() -> None:
    def program() -> None:
        signal.signal(signal.SIGUSR1, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        signal.raise_signal(signal.SIGUSR1)

    assert "blocked" in detail(program)


def test_misuse() -> None:
    def program() -> None:
        with pytest.raises(OSError, match="Invalid argument"):
            os.kill(os.getpid(), 1000)
        with pytest.raises(OSError, match="Invalid argument"):
            signal.signal(signal.SIGKILL, signal.SIG_IGN)
        with pytest.raises(TypeError):
            signal.signal(signal.SIGTERM, "no handler")  # type: ignore[arg-type]

    value(program)


def test_nothing_can_hide_what_is_out_of_control() -> None:
    def program() -> None:
        def work() -> None:
            try:
                signal.pause()
            except BaseException:
                print("caught")
            finally:
                time.sleep(1)
                os.abort()

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        print("on")

    ran = run(program)
    assert (ran.execution.end, ran.lines) == (exits.UNCONTROLLED, [])
    assert "signal.pause()" in ran.execution.detail


def test_raceproof_itself_is_not_simulated() -> None:
    """Its watchdog is another thread, which interrupts the main thread with a real signal."""

    def program() -> str:
        real_start(watch, ())
        try:
            while True:
                pass
        except InterruptedError:
            return "interrupted"

    def interrupt(*_: Any) -> None:
        raise InterruptedError

    def watch() -> None:
        signal.pthread_kill(main, signal.SIGUSR1)

    real_start, main = _thread.start_new_thread, threading.get_ident()
    previous = signal.signal(signal.SIGUSR1, interrupt)
    try:
        assert value(program) == "interrupted"
    finally:
        signal.signal(signal.SIGUSR1, previous)


def test_all_functions_are_there() -> None:
    missing = [
        f"{module.__name__}.{name}"
        for module, names in FUNCTIONS.items()
        for name in names
        if not hasattr(module, name)
    ]
    assert set(missing) <= {"signal.sigwaitinfo", "signal.sigtimedwait"}
