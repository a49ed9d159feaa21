"""Parts of the standard library that keep state or take locks, in programs as people write them.

Each program is either correct, and nothing is found, or has one planted mistake, which is.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from raceproof.exploration import Options, explore
from raceproof.judge.findings import Result
from raceproof.session import Program

HEAD = """
import threading
def run(*targets):
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""

CORRECT = {
    "logging": """
        import logging, logging.handlers, queue
        class Collect(logging.Handler):
            def __init__(self):
                super().__init__()
                self.count = 0
            def emit(self, record): self.count += 1
        handler = Collect()
        q = queue.Queue()
        listener = logging.handlers.QueueListener(q, handler)
        log = logging.getLogger("app"); log.setLevel(logging.INFO)
        log.addHandler(logging.handlers.QueueHandler(q))
        listener.start()
        run(lambda: log.info("a"), lambda: log.info("b"))
        listener.stop()
        assert handler.count == 2
    """,
    "a handler's own lock": """
        import logging
        class Collect(logging.Handler):
            count = 0
            def emit(self, record): self.count += 1
        handler = Collect()
        log = logging.getLogger("app"); log.addHandler(handler); log.setLevel(logging.INFO)
        run(lambda: log.info("a"), lambda: log.info("b"))
        assert handler.count == 2
    """,
    "printing to one stream": """
        import io
        stream = io.StringIO()
        run(lambda: print("a", 1, file=stream), lambda: print("b", 2, file=stream, flush=True))
        assert sorted(stream.getvalue().splitlines()) == ["a 1", "b 2"]
    """,
    "output redirected around the threads": """
        import contextlib, io
        stream = io.StringIO()
        with contextlib.redirect_stdout(stream):
            run(lambda: print("a"), lambda: print("b"))
        assert sorted(stream.getvalue().split()) == ["a", "b"]
    """,
    "a cache of calculations": """
        import functools
        @functools.lru_cache(maxsize=None)
        def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
        found = []
        run(*[lambda: found.append(fib(12))] * 2)
        assert found == [144] * 2
    """,
    "a cache that may be filled twice": """
        import functools
        class Settings:
            def __init__(self): self.values = {"a": 1}
        @functools.lru_cache
        def settings(): return Settings()
        found = []
        run(*[lambda: found.append(settings().values["a"])] * 2)
        assert found == [1, 1]
    """,
    "weak containers": """
        import weakref
        class Thing: pass
        things, kept = weakref.WeakSet(), []
        def add():
            thing = Thing()
            kept.append(thing)
            things.add(thing)
        run(add, add)
        assert len(things) == 2
        kept.clear()
        assert len(things) == 0
    """,
    "finalizers in every execution": """
        import weakref
        class Thing: pass
        gone = []
        def work():
            thing = Thing()
            weakref.finalize(thing, gone.append, 1)
        run(work, work)
        assert gone == [1, 1]
    """,
    "contexts of decimal and of variables": """
        import contextvars, decimal
        variable = contextvars.ContextVar("variable", default="default")
        barrier = threading.Barrier(2)
        found = []
        def work(precision):
            assert variable.get() == "default" and decimal.getcontext().prec == 28
            decimal.getcontext().prec = precision
            variable.set(precision)
            barrier.wait()
            found.append((variable.get(), len(str(decimal.Decimal(1) / 3)) - 2))
        decimal.getcontext().prec = 9
        variable.set("main")
        run(lambda: work(3), lambda: work(5))
        assert sorted(found) == [(3, 3), (5, 5)]
        assert variable.get() == "main" and decimal.getcontext().prec == 9
    """,
    "a module that another thread imports": """
        import sys
        sys.modules.pop("slow", None)
        steps = []
        def work():
            steps.append(0)
            import slow
            assert slow.done()
        run(work, work)
        assert slow_steps(steps) == 3
    """,
    "a module that uses what the importing threads share": """
        steps = []
        def work():
            import slow
            steps.append(0)
            assert slow.done()
        run(work, work)
        assert sorted(steps) == [0, 0, 1] and steps[0] == 1
    """,
    "unique numbers": """
        import itertools
        numbers, found = itertools.count(), []
        run(*[lambda: found.append(next(numbers))] * 3)
        assert sorted(found) == [0, 1, 2]
    """,
    "warnings": """
        import warnings
        def work():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                warnings.warn("careful")
        run(work, work)
    """,
    "clocks, chance and names": """
        import os, random, secrets, time, uuid
        lock, found = threading.Lock(), []
        def work():
            if random.random() < 0.5 or os.urandom(1) < b"x" or time.time() % 2 < 1:
                with lock: found.append(uuid.uuid4())
            else:
                with lock: found.append(secrets.token_hex())
        run(work, work)
        print(len(set(found)), random.random(), uuid.uuid1(), os.getpid(), object())
    """,
}

MISTAKEN = {
    "a filter of a logger": (
        "lost-update",
        """
        import logging
        class Count(logging.Filter):
            seen = 0
            def filter(self, record):
                self.seen += 1
                return True
        count = Count()
        log = logging.getLogger("app"); log.addFilter(count); log.setLevel(logging.INFO)
        log.addHandler(logging.NullHandler())
        run(lambda: log.info("a"), lambda: log.info("b"))
        """,
    ),
    "a handler that is added twice": (
        "check-then-act",
        """
        import logging
        def get():
            log = logging.getLogger("app")
            if not log.handlers:
                log.addHandler(logging.NullHandler())
        run(get, get)
        assert len(logging.getLogger("app").handlers) == 1
        """,
    ),
    "a handler that takes a lock of the program": (
        "deadlock",
        """
        import logging
        lock = threading.Lock()
        class Careful(logging.Handler):
            def emit(self, record):
                with lock: pass
        handler = Careful()
        log = logging.getLogger("app"); log.addHandler(handler); log.setLevel(logging.INFO)
        def other():
            with lock:
                handler.acquire()
                handler.release()
        run(lambda: log.info("a"), other)
        """,
    ),
    "a lock that is held during an import": (
        "deadlock",
        """
        import sys
        lock = threading.RLock()
        def holding():
            with lock:
                import taking
        def plain():
            import taking
        run(holding, plain)
        """,
    ),
    "output redirected in the threads": (
        "race",
        """
        import contextlib, io
        def work():
            stream = io.StringIO()
            with contextlib.redirect_stdout(stream):
                print("mine")
            assert stream.getvalue() == "mine\\n"
        run(work, work)
        """,
    ),
    "a header that is written twice": (
        "check-then-act",
        """
        import io
        stream = io.StringIO()
        def work():
            if not stream.getvalue():
                print("header", file=stream)
        run(work, work)
        assert stream.getvalue() == "header\\n"
        """,
    ),
    "a cached object that was made twice": (
        "check-then-act",
        """
        import functools
        class Registry:
            def __init__(self): self.items = []
        @functools.cache
        def registry(): return Registry()
        run(lambda: registry().items.append(1), lambda: registry().items.append(2))
        assert sorted(registry().items) == [1, 2]
        """,
    ),
    "a set-up that runs twice": (
        "check-then-act",
        """
        import functools
        calls = []
        @functools.cache
        def set_up(): calls.append(1)
        run(set_up, set_up)
        print(len(calls))
        """,
    ),
    "an old value in a cache": (
        "check-then-act",
        """
        import functools
        settings = {"mode": "old"}
        @functools.cache
        def mode(): return settings["mode"]
        def change():
            settings["mode"] = "new"
            mode.cache_clear()
        run(change, lambda: mode())
        assert mode() == "new"
        """,
    ),
    "a weak dictionary": (
        "lost-update",
        """
        import weakref
        class Thing: pass
        thing = Thing()
        uses = weakref.WeakKeyDictionary({thing: 0})
        def use(): uses[thing] = uses[thing] + 1
        run(use, use)
        """,
    ),
    "a dictionary written in Python": (
        "lost-update",
        """
        import collections
        stock = collections.UserDict(apples=0)
        def add(): stock["apples"] += 1
        run(add, add)
        """,
    ),
    "the first of several dictionaries": (
        "lost-update",
        """
        import collections
        stock = collections.ChainMap({}, {"apples": 0})
        def add(): stock["apples"] = stock["apples"] + 1
        run(add, add)
        """,
    ),
    "a default that is made twice": (
        "check-then-act",
        """
        import collections
        class Box:
            def __init__(self): self.items = []
        boxes = collections.defaultdict(Box)
        def put(): boxes["a"].items.append(1)
        run(put, put)
        assert len(boxes["a"].items) == 2
        """,
    ),
    "a copy of something half changed": (
        "race",
        """
        import copy
        class Account:
            def __init__(self): self.mine, self.yours = 1, 0
        account, copies = Account(), []
        def give():
            account.mine -= 1
            account.yours += 1
        run(give, lambda: copies.append(copy.deepcopy(account)))
        assert copies[0].mine + copies[0].yours == 1
        """,
    ),
}


def explored(source: str, directory: Path) -> Result:
    (directory / "slow.py").write_text(
        "import __main__\n__main__.steps.append(1)\ndef done(): return True\n", encoding="utf-8"
    )
    (directory / "taking.py").write_text(
        "import __main__\nwith __main__.lock: pass\n", encoding="utf-8"
    )
    source = textwrap.dedent(source).replace("slow_steps", "len")
    script = directory / "program.py"
    script.write_text(HEAD + source, encoding="utf-8")
    options = Options(replay_dir=str(directory / "replays"))
    return explore(Program(str(script), None), options, lambda *_: None)


@pytest.mark.parametrize("name", CORRECT)
def test_nothing_is_found_in(name: str, tmp_path: Path) -> None:
    result = explored(CORRECT[name], tmp_path)
    assert [finding.message for finding in result.findings] == []
    assert result.verdict == "ok"
    assert result.complete, result.notes


@pytest.mark.parametrize("name", MISTAKEN)
def test_found(name: str, tmp_path: Path) -> None:
    kind, source = MISTAKEN[name]
    result = explored(source, tmp_path)
    assert [finding.kind for finding in result.findings][:1] == [kind]
    assert result.complete, result.notes


def test_a_cached_property_is_judged_by_the_running_version(tmp_path: Path) -> None:
    source = """
        import functools
        class Page:
            def __init__(self): self.loads = []
            @functools.cached_property
            def text(self):
                self.loads.append(1)
                return "text"
        page = Page()
        run(lambda: page.text, lambda: page.text)
        assert len(page.loads) == 1
    """
    result = explored(source, tmp_path)
    locked = sys.version_info < (3, 12)
    assert [finding.kind for finding in result.findings] == ([] if locked else ["check-then-act"])
    assert result.complete


def test_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("N", "0")
    source = """
        import os
        def add(): os.environ["N"] = str(int(os.environ.get("N", 0)) + 1)
        run(add, add)
        assert os.environ["N"] == "2"
    """
    result = explored(source, tmp_path)
    assert [finding.objects for finding in result.findings] == [["os.environ['N']"]]


def test_log_handlers_of_earlier_executions_are_gone(tmp_path: Path) -> None:
    source = """
        import logging, logging.handlers
        handler = logging.handlers.MemoryHandler(10, target=logging.StreamHandler())
        handler.set_name("named")
        log = logging.getLogger("app"); log.addHandler(handler)
        run(lambda: log.warning("a"), lambda: log.warning("b"))
        print(len(logging._handlerList), list(logging._handlers))
        logging.shutdown()
    """
    result = explored(source, tmp_path)
    assert result.complete, result.notes
    assert len({tuple(sorted(outcome.lines)) for outcome in result.outcomes}) == 1
