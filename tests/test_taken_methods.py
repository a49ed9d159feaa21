"""Methods of containers that are taken as values: their calls are seen, and they behave alike."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from exploring import assert_ok, explored, kinds

RACES = {
    "the target of a thread": """
        out = []
        thread = threading.Thread(target=out.append, args=(1,))
        thread.start()
        assert out == [1]
        thread.join()
        """,
    "a task": """
        out = {}
        with ThreadPoolExecutor(1) as pool:
            pool.submit(out.update, {"a": 1})
            assert out == {"a": 1}
        """,
    "a callback": """
        done, future = [], Future()
        future.add_done_callback(done.append)
        thread = threading.Thread(target=future.set_result, args=(1,))
        thread.start()
        assert len(done) == 1
        thread.join()
        """,
    "part of a partial": """
        out = deque()
        thread = threading.Thread(target=partial(out.appendleft, 1))
        thread.start()
        assert out
        thread.join()
        """,
    "another name": """
        out = set()
        def work():
            add = out.add
            add(1)
        thread = threading.Thread(target=work)
        thread.start()
        assert 1 in out
        thread.join()
        """,
    "an operator": """
        out = {"a": 0}
        thread = threading.Thread(target=out.__setitem__, args=("a", 1))
        thread.start()
        assert out["a"] == 1
        thread.join()
        """,
}

BEGIN = """
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
"""


@pytest.mark.parametrize("program", RACES.values(), ids=RACES)
def test_a_call_from_elsewhere_is_seen(program: str, tmp_path: Path) -> None:
    result = explored(BEGIN + textwrap.dedent(program), tmp_path)
    assert kinds(result) == ["order-violation"]
    assert result.complete


def test_the_same_under_a_lock(tmp_path: Path) -> None:
    program = """
        out, lock = [], threading.Lock()
        def work(number, add=out.append):
            with lock:
                add(number)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert sorted(out) == [0, 1]
    """
    assert_ok(explored(BEGIN + textwrap.dedent(program), tmp_path))


def test_the_value_behaves_like_the_method(tmp_path: Path) -> None:
    program = """
        import copy, pickle
        out = []
        add = out.append
        thread = threading.Thread(target=add, args=(0,))
        thread.start()
        thread.join()
        assert add == out.append and hash(add) == hash(out.append) and add != [].append
        assert (add.__name__, add.__self__ is out, callable(add)) == ("append", True, True)
        assert repr(add).startswith("<built-in method append of list object")
        assert pickle.loads(pickle.dumps(add)).__self__ == out
        class Own(list):
            def append(self, value): super().append(value + 1)
        own = Own()
        assert type(own.append).__name__ == "method"
        own.append(1)
        assert own == [2] and sorted("ba", key={"a": 0, "b": 1}.get) == ["a", "b"]
        class Plain:
            update = pop = 3
        assert Plain().update + Plain.pop == 6
        try:
            object().append
        except AttributeError as error:
            print(error)
    """
    result = explored(BEGIN + textwrap.dedent(program), tmp_path)
    assert_ok(result)
    (outcome,) = result.outcomes
    assert outcome.lines == ["'object' object has no attribute 'append'"]
