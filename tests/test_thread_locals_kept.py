"""Thread-locals of libraries that were imported before the search: each thread has its own."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from exploring import assert_ok, explored, kinds

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


def test_threads_see_what_others_have_if_it_is_shared(tmp_path: Path) -> None:
    binding = "import types; own = types.SimpleNamespace(n=0)"
    assert kinds(explored(COUNTING_APART.format(binding=binding), tmp_path)) == ["race"]
