"""Primitives of libraries that were imported before the exploration: wherever they are kept."""

from __future__ import annotations

import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from exploring import assert_ok, explored, kinds

from raceproof.judge.findings import Result

LIBRARY = """
    import functools, itertools, queue, threading, weakref
    from collections import deque
    from dataclasses import dataclass, field
    from threading import Barrier, Condition, Event, Lock, RLock, Semaphore, Thread

    LOCK, REENTRANT, INNER = Lock(), RLock(), Lock()
    CONDITION, SHARING = Condition(), Condition(INNER)
    EVENT, SET, SEMAPHORE, BARRIER = Event(), Event(), Semaphore(1), Barrier(2)
    QUEUE, FILLED, ITEMS = queue.Queue(1), queue.SimpleQueue(), queue.SimpleQueue()
    PER_THREAD = threading.local()
    PER_THREAD.name = "main"
    SET.set()
    FILLED.put("first")
    HELD = Lock()
    HELD.acquire()

    class Keeper:
        lock = Lock()
        __slots__ = ("own",)
        def __init__(self): self.own = RLock()

    KEEPER = Keeper()
    NESTED = {"a": [Lock(), {"b": (RLock(),)}]}
    LINE = deque([Lock()])
    CYCLE = itertools.cycle([RLock()])
    BOUND = functools.partial(lambda lock: lock, Lock())
    MAKE = functools.partial(Lock)
    MAKERS = {"lock": Lock, "rlock": RLock, "thread": Thread}

    @functools.lru_cache
    def remembered(): return Lock()
    remembered()

    def guarded(call, lock=RLock()):
        with lock:
            return call()

    def enclosing():
        lock = RLock()
        def run(call):
            with lock:
                return call()
        return run
    RUN = enclosing()

    @dataclass
    class Record:
        lock: Lock = field(default_factory=Lock)

    class Derived(Event):
        pass

    def atomic(key, seen={}):
        with LOCK:
            seen[key] = seen.get(key, 0) + 1
"""


@pytest.fixture
def _library(tmp_path: Path) -> Iterator[None]:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "some_library.py").write_text(textwrap.dedent(LIBRARY))
    sys.path.insert(0, str(elsewhere))
    __import__("some_library")
    yield
    sys.path.remove(str(elsewhere))
    del sys.modules["some_library"]


def explored_beside(source: str, directory: Path) -> Result:
    """Explore a program that is not in the directory of the library."""
    (directory / "project").mkdir(exist_ok=True)
    return explored(source, directory / "project")


def counting(set_up: str, guarded: str) -> str:
    """A program in which two threads count, guarded by something of the library."""
    return f"""
import threading, some_library
count = 0
def bump():
    global count
    count += 1
{set_up}
def work():
    {guarded}
threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert count == 2
"""


@pytest.mark.usefixtures("_library")
@pytest.mark.parametrize(
    "guarded",
    [
        "with some_library.LOCK: bump()",
        "with some_library.REENTRANT, some_library.REENTRANT: bump()",
        "with some_library.Keeper.lock: bump()",
        "with some_library.KEEPER.own: bump()",
        "with some_library.NESTED['a'][0]: bump()",
        "with some_library.NESTED['a'][1]['b'][0]: bump()",
        "with some_library.LINE[0]: bump()",
        "with next(some_library.CYCLE): bump()",
        "with some_library.BOUND(): bump()",
        "with some_library.remembered(): bump()",
        "some_library.guarded(bump)",
        "some_library.RUN(bump)",
        "with some_library.CONDITION: bump()",
        "some_library.CONDITION.acquire(); bump(); some_library.CONDITION.release()",
        "with some_library.SHARING: bump()",
        "with some_library.SEMAPHORE: bump()",
        "some_library.INNER.acquire(timeout=9); bump(); some_library.INNER.release()",
        "with some_library.QUEUE.mutex: bump()",
    ],
)
def test_a_lock_of_a_library_excludes_wherever_it_is_kept(guarded: str, tmp_path: Path) -> None:
    assert_ok(explored_beside(counting("", guarded), tmp_path))


@pytest.mark.usefixtures("_library")
@pytest.mark.parametrize(
    "made",
    ["MAKE()", "MAKERS['lock']()", "MAKERS['rlock']()", "Record().lock"],
)
def test_a_lock_that_a_library_makes_excludes(made: str, tmp_path: Path) -> None:
    program = counting(f"lock = some_library.{made}", "with lock: bump()")
    assert_ok(explored_beside(program, tmp_path))


@pytest.mark.usefixtures("_library")
def test_a_lock_of_a_library_that_only_some_take(tmp_path: Path) -> None:
    result = explored_beside(
        """
        import threading, some_library
        count = 0
        def bump():
            global count
            count += 1
        threads = [
            threading.Thread(target=some_library.guarded, args=(bump,)),
            threading.Thread(target=bump),
        ]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """,
        tmp_path,
    )
    assert kinds(result) == ["lost-update"]


@pytest.mark.usefixtures("_library")
def test_locks_of_a_library_in_two_orders(tmp_path: Path) -> None:
    result = explored_beside(
        """
        import threading, some_library
        def one():
            with some_library.LOCK, some_library.REENTRANT: pass
        def other():
            with some_library.REENTRANT, some_library.LOCK: pass
        threads = [threading.Thread(target=one), threading.Thread(target=other)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """,
        tmp_path,
    )
    assert kinds(result) == ["deadlock"]
    assert result.complete


@pytest.mark.usefixtures("_library")
def test_what_a_library_does_under_its_lock_alone_is_one_step(tmp_path: Path) -> None:
    result = explored_beside(
        """
        import threading, some_library
        threads = [threading.Thread(target=some_library.atomic, args=("a",)) for _ in range(3)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """,
        tmp_path,
    )
    assert_ok(result)
    assert result.interleavings == 1


@pytest.mark.usefixtures("_library")
def test_events_queues_and_barriers_of_a_library(tmp_path: Path) -> None:
    result = explored_beside(
        """
        import threading, some_library as library
        data = []
        derived = library.Derived()
        def work():
            assert library.FILLED.get() == "first"
            library.EVENT.wait()
            assert data == [1]
            library.ITEMS.put(2)
            derived.set()
            library.BARRIER.wait()
        thread = library.MAKERS["thread"](target=work)
        thread.start()
        assert library.SET.is_set() and not library.EVENT.is_set()
        data.append(1)
        library.EVENT.set()
        assert library.ITEMS.get() == 2
        derived.wait()
        library.BARRIER.wait()
        thread.join()
        """,
        tmp_path,
    )
    assert_ok(result)


@pytest.mark.usefixtures("_library")
def test_a_wait_on_a_condition_of_a_library_without_a_predicate(tmp_path: Path) -> None:
    result = explored_beside(
        """
        import threading, some_library
        def work():
            with some_library.CONDITION:
                some_library.CONDITION.wait()
        thread = threading.Thread(target=work)
        thread.start()
        with some_library.CONDITION:
            some_library.CONDITION.notify()
        thread.join()
        """,
        tmp_path,
    )
    assert kinds(result) == ["lost-wakeup"]


@pytest.mark.usefixtures("_library")
def test_each_execution_finds_the_locks_as_the_first_did(tmp_path: Path) -> None:
    result = explored_beside(
        """
        import threading, some_library
        assert some_library.HELD.locked()
        some_library.HELD.release()
        seen = []
        def work(name):
            with some_library.HELD:
                seen.append(name)
        threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        some_library.LOCK.acquire()
        print(*seen)
        """,
        tmp_path,
    )
    assert_ok(result)
    assert {tuple(outcome.lines) for outcome in result.outcomes} == {("a b",), ("b a",)}
    library = sys.modules["some_library"]
    assert library.HELD.locked()
    assert not library.LOCK.locked()


@pytest.mark.usefixtures("_library")
def test_thread_locals_of_a_library(tmp_path: Path) -> None:
    result = explored_beside(
        """
        import threading, some_library
        def work(name):
            assert not hasattr(some_library.PER_THREAD, "name")
            some_library.PER_THREAD.name = name
            seen.append(name)
            assert some_library.PER_THREAD.name == name
        seen = []
        threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert some_library.PER_THREAD.name == "main"
        some_library.PER_THREAD.name = "changed"
        """,
        tmp_path,
    )
    assert_ok(result)
    assert sys.modules["some_library"].PER_THREAD.name == "main"


@pytest.mark.usefixtures("_library")
def test_afterwards_the_real_ones_are_what_they_were(tmp_path: Path) -> None:
    kinds_of_lock = [type(threading.Lock()), type(threading.RLock())]
    before = [dict(vars(kind)) for kind in (*kinds_of_lock, threading.Condition, threading.Event)]
    assert_ok(explored_beside(counting("", "with some_library.CONDITION: bump()"), tmp_path))
    after = [dict(vars(kind)) for kind in (*kinds_of_lock, threading.Condition, threading.Event)]
    assert before == after
    condition = sys.modules["some_library"].CONDITION
    with condition:
        assert condition._is_owned()
    assert not condition._is_owned()
