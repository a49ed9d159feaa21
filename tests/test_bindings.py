"""However a name was bound, and however a thread was made: right and wrong programs are told apart.

Two threads count.  In the right twin of each program both hold the same lock, in the wrong one the
second holds none; so an interleaving that is missing or too many shows, whatever the lock or the
threads come from.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from exploring import assert_ok, explored, kinds

from raceproof.judge.findings import Result

# -- where the lock comes from -------------------------------------------------------------------

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


def assert_told_apart(right: Result, wrong: Result, expected: tuple[int, int]) -> None:
    """The right twin is left alone, the wrong one is not; so many interleavings they have."""
    assert_ok(right)
    assert {tuple(outcome.lines) for outcome in right.outcomes} == {("2",)}
    assert kinds(wrong) == ["lost-update"]
    assert wrong.complete
    assert (right.interleavings, wrong.interleavings) == expected


@pytest.mark.parametrize("source", GUARDS.values(), ids=GUARDS)
def test_a_lock_of_the_program(source: str, tmp_path: Path) -> None:
    (tmp_path / "guards.py").write_text(textwrap.dedent(source))
    right = explored(COUNTING.format(module="guards", second="locked"), tmp_path)
    wrong = explored(COUNTING.format(module="guards", second="bump"), tmp_path)
    assert_told_apart(right, wrong, (2, 4))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A directory for libraries that are imported before the search."""
    directory = tmp_path / "elsewhere"
    directory.mkdir()
    sys.path.insert(0, str(directory))
    before = set(sys.modules)
    yield directory
    sys.path.remove(str(directory))
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(directory)):
            del sys.modules[name]


@pytest.mark.parametrize("source", GUARDS.values(), ids=GUARDS)
def test_a_lock_of_a_library_imported_before(source: str, elsewhere: Path, tmp_path: Path) -> None:
    (elsewhere / "guards_before.py").write_text(textwrap.dedent(source))
    __import__("guards_before")
    project = tmp_path / "project"
    project.mkdir()
    right = explored(COUNTING.format(module="guards_before", second="locked"), project)
    wrong = explored(COUNTING.format(module="guards_before", second="bump"), project)
    assert_told_apart(right, wrong, (2, 4))
