"""What a finding says: the name of the mistake, and what the steps have met."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from raceproof.exploration import Options, explore
from raceproof.judge.findings import Finding
from raceproof.judge.naming import _assigned
from raceproof.session import Program

THREADS = """
threads = [threading.Thread(target=work, args=(n,)) for n in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def finding(source: str, end: str = "") -> Finding:
    text = f"import threading\n{textwrap.dedent(source)}{THREADS}{end}\n"
    Path("program.py").write_text(text)
    result = explore(Program("program.py", None, ()), Options(), lambda *_: None)
    return result.findings[0]


# -- values ---------------------------------------------------------------------------------------


def test_looking_at_a_default_dict_does_not_fill_it() -> None:
    found = finding(
        """
        from collections import defaultdict
        def make():
            return []
        lists = defaultdict(make)
        def work(n):
            lists["k"].append(n)
        """,
        "print(sorted(lists['k']))",
    )
    assert found.code == "RP104"
    assert [step.missing for step in found.steps[:2]] == [True, True]
    assert found.outcome is not None
    assert found.outcome.lines in (["[0]"], ["[1]"])


def test_what_cannot_be_looked_at_is_not_missing() -> None:
    found = finding(
        """
        class Key:
            pass
        key, table = Key(), {}
        table[key] = 0
        def work(n):
            table[key] = table[key] + 1
        """,
        "print(*table.values())",
    )
    assert found.code == "RP101"
    assert not any(step.missing for step in found.steps)


def test_what_getattr_gives_is_not_missing() -> None:
    found = finding(
        """
        class Lazy:
            def __getattr__(self, name):
                return 0
        lazy = Lazy()
        def work(n):
            lazy.count = lazy.count + 1
        """,
        "print(lazy.count)",
    )
    assert found.code == "RP101"
    assert not any(step.missing for step in found.steps)


def test_what_is_not_there_is_missing() -> None:
    found = finding(
        """
        class Box:
            pass
        box = Box()
        def work(n):
            if n:
                box.value = n
            else:
                print(box.value)
        """
    )
    assert [step.missing for step in found.steps if step.kind == "read"] == [True]


# -- words ----------------------------------------------------------------------------------------


def test_a_check_and_an_act_on_one_line() -> None:
    found = finding("import os\ndef work(n):\n    if not os.path.isdir('d'): os.mkdir('d')\n")
    assert found.message == (
        "work(0) looks at 'd' and acts on it, both in line 4, but work(1) changes it in between "
        "(line 4)"
    )
    assert "between the two steps in line 4 of work(0)" in found.because


def test_a_directory_is_looked_at_and_a_file_in_it_is_acted_upon() -> None:
    Path("there").touch()
    found = finding(
        """
        import os
        def work(n):
            if "there" in os.listdir():
                os.remove("there")
        """
    )
    assert found.code == "RP102"
    assert found.message == (
        "work(0) looks at the files in the current directory (line 5) and acts on 'there' (line "
        "6), but work(1) changes both in between (line 6)"
    )


def test_a_stream_that_is_replaced_for_a_while() -> None:
    found = finding(
        """
        import sys, io
        def work(n):
            old = sys.stdout
            sys.stdout = io.StringIO()
            print(n)
            sys.stdout = old
        """,
        "print('end')",
    )
    assert all(step.place.line for step in found.steps if step.key)
    assert found.message == "work(1) uses sys.stdout in the middle of what work(0) does with it"


def test_of_the_pairs_that_decide_the_one_that_tells_of_both_variables() -> None:
    found = finding(
        """
        class Pair:
            a = b = 0
        pair = Pair()
        def check():
            a, b = pair.a, pair.b
            assert (a, b) in ((0, 0), (1, -1)), (a, b)
        checker = threading.Thread(target=check)
        checker.start()
        def work(n):
            pair.a = 1
            pair.b = -1
        """
    )
    assert found.code == "RP107"
    assert set(found.objects) == {"Pair.a", "Pair.b"}


def test_what_a_view_shows_is_not_missing() -> None:
    found = finding(
        """
        table = {0: 0, 1: 1}
        def work(n):
            for key in list(table.keys()):
                del table[key]
        """
    )
    reads = [step for step in found.steps if step.kind == "read"]
    assert reads
    assert not any(step.missing for step in reads)


def test_who_asks_a_queue_and_waits_all_the_same() -> None:
    found = finding(
        """
        import queue
        items = queue.Queue()
        items.put(1)
        def work(n):
            if not items.empty():
                items.get()
        """
    )
    assert (found.code, found.kind) == ("RP102", "waits-forever")
    assert found.message == (
        "work(0) asks items (line 7) before it waits (line 8), but work(1) changes it in between "
        "(line 8): work(0) waits for ever"
    )
    assert found.because == (
        "It fails because line 7 of work(0) came before line 8 of work(1). The other way round, "
        "nobody is left waiting."
    )


def test_two_locks_that_one_line_makes_are_two_locks() -> None:
    found = finding(
        """
        class Box:
            def __init__(self):
                self.up, self.down = threading.Lock(), threading.Lock()
                self.value = 0
            def change(self, by):
                with self.up if by else self.down:
                    self.value += 1
        box = Box()
        def work(n):
            box.change(n)
        """
    )
    assert found.code == "RP304"
    assert found.message == (
        "work(0) uses Box.value under Box.down, work(1) under Box.up: neither keeps the other out"
    )


@pytest.mark.parametrize(
    ("line", "label", "name"),
    [
        ("a = Lock()", "Lock", "a"),
        ("ready = threading.Condition()", "RLock", "ready"),
        ("a = threading.Lock(); ready = threading.Condition(); items = []", "RLock", "ready"),
        ("a = threading.Lock(); ready = threading.Condition(); items = []", "Lock", "a"),
        ("a = Lock(); b = Lock()", "Lock", ""),
        ("a = []; b = make()", "Lock", ""),
        ("a, b = Lock(), Lock()", "Lock", ""),
    ],
)
def test_a_line_may_make_more_than_one(line: str, label: str, name: str) -> None:
    assert _assigned(line, label) == name
