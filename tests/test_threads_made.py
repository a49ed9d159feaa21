"""However a thread was made: what it does wrong is found, and what it does right is left alone.

Two threads count.  In the right twin of each program both hold the same lock, in the wrong one the
second holds none; so an interleaving that is missing or too many shows, whatever the threads come
from.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from exploring import assert_ok, assert_told_apart, explored, kinds

CORRECT = {
    "an excepthook that is prepared": """
        import threading
        seen, lock = [], threading.Lock()
        def hook(args):
            with lock:
                seen.append((args.exc_type.__name__, args.thread.name))
        threading.excepthook = hook
        def fail(): raise ValueError("x")
        threads = [threading.Thread(target=fail, name=name) for name in "ab"]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert sorted(seen) == [("ValueError", "a"), ("ValueError", "b")]
        """,
}

WRONG = {
    "an excepthook that counts": ("lost-update", """
        import threading
        errors = 0
        def hook(args):
            global errors
            errors += 1
        threading.excepthook = hook
        def fail(): raise ValueError("x")
        threads = [threading.Thread(target=fail) for _ in range(2)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """),
    "an exception that comes in some orders, and a hook": ("order-violation", """
        import threading
        threading.excepthook = lambda args: None
        data = []
        thread = threading.Thread(target=lambda: data[0])
        thread.start()
        data.append(1)
        thread.join()
        """),
    "no excepthook": ("failure", """
        import threading
        def fail(): raise ValueError("x")
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        """),
}  # fmt: skip


@pytest.mark.parametrize("program", CORRECT.values(), ids=CORRECT)
def test_correct_programs(program: str, tmp_path: Path) -> None:
    assert_ok(explored(textwrap.dedent(program), tmp_path))


@pytest.mark.parametrize(("kind", "program"), WRONG.values(), ids=WRONG)
def test_wrong_programs(kind: str, program: str, tmp_path: Path) -> None:
    result = explored(textwrap.dedent(program), tmp_path)
    assert kinds(result) == [kind]
    assert result.complete


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
