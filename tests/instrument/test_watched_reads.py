"""Every way to look at a shared container is an operation: a thread that changes it is noticed."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from raceproof.exploration import Options, explore
from raceproof.judge.findings import Result
from raceproof.session import Program

PROGRAM = """
import collections, copy, csv, io, itertools, json, threading, urllib.request
from itertools import chain

class Box:
    def __init__(self):
        self.x = 1
        self.items = [1, 2]
        self.table = {"a": [1]}

class Point:
    __match_args__ = ("x",)
    def __init__(self):
        self.x = 1

L = [1, 2]
D = {1: 1, 2: 2}
S = {1, 2}
B = Box()
P = Point()
ROWS = [L, D]
out = []

def look(value):
    return value

def delegated():
    yield from D

def reader():
READER

def writer():
    L.append(9)
    D[9] = 9
    S.add(9)
    B.x = P.x = 5
    B.items.append(3)
    B.table["b"] = []

threads = [threading.Thread(target=reader), threading.Thread(target=writer)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def quiet(interleavings: int, estimated: float, findings: int) -> None:
    """A progress callback for those who do not want to know."""


def explored(reader: str, directory: Path) -> Result:
    script = directory / "program.py"
    script.write_text(PROGRAM.replace("READER", textwrap.indent(textwrap.dedent(reader), "    ")))
    options = Options(replay_dir=str(directory / "replays"), max_interleavings=40)
    return explore(Program(str(script), None, ()), options, quiet)


def errors(result: Result) -> set[str]:
    return {error.partition(":")[0] for outcome in result.outcomes for error in outcome.errors}


LOOKS = {
    "equal to a display": "L == [1, 2]",
    "equal to an empty list": "L == []",
    "part of a display": "S <= {1, 2, 3}",
    "less": "L < [1, 2, 3]",
    "in displays": "(L, 1) == ([1, 2], 1)",
    "attribute, equal": "B.items == []",
    "result of a call, equal": "look(D) == {}",
    "keys, equal": "D.keys() == {1, 2}",
    "difference": "S - {1}",
    "in common": "S & {1}",
    "keys without some": "D.keys() - {1}",
    "f-string": "f'{look(D)} {(L, 1)}'",
    "percent": "'%s' % look(D)",
    "join": "', '.join(map(str, L))",
    "print in a display": "print([L])",
    "extended by": "mine = []; mine.extend(L)",
    "extended by an attribute": "mine = []; mine.extend(B.items)",
    "increased by": "mine = []; mine += L",
    "updated by": "mine = {}; mine.update(D)",
    "united with": "{5}.union(S)",
    "subset": "{1}.issubset(S)",
    "from keys": "dict.fromkeys(D)",
    "key computed": "D.get(look(9), 0)",
    "match mapping": "match D:\n    case {9: x}: pass",
    "match sequence": "match L:\n    case [a, b]: pass",
    "match one or the other": "match B.items:\n    case [] | [_]: pass",
    "match in a display": "match (L, 1):\n    case ([a, b], 1): pass",
    "match an attribute": "match B:\n    case Box(x=5): pass",
    "match by position": "match P:\n    case Point(5): pass",
    "variables of an object": "vars(B)['x']",
    "in the variables of an object": "'x' in vars(B)",
    "given by keyword": "json.dumps(obj=L)",
    "given in a display": "json.dumps({'a': L})",
    "given to a class of a package": "urllib.request.Request('http://x', None, B.table)",
    "given to a method": "csv.writer(io.StringIO()).writerow(L)",
    "given to a method by name": "w = csv.writer(io.StringIO()); w.writerow(L)",
    "given to a string's method": "s = '{}'; s.format(L)",
    "copied": "copy.copy(x=L)",
    "counted": "collections.Counter(iterable=L)",
}  # fmt: skip


@pytest.mark.parametrize("reader", LOOKS.values(), ids=LOOKS.keys())
def test_a_look_at_a_container_is_an_operation(reader: str, tmp_path: Path) -> None:
    result = explored(reader, tmp_path)
    assert result.interleavings > 1
    assert result.complete
    assert errors(result) == set()


WALKS = {
    "loop": "for v in D: look(v)",
    "iter": "for v in iter(D): look(v)",
    "iter, kept": "it = iter(D)\nfor v in it: look(v)",
    "next": "it = iter(D); look(next(it)); look(next(it))",
    "next of a generator": "g = (v for v in D); look(next(g)); look(next(g))",
    "delegated": "for v in delegated(): look(v)",
    "delegated, kept": "g = delegated()\nfor v in g: look(v)",
    "backwards": "for v in reversed(D): look(v)",
    "views": "for k, v in D.items(): look(v)",
    "enumerate": "for i, v in enumerate(D): look(v)",
    "zip": "for a, b in zip(itertools.count(), D): look(a)",
    "chain": "for v in chain(D, [3]): look(v)",
    "chain from iterable": "for v in chain.from_iterable([D]): look(v)",
    "chain from shared iterable": "for v in itertools.chain.from_iterable(ROWS): look(v)",
    "islice": "for v in itertools.islice(D, 2): look(v)",
    "filterfalse": "for v in itertools.filterfalse(look, D): look(v)",
}


@pytest.mark.parametrize("reader", WALKS.values(), ids=WALKS.keys())
def test_each_step_of_a_walk_is_an_operation(reader: str, tmp_path: Path) -> None:
    result = explored(reader, tmp_path)
    assert result.interleavings > 2
    assert "RuntimeError" in errors(result)  # dictionary changed size during iteration


def test_a_list_may_grow_behind_a_walk_from_its_end(tmp_path: Path) -> None:
    result = explored("for v in reversed(L): print(v)", tmp_path)
    assert {tuple(outcome.lines) for outcome in result.outcomes} == {("2", "1"), ("9", "2", "1")}


def test_arguments_of_watched_functions_are_not_looked_at(tmp_path: Path) -> None:
    assert explored("look(L)\nlook(value=D)", tmp_path).interleavings == 1


GENERATOR = """
import threading
n = 0
def count():
    global n
    while True:
        n += 1
        yield n
numbers = count()
def take():
    try:
        print(next(numbers))
    except ValueError as error:
        print(error)
threads = [threading.Thread(target=take) for _ in "ab"]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_a_generator_can_be_entered_while_another_thread_is_inside(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(GENERATOR)
    result = explore(Program(str(script), None, ()), Options(replay_dir=str(tmp_path)), quiet)
    assert {tuple(sorted(outcome.lines)) for outcome in result.outcomes} == {
        ("1", "2"),
        ("1", "generator already executing"),
    }


FUNCTION = """
import threading
def hit():
    hit.count += 1
hit.count = 0
threads = [threading.Thread(target=hit) for _ in "ab"]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_functions_have_attributes_too(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(FUNCTION)
    result = explore(Program(str(script), None, ()), Options(replay_dir=str(tmp_path)), quiet)
    assert [finding.kind for finding in result.findings] == ["lost-update"]
    assert "hit.count" in result.findings[0].message


SHARED_WALK = """
import threading
items = iter([1, 2])
def take():
    print(threading.current_thread().name, next(items))
threads = [threading.Thread(target=take, name=name) for name in "ab"]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_a_walk_may_be_shared(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(SHARED_WALK)
    result = explore(Program(str(script), None, ()), Options(replay_dir=str(tmp_path)), quiet)
    assert {tuple(sorted(outcome.lines)) for outcome in result.outcomes} == {
        ("a 1", "b 2"),
        ("a 2", "b 1"),
    }
