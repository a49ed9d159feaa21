"""CPython's own tests of its primitives, run against the simulated ones inside an execution.

They start threads and sleep until the others are blocked: here both happen on the simulated
machine, where a sleep lasts until nobody else can go on.
"""

from __future__ import annotations

import threading
import types
import unittest
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from raceproof.world.execution import Plan
from raceproof.world.primitives.barrier import Barrier
from raceproof.world.primitives.condition import Condition
from raceproof.world.primitives.event import Event
from raceproof.world.primitives.lock import Lock
from raceproof.world.primitives.rlock import RLock
from raceproof.world.primitives.semaphore import BoundedSemaphore, Semaphore
from raceproof.world.scheduler import machine

# Not every distribution of Python includes its tests.
lock_tests = pytest.importorskip("test.lock_tests")

NOT_SIMULATED = {
    # Passing between the two is one of the orders; this test wants it in an order where the
    # waiter is not let run between them.
    (
        "Event",
        "test_set_and_clear",
    ): "a wait takes place when its thread goes on, not when it is let",
    ("Event", "test_at_fork_reinit"): "there is no condition inside",
}

SUITES: dict[str, tuple[str, dict[str, Any]]] = {
    "Lock": ("LockTests", {"locktype": Lock}),
    "RLock": ("RLockTests", {"locktype": RLock}),
    "Condition as RLock": ("RLockTests", {"locktype": Condition}),
    "Event": ("EventTests", {"eventtype": Event}),
    "Condition": ("ConditionTests", {"condtype": Condition}),
    "Semaphore": ("SemaphoreTests", {"semtype": Semaphore}),
    "BoundedSemaphore": ("BoundedSemaphoreTests", {"semtype": BoundedSemaphore}),
    "Barrier": ("BarrierTests", {"barriertype": Barrier}),
}


def sleep(seconds: float) -> None:
    """Let the others go on until they are blocked."""
    Event().wait(seconds)


def now() -> float:
    return machine.current.clock


def start_new_thread(function: Callable[..., Any], arguments: tuple[Any, ...], *_: Any) -> int:
    return machine.spawn(lambda: function(*arguments), "t", False).tid + 1


def retry(*_: Any, **__: Any) -> Iterator[None]:
    """Stands for `support.sleeping_retry`."""
    for _attempt in range(1_000):
        yield
        sleep(0.01)
    raise AssertionError("it never happened")


@pytest.fixture
def simulated_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Point CPython's tests at the simulated machine."""
    mixed = types.ModuleType("threading")
    mixed.__dict__.update(threading.__dict__)
    mixed.__dict__.update(
        {
            kind.__name__: kind
            for kind in (Lock, RLock, Condition, Event, Semaphore, BoundedSemaphore, Barrier)
        },
        get_ident=lambda: machine.current.tid + 1,
    )
    clock = types.SimpleNamespace(sleep=sleep, monotonic=now, time=now, perf_counter=now)
    support = types.ModuleType("support")
    support.__dict__.update(lock_tests.support.__dict__)
    support.__dict__.update(sleeping_retry=retry, busy_retry=retry)
    for name, replacement in (
        ("threading", mixed),
        ("time", clock),
        ("support", support),
        ("start_new_thread", start_new_thread),
        ("get_ident", mixed.__dict__["get_ident"]),
        ("TIMEOUT_MAX", threading.TIMEOUT_MAX),
    ):
        if hasattr(lock_tests, name):
            monkeypatch.setattr(lock_tests, name, replacement)
    # What carries the virtual threads may be threads of the system: none of the tests' business.
    counter = types.SimpleNamespace(_count=lambda: 0)
    monkeypatch.setattr(lock_tests.threading_helper, "_thread", counter)


def cases() -> Iterator[Any]:
    for title, (name, types_under_test) in SUITES.items():
        base = getattr(lock_tests, name)
        attributes = {key: staticmethod(value) for key, value in types_under_test.items()}
        suite = type(name, (base,), {**attributes, "failureException": AssertionError})
        for method in unittest.defaultTestLoader.getTestCaseNames(suite):
            if title == "Condition as RLock" and method == "test_recursion_count":
                continue  # nor does the real one have it
            reason = NOT_SIMULATED.get((title, method))
            marks = [pytest.mark.skip(reason=reason)] if reason else []
            yield pytest.param(suite, method, id=f"{title}-{method}", marks=marks)


@pytest.mark.usefixtures("simulated_threads")
@pytest.mark.parametrize(("suite", "method"), list(cases()))
def test_as_in_cpython(suite: type[unittest.TestCase], method: str) -> None:
    machine.forget()
    outcome = unittest.TestResult()
    execution = machine.execute(lambda: suite(method).run(outcome), Plan())
    failures = [text for _, text in outcome.failures + outcome.errors]
    assert not failures, failures[0]
    assert execution.end == "finished", (execution.end, execution.blocked)
    if outcome.skipped:
        pytest.skip(outcome.skipped[0][1])
    assert outcome.testsRun == 1
