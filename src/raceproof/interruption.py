"""Never hang: Ctrl-C ends a search in good order, and a watchdog ends what never comes back.

The watchdog is a real thread outside of the simulated world.  It looks whether the scheduler has
got anywhere since the last time; a program that blocks in C, or loops where nothing is watched,
is interrupted, and the place is named.
"""

from __future__ import annotations

import faulthandler
import io
import signal
import sys
from _thread import allocate_lock, get_ident, start_new_thread
from collections.abc import Callable
from os import write  # by name: in an execution, they stand for something else
from types import FrameType, TracebackType
from typing import Any

from raceproof import supervision
from raceproof.world.descriptors import present
from raceproof.world.exits import leave_process
from raceproof.world.scheduler import Scheduler

OUT_OF_REACH = 30.0
"""Seconds after which the process ends if the interpreter itself is out of reach."""
PATIENCE = 5.0
"""Seconds without any progress after which an execution counts as hanging."""

Progress = tuple[int, int, int, int]


def progress(machine: Scheduler) -> Progress:
    """How far the execution has come; a program that imports one module after the other goes on."""
    return machine.epoch, machine.step, machine.spins, len(sys.modules)


class Interruption:
    """A context manager; true once the user has pressed Ctrl-C."""

    def __init__(
        self,
        machine: Scheduler,
        last_resort: Callable[[str], None],
        patience: float | None = PATIENCE,
    ) -> None:
        """`last_resort` is called, from another thread, when nothing else helps: it must report
        what is known and end the process.

        `patience` is in seconds; None is for ever, as for a person at a debugger.
        """
        self._machine = machine
        self._last_resort = last_resort
        self._detail = ""
        self._patience = patience
        self._requested = False
        self._hanging: Progress | None = None
        """Where the execution stands that does not get on, while it is being told so."""
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
            if self._patience is not None:
                start_new_thread(self._watch, (self._patience,))
                _arm()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._running.locked():
            self._running.release()
            faulthandler.cancel_dump_traceback_later()
            signal.signal(signal.SIGINT, self._previous)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        machine = self._machine
        if self._hanging is not None:
            hanging, self._hanging = self._hanging, None
            if machine.active and self._progress() == hanging:
                machine.break_off("hang", self._detail)
            return
        if self._requested:
            write(present(2), b"\nraceproof: interrupted\n")
            leave_process(130)
        self._requested = True
        machine.interrupt()

    def _progress(self) -> Progress:
        machine = self._machine
        return progress(machine)

    def _watch(self, patience: float) -> None:
        machine = self._machine
        last: Progress | None = None
        warned: Progress | None = None
        while not self._running.acquire(timeout=patience):
            # If even this thread does not get to run (C code that keeps the GIL), what is left is
            # a timer that needs no interpreter; its only word is a traceback.
            _arm()
            now = self._progress()
            if not machine.active or machine.preparing:
                last = warned = None
                continue
            if now == warned:
                # It did not even come back to be told.
                machine.leave_the_world()
                self._last_resort(self._detail)
            if now == last:
                self._detail = (
                    f"{machine.current.name} has not come back for {patience:g} s from "
                    f"{machine.where(sys._current_frames().get(machine.ident))}: it blocks, or "
                    "works, where raceproof has no control"
                )
                self._hanging = warned = now
                signal.pthread_kill(self._main, signal.SIGINT)
            last = now
        self._running.release()


def _arm() -> None:
    try:
        faulthandler.dump_traceback_later(OUT_OF_REACH, exit=True, file=supervision.fault_file)
    except (AttributeError, ValueError, io.UnsupportedOperation):
        pass  # no standard error that could take it
