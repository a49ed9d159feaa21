"""Never hang: Ctrl-C ends a search in good order, and a watchdog ends what never comes back.

The watchdog is a real thread outside of the simulated world.  It looks whether the scheduler has
got anywhere since the last time; a program that blocks in C, or loops where nothing is watched,
is interrupted, and the place is named.
"""

from __future__ import annotations

import signal
import sys
from _thread import allocate_lock, get_ident, start_new_thread
from types import FrameType, TracebackType
from typing import Any

from raceproof.world.fibers import ExecutionAbandoned
from raceproof.world.scheduler import Scheduler

PATIENCE = 5.0
"""Seconds without any progress after which an execution counts as hanging."""


class Interruption:
    """A context manager; true once the user has pressed Ctrl-C."""

    def __init__(self, machine: Scheduler, patience: float = PATIENCE) -> None:
        self._machine = machine
        self._patience = patience
        self._requested = False
        self._hanging = ""
        self._previous: Any = None
        # Not `threading.Event`: while a program is explored, its insides are simulated.
        self._running = allocate_lock()
        self._main = get_ident()

    def __bool__(self) -> bool:
        return self._requested

    def __enter__(self) -> Interruption:
        try:
            self._previous = signal.signal(signal.SIGINT, self._on_signal)
        except ValueError:
            pass  # not in the main thread of the process: no signals, so no watchdog either
        else:
            self._running.acquire()
            start_new_thread(self._watch, ())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._running.locked():
            self._running.release()
            signal.signal(signal.SIGINT, self._previous)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        machine = self._machine
        if self._hanging:
            detail, self._hanging = self._hanging, ""
            machine.end = machine.end or "hang"
            machine.detail = machine.detail or detail
            raise ExecutionAbandoned
        if self._requested:
            raise KeyboardInterrupt
        self._requested = True
        machine.interrupt()

    def _watch(self) -> None:
        machine = self._machine
        last: tuple[int, int, int] | None = None
        while not self._running.acquire(timeout=self._patience):
            now = (machine.epoch, machine.step, machine.spins)
            if machine.active and now == last:
                self._hanging = (
                    f"{machine.current.name} has not come back for {self._patience:g} s from "
                    f"{self._where()}: it blocks, or works, where raceproof has no control"
                )
                signal.pthread_kill(self._main, signal.SIGINT)
            last = now
        self._running.release()

    def _where(self) -> str:
        """The innermost line of the program that the main thread is executing."""
        frame = sys._current_frames().get(self._main)
        inner = ""
        while frame is not None:
            file = frame.f_code.co_filename
            if "raceproof" not in file and not file.startswith("<frozen"):
                place = f"{file}:{frame.f_lineno} ({frame.f_code.co_qualname})"
                inner = inner or place
                if file in self._machine.watched_files:
                    return place
            frame = frame.f_back
        return inner or "an unknown place"
