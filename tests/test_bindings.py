"""However a name was bound, and however a thread was made: right and wrong programs are told apart.

Two threads count.  In the right twin of each program both hold the same lock, in the wrong one the
second holds none; so an interleaving that is missing or too many shows, whatever the lock or the
threads come from.
"""

from __future__ import annotations

import asyncio
import functools
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from exploring import assert_ok, explored, kinds

import raceproof
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


# -- where the threads come from -----------------------------------------------------------------

MADE = {
    "a module by another name": """
        import threading as t
        def run(first, second):
            threads = [t.Thread(target=target) for target in (first, second)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
        """,
    "a partial that makes threads": """
        from functools import partial
        from threading import Thread
        make = partial(Thread, daemon=True)
        def run(first, second):
            threads = [make(target=target) for target in (first, second)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
        """,
    "a partial as target": """
        from functools import partial
        from threading import Thread
        def call(target, /, *, times):
            for _ in range(times): target()
        def run(first, second):
            threads = [Thread(target=partial(call, each, times=1)) for each in (first, second)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
        """,
    "a class with a method run": """
        from threading import Thread
        class Worker(Thread):
            def __init__(self, work):
                super().__init__(name="worker")
                self.work = work
            def run(self): self.work()
        def run(first, second):
            workers = [Worker(first), Worker(second)]
            for worker in workers: worker.start()
            for worker in workers: worker.join()
        """,
    "a timer": """
        from threading import Timer
        def run(first, second):
            timer = Timer(5, first)
            timer.start()
            second()
            timer.join()
        """,
    "a timer that is cancelled": """
        from threading import Thread, Timer
        def run(first, second):
            timer = Timer(5, int)
            timer.start()
            timer.cancel()
            timer.join()
            thread = Thread(target=first)
            thread.start()
            second()
            thread.join()
        """,
    "threads started by threads": """
        from threading import Thread
        def run(first, second):
            def parent():
                child = Thread(target=first)
                child.start()
                second()
                child.join()
            thread = Thread(target=parent)
            thread.start()
            thread.join()
        """,
    "a thread that nobody joins": """
        from threading import Thread
        def run(first, second):
            Thread(target=first).start()
            second()
        """,
    "_thread": """
        import _thread
        def run(first, second):
            over = _thread.allocate_lock()
            over.acquire()
            def work():
                first()
                over.release()
            _thread.start_new_thread(work, ())
            second()
            over.acquire()
        """,
    "an executor": """
        from concurrent.futures import ThreadPoolExecutor
        def run(first, second):
            with ThreadPoolExecutor(2) as executor:
                executor.submit(first)
                executor.submit(second)
        """,
    "an executor's initializer": """
        from concurrent.futures import ThreadPoolExecutor
        def run(first, second):
            with ThreadPoolExecutor(1, initializer=first) as executor:
                executor.submit(int)
                second()
        """,
    "nested executors": """
        from concurrent.futures import ThreadPoolExecutor
        def run(first, second):
            def outer(target):
                with ThreadPoolExecutor(1) as inner:
                    inner.submit(target).result()
            with ThreadPoolExecutor(2) as executor:
                list(executor.map(outer, (first, second)))
        """,
    "multiprocessing.dummy": """
        from multiprocessing.dummy import Process
        def run(first, second):
            processes = [Process(target=target) for target in (first, second)]
            for process in processes: process.start()
            for process in processes: process.join()
        """,
    "a pool of multiprocessing.dummy": """
        from multiprocessing.dummy import Pool
        def run(first, second):
            with Pool(2) as pool:
                pool.map(lambda target: target(), (first, second))
        """,
    "multiprocessing.pool.ThreadPool": """
        from multiprocessing.pool import ThreadPool
        def run(first, second):
            with ThreadPool(2) as pool:
                results = [pool.apply_async(target) for target in (first, second)]
                for result in results: result.get()
        """,
    "sched": """
        import sched, threading
        def run(first, second):
            scheduler = sched.scheduler()
            scheduler.enter(1, 1, first)
            thread = threading.Thread(target=scheduler.run)
            thread.start()
            second()
            thread.join()
        """,
    "asyncio.to_thread": """
        import asyncio
        def run(first, second):
            async def main():
                await asyncio.gather(asyncio.to_thread(first), asyncio.to_thread(second))
            asyncio.run(main())
        """,
    "run_in_executor": """
        import asyncio
        def run(first, second):
            async def main():
                loop = asyncio.get_running_loop()
                other = loop.run_in_executor(None, first)
                second()
                await other
            asyncio.run(main())
        """,
    "run_in_executor, with an executor of its own": """
        import asyncio
        from concurrent.futures import ThreadPoolExecutor
        def run(first, second):
            async def main():
                loop = asyncio.get_running_loop()
                with ThreadPoolExecutor() as executor:
                    calls = [loop.run_in_executor(executor, target) for target in (first, second)]
                    await asyncio.gather(*calls)
            asyncio.run(main())
        """,
    "an event loop in each thread": """
        import asyncio, threading
        def run(first, second):
            async def call(target):
                await asyncio.sleep(0)
                target()
            def work(target): asyncio.run(call(target))
            threads = [threading.Thread(target=work, args=(each,)) for each in (first, second)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
        """,
    "threads that die of an exception": """
        import threading
        from threading import Thread
        def run(first, second):
            threading.excepthook = lambda args: None
            def work(target):
                target()
                raise ValueError("as always")
            threads = [Thread(target=work, args=(target,)) for target in (first, second)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
        """,
    "threads that exit": """
        from threading import Thread
        def run(first, second):
            def work(target):
                target()
                raise SystemExit
            threads = [Thread(target=work, args=(target,)) for target in (first, second)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
        """,
    "threading.settrace": """
        import threading
        seen = []
        def trace(frame, event, arg):
            seen.append(event)
            return trace
        def run(first, second):
            threading.settrace(trace)
            threads = [threading.Thread(target=target) for target in (first, second)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
            threading.settrace(None)
            assert seen
        """,
}

COUNTS = {
    # Whether it fires before it is cancelled.
    "a timer that is cancelled": (6, 12),
    # Which of the two the loop hears of first.
    "asyncio.to_thread": (4, 8),
    "run_in_executor, with an executor of its own": (4, 8),
}
"""How many interleavings the twins have, if not 2 and 4."""
RUNNING = """
import atexit, threading, {module}
lock = threading.Lock()
count = 0
def bump():
    global count
    count += 1
def locked():
    with lock: bump()
atexit.register(lambda: print(count))
{module}.run(locked, {second})
"""


@pytest.mark.parametrize("name", MADE)
def test_threads_of_the_program(name: str, tmp_path: Path) -> None:
    (tmp_path / "makers.py").write_text(textwrap.dedent(MADE[name]))
    right = explored(RUNNING.format(module="makers", second="locked"), tmp_path)
    wrong = explored(RUNNING.format(module="makers", second="bump"), tmp_path)
    assert_told_apart(right, wrong, COUNTS.get(name, (2, 4)))


@pytest.mark.parametrize("name", MADE)
def test_threads_of_a_library_imported_before(name: str, elsewhere: Path, tmp_path: Path) -> None:
    (elsewhere / "makers_before.py").write_text(textwrap.dedent(MADE[name]))
    __import__("makers_before")
    project = tmp_path / "project"
    project.mkdir()
    right = explored(RUNNING.format(module="makers_before", second="locked"), project)
    wrong = explored(RUNNING.format(module="makers_before", second="bump"), project)
    assert_told_apart(right, wrong, COUNTS.get(name, (2, 4)))


def test_a_daemon_at_the_end_of_the_main_thread(tmp_path: Path) -> None:
    makers = "import threading\ndef run(first, second):\n"
    makers += "    threading.Thread(target=first, daemon=True).start()\n    second()\n"
    (tmp_path / "makers.py").write_text(makers)
    right = explored(RUNNING.format(module="makers", second="locked"), tmp_path)
    assert_ok(right)
    assert {tuple(outcome.lines) for outcome in right.outcomes} == {("1",), ("2",)}
    wrong = explored(RUNNING.format(module="makers", second="bump"), tmp_path)
    assert kinds(wrong) == ["lost-update"]
    assert max(right.interleavings, wrong.interleavings) < 20


def test_an_exception_that_some_orders_bring_about(tmp_path: Path) -> None:
    program = """
        import threading
        lock, data = threading.Lock(), []
        def take():
            with lock: {take}
        def give():
            with lock: data.append(1)
        threads = [threading.Thread(target=target) for target in (give, take)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """
    assert_ok(explored(program.format(take="data and data.pop()"), tmp_path))
    assert kinds(explored(program.format(take="data.pop()"), tmp_path)) == ["order-violation"]


# -- what each thread has for itself -------------------------------------------------------------

PER_THREAD = {
    "a name of a module": """
        from threading import local
        own = local()
        """,
    "a class attribute": """
        from threading import local
        class Keeper:
            own = local()
        own = Keeper.own
        """,
    "an object of a derived class in a container": """
        from threading import local
        class Own(local): pass
        line = [Own()]
        own = line[0]
        """,
    "a derived class that sets it up": """
        from threading import local
        class Own(local):
            def __init__(self, start, *, step):
                self.n, self.step = start, step
        own = Own(0, step=1)
        """,
    "a class derived from a derived one": """
        from threading import local
        class Base(local):
            n = 0
        class Own(Base):
            def __setattr__(self, name, value): super().__setattr__(name, value)
        own = Own()
        """,
}

COUNTING_APART = """
import threading
{binding}
def work():
    for _ in range(2):
        before = getattr(own, "n", 0)
        lock.acquire()
        own.n = before + 1
        lock.release()
    seen.append(own.n)
lock, seen = threading.Lock(), []
own.n = 40
threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
work()
print(seen)
"""


@pytest.mark.parametrize("source", PER_THREAD.values(), ids=PER_THREAD)
def test_threads_do_not_see_what_others_have(source: str, elsewhere: Path, tmp_path: Path) -> None:
    (elsewhere / "locals_before.py").write_text(textwrap.dedent(source))
    own = __import__("locals_before").own
    own.before = "as ever"
    project = tmp_path / "project"
    project.mkdir()
    binding = (
        "from locals_before import *\n"
        "assert own.before == 'as ever'\n"
        "if 'Keeper' in vars(): assert Keeper.own is own"
    )
    result = explored(COUNTING_APART.format(binding=binding), project)
    assert_ok(result)
    assert {tuple(outcome.lines) for outcome in result.outcomes} == {("[2, 2, 42]",)}
    assert own.before == "as ever"
    assert getattr(own, "n", 0) == 0


def test_a_function_that_has_a_loop_of_its_own_is_explored_from_within_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a notebook."""
    monkeypatch.chdir(tmp_path)

    def program() -> int:
        return asyncio.run(asyncio.to_thread(int))

    async def notebook() -> tuple[raceproof.Report, bool]:
        task = asyncio.current_task()
        report = raceproof.explore(program)
        await asyncio.sleep(0)
        return report, asyncio.current_task() is task

    report, is_as_before = asyncio.run(notebook())
    assert (report.verdict, report.complete) == ("ok", True)
    assert is_as_before


def test_threads_see_what_others_have_if_it_is_shared(tmp_path: Path) -> None:
    binding = "import types; own = types.SimpleNamespace(n=0)"
    assert kinds(explored(COUNTING_APART.format(binding=binding), tmp_path)) == ["race"]
