"""Finds out whether a test starts a thread, without letting it: the first attempt ends the run.

So a test without threads runs exactly as it would without raceproof, and one with threads runs
none outside of the simulated world.
"""

from __future__ import annotations

import _thread
import threading
from _thread import get_ident
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from _pytest.outcomes import OutcomeException


class ThreadStarts(OutcomeException):
    """A thread was about to be started.

    No `except Exception` in the test stops it, and pytest knows what to do if a fixture raises it.
    """


class Trap:
    """Set for the thread that runs the tests, and for no other."""

    def __init__(self) -> None:
        self.sprung = False
        """A thread would have been started."""

    @contextmanager
    def set(self) -> Iterator[None]:
        """While it is set, starting a thread raises `ThreadStarts`."""
        home = get_ident()
        start, start_new_thread = threading.Thread.start, _thread.start_new_thread

        def spring() -> None:
            if get_ident() == home:
                self.sprung = True
                raise ThreadStarts("raceproof runs this test under its own scheduler")

        def trapped_start(thread: threading.Thread) -> None:
            spring()
            start(thread)

        def trapped_start_new_thread(*args: Any, **kwargs: Any) -> int:
            spring()
            return start_new_thread(*args, **kwargs)

        thread_class: Any = threading.Thread
        module: Any = _thread
        thread_class.start = trapped_start
        module.start_new_thread = module.start_new = trapped_start_new_thread
        try:
            yield
        finally:
            thread_class.start = start
            module.start_new_thread = module.start_new = start_new_thread
