"""CPython's own tests, loaded and run in the simulated world as a program under test would be.

The modules of the suites are imported in an execution, so that what they bind when they are
imported is what a script under `raceproof run` would bind; each case is an execution of its own.
"""

from __future__ import annotations

import gc
import importlib
import logging
import signal
import sys
import types
import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from raceproof.world.execution import Execution, Plan
from raceproof.world.patches import Patches
from raceproof.world.scheduler import machine
from raceproof.world.surroundings import Surroundings, Tracing

SUITES = (
    "test.test_threading",  # with the cases of test.lock_tests
    "test.test_thread",
    "test.test_threading_local",
    "test.test_queue",
    "test.test_concurrent_futures",  # up to 3.12.0; then a package
    "test.test_concurrent_futures.test_as_completed",
    "test.test_concurrent_futures.test_future",
    "test.test_concurrent_futures.test_init",
    "test.test_concurrent_futures.test_shutdown",
    "test.test_concurrent_futures.test_thread_pool",
    "test.test_concurrent_futures.test_wait",
)
"""What there is to run, as far as the version (and the distribution) has it."""
IN_PARTS = ("test.lock_tests", "test.test_concurrent_futures")
"""Modules, and what lies in them, that the suites are made of."""
OF_THREADS = ("ThreadPool", "Future")
"""How the classes begin that do not test other executors than that of threads."""


def names_of(suite: str) -> list[str]:
    """The cases of a suite, as "Class.method"; none if there is no such suite."""
    try:
        module = importlib.import_module(suite)
    except ImportError:
        return []  # not every distribution has all of CPython's tests
    return list(cases_of(module))


def cases_of(module: types.ModuleType) -> dict[str, unittest.TestCase]:
    """The cases of a module, by name; doctests are called after what they are about."""
    found: dict[str, unittest.TestCase] = {}
    if hasattr(module, "__path__"):
        return found  # its parts are suites of their own
    of_executors = module.__name__.startswith("test.test_concurrent_futures")
    for case in _flat(unittest.defaultTestLoader.loadTestsFromModule(module)):
        name = case.id().removeprefix(module.__name__ + ".")
        if of_executors and not name.startswith(OF_THREADS):
            continue
        while name in found:
            name += " again"
        found[name] = case
    return found


def _flat(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from _flat(item)
        else:
            yield item


@dataclass
class Ran:
    """What became of a case."""

    passed: bool
    skipped: str
    """Why CPython itself skips it."""
    text: str
    """What went wrong."""


class World:
    """A suite in the simulated world; a context manager."""

    def __init__(self, suite: str) -> None:
        self._suite = suite
        self._patches = Patches()
        self._displaced: dict[str, types.ModuleType] = {}

    def __enter__(self) -> World:
        self._displaced = self._take_away()
        # Those of pytest: what is logged is to be seen by the cases alone.
        logging.root.handlers.clear()
        self._patches.__enter__()
        try:
            machine.forget()
            execution = self._execute(self._load)
            assert execution.end == "finished", execution.detail
            self._patches.quieten()
            self._surroundings = Surroundings()
            # As for any program, and for the same reasons.
            gc.collect()
            gc.freeze()
            gc.disable()
        except BaseException:
            self._patches.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        gc.enable()
        gc.unfreeze()
        self._surroundings.restore()
        self._surroundings.close()
        self._patches.__exit__()
        self._take_away()
        for name, module in self._displaced.items():
            _put(name, module)

    def _take_away(self) -> dict[str, types.ModuleType]:
        """Let the modules of the suite be imported anew."""
        found = {}
        for name, module in list(sys.modules.items()):
            if any(
                name == part or name.startswith(part + ".") for part in (self._suite, *IN_PARTS)
            ):
                found[name] = module
                del sys.modules[name]
                parent, _, child = name.rpartition(".")
                vars(sys.modules.get(parent, module)).pop(child, None)
        return found

    def _load(self) -> None:
        self._cases = cases_of(importlib.import_module(self._suite))

    def _execute(self, program: Any) -> Execution:
        tracing = Tracing()
        self._record = self._patches.begin_execution()
        try:
            return machine.execute(lambda: self._patches.run_main(program), Plan())
        finally:
            self._patches.end_execution()
            tracing.restore()

    def run(self, name: str, patience: float) -> Ran:
        """Run a case in an execution of its own, for at most so many seconds of real time."""
        case = self._cases[name]
        result = unittest.TestResult()
        machine.forget()
        machine.max_seconds = patience
        with limit(patience):
            # A suite of one: it also does what is to be done once for the module.
            execution = self._execute(lambda: unittest.TestSuite([case]).run(result))
        self._surroundings.restore()
        wrong = [text for _, text in result.failures + result.errors]
        wrong += ["unexpected success"] * len(result.unexpectedSuccesses)
        if execution.end != "finished":
            waiting = {blocked.operation.kind for blocked in execution.blocked}
            wrong.append(f"the execution ended as {execution.end!r}: {execution.detail} {waiting}")
        if result.testsRun + len(result.skipped) == 0:
            wrong.append("it did not run")
        skipped = "" if wrong or not result.skipped else result.skipped[0][1]
        return Ran(not wrong, skipped, "\n".join([*wrong, *self._record.lines()]))


def _put(name: str, module: types.ModuleType) -> None:
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent in sys.modules:
        setattr(sys.modules[parent], child, module)


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    """End the execution under way if it does not come back, and tell it again if need be."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def give_up(*_: object) -> None:
        if machine.active:
            machine.break_off("hang", f"it has not come back for {seconds:g} s")

    previous = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
