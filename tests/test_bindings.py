"""However the name of a lock was bound, and wherever it is kept: it is the same lock.

Two threads count.  In the right twin of each program both hold the lock, in the wrong one the
second does not; so an interleaving that is missing or too many shows.
"""

from __future__ import annotations

import functools
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from exploring import assert_ok, assert_told_apart, explored

import raceproof

GUARDS = {
    "a module by another name": """
        import threading as t
        lock = t.Lock()
        def guard(): return lock
        """,
    "a name from the module": """
        from threading import Lock
        lock = Lock()
        def guard(): return lock
        """,
    "another name for the class": """
        from threading import RLock as Reentrant
        lock = Reentrant()
        def guard(): return lock
        """,
    "a class attribute": """
        from threading import Lock
        class Keeper:
            lock = Lock()
        def guard(): return Keeper.lock
        """,
    "a slot": """
        from threading import RLock
        class Keeper:
            __slots__ = ("own",)
            def __init__(self): self.own = RLock()
        keeper = Keeper()
        def guard(): return keeper.own
        """,
    "a default argument": """
        from threading import Lock
        def guard(lock=Lock()): return lock
        """,
    "a closure": """
        from threading import Lock
        def enclosing():
            lock = Lock()
            return lambda: lock
        guard = enclosing()
        """,
    "a default factory": """
        from dataclasses import dataclass, field
        from threading import Lock
        @dataclass
        class Record:
            lock: Lock = field(default_factory=Lock)
        record = Record()
        def guard(): return record.lock
        """,
    "a partial that has the lock": """
        from functools import partial
        from threading import Lock
        guard = partial(lambda lock: lock, Lock())
        """,
    "a partial that makes the lock": """
        from functools import partial
        from threading import Lock
        make = partial(Lock)
        lock = make()
        def guard(): return lock
        """,
    "a dictionary of classes": """
        import threading
        made = {name: vars(threading)[name]() for name in ("Lock", "RLock")}
        def guard(): return made["Lock"]
        """,
    "a container written in C": """
        from collections import deque
        from threading import Lock
        line = deque([(Lock(),)])
        def guard(): return line[0][0]
        """,
    "a cache": """
        from functools import lru_cache
        from threading import Lock
        @lru_cache
        def guard(): return Lock()
        guard()
        """,
    "_thread": """
        import _thread
        lock = _thread.allocate_lock()
        def guard(): return lock
        """,
    "the private class": """
        import threading
        lock = threading._RLock()
        def guard(): return lock
        """,
    "multiprocessing.dummy": """
        from multiprocessing.dummy import Lock
        lock = Lock()
        def guard(): return lock
        """,
    "methods that were bound": """
        from contextlib import contextmanager
        from threading import Lock
        lock = Lock()
        acquire = lock.acquire
        class Keeper:
            release = lock.release
        @contextmanager
        def guard():
            acquire()
            yield
            Keeper.release()
        """,
    "methods of a semaphore that were bound": """
        from contextlib import contextmanager
        from threading import BoundedSemaphore
        permits = BoundedSemaphore()
        acquire, release = permits.acquire, permits.release
        @contextmanager
        def guard():
            acquire()
            yield
            release()
        """,
    "a condition around it": """
        from threading import Condition, Lock
        lock = Lock()
        conditions = Condition(lock), Condition(lock)
        def guard(): return conditions[0]
        """,
    "a class derived from a condition": """
        from threading import Condition
        class Own(Condition): pass
        own = Own()
        def guard(): return own
        """,
    "a semaphore": """
        from threading import Semaphore
        semaphore = Semaphore()
        def guard(): return semaphore
        """,
}

COUNTING = """
import threading, {module}
guard = {module}.guard
count = 0
def bump():
    global count
    count += 1
def locked():
    with guard(): bump()
threads = [threading.Thread(target=target) for target in (locked, {second})]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(count)
"""


@pytest.mark.parametrize("source", GUARDS.values(), ids=GUARDS)
def test_a_lock_of_the_program(source: str, tmp_path: Path) -> None:
    (tmp_path / "guards.py").write_text(textwrap.dedent(source))
    right = explored(COUNTING.format(module="guards", second="locked"), tmp_path)
    wrong = explored(COUNTING.format(module="guards", second="bump"), tmp_path)
    assert_told_apart(right, wrong, (2, 4))


@pytest.mark.parametrize("source", GUARDS.values(), ids=GUARDS)
def test_a_lock_of_a_library_imported_before(source: str, elsewhere: Path, tmp_path: Path) -> None:
    (elsewhere / "guards_before.py").write_text(textwrap.dedent(source))
    __import__("guards_before")
    project = tmp_path / "project"
    project.mkdir()
    right = explored(COUNTING.format(module="guards_before", second="locked"), project)
    wrong = explored(COUNTING.format(module="guards_before", second="bump"), project)
    assert_told_apart(right, wrong, (2, 4))


LEFT_BEHIND = """
import threading
from left_before import made
lock = threading.Lock()
def work():
    with lock: {take}
threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print({look})
"""


@pytest.mark.parametrize(
    ("make", "take", "look", "printed"),
    [
        ("Semaphore(2)", "made.acquire()", "made._value", "0"),
        ("BoundedSemaphore(3)", "made.acquire()", "made._value", "1"),
        ("Queue(2)", "made.put(1)", "made.qsize(), made.full()", "2 True"),
        ("LifoQueue()", "made.put(1)", "made.get(), made.unfinished_tasks", "1 2"),
        ("PriorityQueue()", "made.put_nowait(1)", "list(made.queue)", "[1, 1]"),
        ("Barrier(1)", "made.wait()", "made.n_waiting, made.broken", "0 False"),
        ("OwnSemaphore(2)", "made.acquire()", "made._value", "0"),
        ("OwnQueue(2)", "made.put(1)", "made.seen", "2"),
    ],
)
def test_each_execution_finds_what_libraries_keep_as_the_first_did(
    make: str, take: str, look: str, printed: str, elsewhere: Path, tmp_path: Path
) -> None:
    (elsewhere / "left_before.py").write_text(
        textwrap.dedent(
            f"""
            from queue import LifoQueue, PriorityQueue, Queue
            from threading import Barrier, BoundedSemaphore, Semaphore
            class OwnSemaphore(Semaphore): pass
            class OwnQueue(Queue):
                def _put(self, item):
                    self.seen = getattr(self, "seen", 0) + 1
                    super()._put(item)
            made = {make}
            """
        )
    )
    before = dict(vars(__import__("left_before").made))
    project = tmp_path / "project"
    project.mkdir()
    result = explored(LEFT_BEHIND.format(take=take, look=look), project)
    assert_ok(result)
    assert [outcome.lines for outcome in result.outcomes] == [[printed]]
    assert before.keys() <= vars(sys.modules["left_before"].made).keys()


def test_a_class_derived_from_a_condition_waits_in_its_own_way(
    elsewhere: Path, tmp_path: Path
) -> None:
    (elsewhere / "waits_before.py").write_text(
        textwrap.dedent(
            """
            from threading import Condition
            class Own(Condition):
                waits = 0
                def wait(self, timeout=None):
                    self.waits += 1
                    return super().wait(timeout)
            own = Own()
            """
        )
    )
    __import__("waits_before")
    project = tmp_path / "project"
    project.mkdir()
    result = explored(
        """
        import threading
        from waits_before import own
        ready = False
        def tell():
            global ready
            with own:
                ready = True
                own.notify_all()
        thread = threading.Thread(target=tell)
        thread.start()
        with own:
            own.waits = 0
            own.wait_for(lambda: ready)
            print(own.waits)
        thread.join()
        """,
        project,
    )
    assert_ok(result)
    assert {tuple(outcome.lines) for outcome in result.outcomes} == {("0",), ("1",)}


# -- functions that are explored where they are --------------------------------------------------

LOCK = threading.Lock()
SEMAPHORE = threading.Semaphore()
CONDITION = threading.Condition()
HIDDEN = {
    "a lock": (LOCK, functools.partial(pow, LOCK)),
    "a semaphore": (SEMAPHORE, functools.partial(pow, SEMAPHORE)),
    "a condition": (CONDITION, functools.partial(pow, CONDITION)),
}
"""Where an object can be replaced, and where it cannot."""
count = 0


def bump() -> None:
    global count
    count += 1


def found(report: raceproof.Report) -> list[str]:
    """The kinds of the findings."""
    return [finding.kind for finding in report.findings]


@pytest.mark.parametrize("name", HIDDEN)
def test_what_is_made_anew_is_still_what_others_have_hidden(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Executions get a lock of their own; where it cannot be put, the old one leads to it."""
    monkeypatch.chdir(tmp_path)

    def count_twice(second: Callable[[], None]) -> int:
        thread = threading.Thread(target=second)
        thread.start()
        with HIDDEN[name][0]:
            bump()
        thread.join()
        return count

    def hidden() -> None:
        with HIDDEN[name][1].args[0]:
            bump()

    right = raceproof.explore(lambda: count_twice(hidden))
    assert (found(right), right.interleavings) == ([], 2)
    wrong = raceproof.explore(lambda: count_twice(bump))
    assert (found(wrong), wrong.interleavings) == (["lost-update"], 4)
