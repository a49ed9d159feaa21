"""With a GIL: which faults can happen there, and which interleavings there are."""

from __future__ import annotations

import cProfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import raceproof
from raceproof.exploration import Options, explore
from raceproof.judge.findings import Result
from raceproof.search.dpor import Dpor
from raceproof.search.trace import Trace, trace_of
from raceproof.session import Program, Run, Session
from raceproof.world.execution import Plan
from raceproof.world.whole_steps import expand

THREADS = """
import threading

{top}

def work():
{body}

threads = [threading.Thread(target=work) for _ in range({threads})]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
{end}
"""


def program(directory: Path, body: str, top: str = "", end: str = "", threads: int = 2) -> Program:
    script = directory / "program.py"
    indented = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    script.write_text(
        THREADS.format(top=textwrap.dedent(top), body=indented, threads=threads, end=end)
    )
    return Program(str(script), None, ())


def explored(target: Program, **options: object) -> Result:
    directory = Path(target.directory)
    chosen = Options(replay_dir=str(directory / "replays"), **options)  # type: ignore[arg-type]
    return explore(target, chosen, lambda interleavings, estimated, findings: None)


# -- between read and write there is ... ----------------------------------------------------------

OBJECT = """
class Counter:
    pass

a = Counter()
a.v = 0
"""
PROPERTY = """
class Counter:
    def __init__(self):
        self.n = 0

    @property
    def v(self):
        return self.n

    @v.setter
    def v(self, value):
        self.n = value

a = Counter()
"""
RESULT = "print(s[0].n if 's' in globals() else a.v if 'a' in globals() else '')"
READ_AND_WRITE = "n = a.v\n{}\na.v = n + 1"
TABLE = {
    "nothing, attribute": (OBJECT, "a.v += 1", False),
    "nothing, item": ("d = {'a': 0}", "d['a'] += 1", False),
    "nothing, global": ("g = 0", "global g\ng += 1", False),
    "a Python call": (OBJECT + "def f(): pass\n", READ_AND_WRITE.format("f()"), True),
    "a property": (PROPERTY, "a.v += 1", True),
    "a method call in C": (OBJECT + "d = {}\n", READ_AND_WRITE.format("d.get(1)"), True),
    "a call of a type": (OBJECT, READ_AND_WRITE.format("int('1')"), True),
    "len": (OBJECT, READ_AND_WRITE.format("len(())"), False),
    "an inner loop": (OBJECT, READ_AND_WRITE.format("for _ in 'ab': pass"), True),
}
"""What is in between -> the shared data, the body of a thread, whether updates get lost."""


@pytest.mark.parametrize("what", TABLE)
def test_where_an_update_can_be_lost(tmp_path: Path, what: str) -> None:
    top, body, lost = TABLE[what]
    target = program(tmp_path, body, top, RESULT)
    freely = explored(target)
    assert [finding.gil for finding in freely.findings] == [lost]
    assert freely.complete
    limited = explored(target, gil=True)
    assert [finding.gil for finding in limited.findings] == ([True] if lost else [])
    assert limited.complete


OTHERS = {
    "a loop that tests at its end": (
        OBJECT, "i = 0\nn = a.v\nwhile i < 2:\n    i += 1\na.v = n + 1", True
    ),
    "an operator in Python": (
        "class Sum:\n    def __init__(self, n):\n        self.__dict__['n'] = n\n"
        "    def __add__(self, other):\n        return Sum(self.__dict__['n'] + other)\n"
        "s = [Sum(0)]\n",
        "s[0] = s[0] + 1", True,
    ),
    "another access": (OBJECT + "a.w = 0\n", "n = a.v\na.w = 1\na.v = n + 1", False),
    "a branch with a call": (
        OBJECT, "n = a.v\nif n > 5:\n    int('1')\na.v = n + 1", True
    ),
    "a branch without": (OBJECT, "n = a.v\nif n > 5:\n    n = 0\na.v = n + 1", False),
    "a call, in another update of the same place": (
        OBJECT, "a.v += 1\nn = a.v\nint('1')\na.v = n + 1", True
    ),
    "the truth of a list": (
        "import types\na = types.SimpleNamespace(v=[1])\n",
        "n = a.v\nif n:\n    a.v = n + [2]", False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", OTHERS)
def test_other_things_in_between(tmp_path: Path, what: str) -> None:
    top, body, lost = OTHERS[what]
    result = explored(program(tmp_path, body, top, RESULT), keep_going=True)
    assert result.findings[0].gil is lost


# -- the interleavings are exactly the possible ones ----------------------------------------------

PAIRS = "class Pair:\n    x = y = z = 0\np = Pair()\n"
SHAPES = {
    "one step": (PAIRS, "p.x += 1", 2),
    "two steps": (PAIRS, "p.x += 1\nint('1')\np.y += 1", 2),
    "steps that meet": (PAIRS, "p.x = p.y + 1\nint('1')\np.y = p.x + 1", 2),
    "a check and an act": (PAIRS, "if p.x == 0:\n    p.x = 1\n    int('1')\n    p.y += 1", 2),
    "three threads": (PAIRS, "n = p.x\nint('1')\np.y = p.x = n + 1", 3),
    "three threads, one step each": (PAIRS, "p.x += 1\np.y += 1", 3),
    "containers": ("l, d = [], {}\n", "d['n'] = len(l)\nl.append(1)\nd['m'] = len(l)", 2),
    "a loop": (PAIRS, "for i in range(2):\n    p.x += i\n    p.y = p.x", 2),
    "a lock": (
        PAIRS + "lock = threading.Lock()\n", "p.z = p.y\nwith lock:\n    p.x += 1\np.y += p.x", 2
    ),
    "the way depends on what is read": (
        PAIRS, "if p.x:\n    p.y = 1\nelse:\n    p.z = p.y\nint('1')\np.x = 1", 3
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_all_interleavings_that_are_possible_and_no_others(tmp_path: Path, shape: str) -> None:
    top, body, threads = SHAPES[shape]
    end = "print({k: v for k, v in globals().items() if k in ('l', 'd')}, "
    end += "vars(p) if 'p' in globals() else '')"
    target = program(tmp_path, body, top, end, threads)
    with Session(target) as session:
        whole = outcomes(session.run_whole_steps)
        every: list[str] = []
        possible: list[str] = []
        for run in all_runs(session.run):
            every.append(str(run.outcome))
            if is_possible(trace_of(run.execution), session.is_one_step):
                possible.append(str(run.outcome))
    assert sorted(whole) == sorted(possible)
    assert len(whole) < len(every)


def all_runs(run: Callable[[Plan], Run]) -> Iterator[Run]:
    search = Dpor()
    scripts = []
    while (plan := search.next_plan()) is not None:
        execution = run(plan).execution
        search.learn(execution)
        assert execution.end == "finished", execution.departure
        scripts.append(list(execution.threads))
    search.close()
    for script in scripts:
        again = run(Plan(script=script, lenient=True))
        assert again.execution.slips == 0
        yield again


def outcomes(run: Callable[[Plan], Run]) -> list[str]:
    search, found = Dpor(), []
    while (plan := search.next_plan()) is not None:
        done = run(plan)
        search.learn(done.execution)
        if done.execution.end != "redundant":
            assert done.execution.end == "finished", done.execution.departure
            found.append(str(done.outcome))
    search.close()
    return found


def is_possible(trace: Trace, is_one_step: Callable[[int, int], bool]) -> bool:
    """Whether the steps can be put in a row without changing what comes before what.

    That is so if the relation "something in one step comes before something in the other" has no
    circle.
    """
    step_of: list[int] = []
    last: dict[int, int] = {}
    for index, thread in enumerate(trace.threads):
        before = last.get(thread)
        last[thread] = index
        sites = (trace.operations[index if before is None else before].site,
                 trace.operations[index].site)  # fmt: skip
        joined = before is not None and all(sites) and is_one_step(*sites)
        step_of.append(step_of[before] if joined and before is not None else index)
    after: dict[int, set[int]] = {step: set() for step in step_of}
    for one in range(len(step_of)):
        for other in range(one + 1, len(step_of)):
            if step_of[one] != step_of[other] and trace.happens_before(one, other):
                after[step_of[one]].add(step_of[other])
    while after:
        free = [step for step in after if not any(step in later for later in after.values())]
        if not free:
            return False
        for step in free:
            del after[step]
    return True


def test_an_execution_of_whole_steps_can_be_told_access_by_access(tmp_path: Path) -> None:
    with Session(program(tmp_path, "p.x += 1\nint('1')\np.y += 1", PAIRS)) as session:
        whole = session.run_whole_steps(Plan()).execution
        fine = session.run(Plan()).execution
        told = expand(whole)
        assert told.execution.threads == fine.threads
        kinds = [operation.kind for operation in fine.operations]
        assert [operation.kind for operation in told.execution.operations] == kinds
        assert len(whole.operations) < len(fine.operations)
        parts = [told.starts[i + 1] - told.starts[i] for i in range(len(whole.operations))]
        assert [len(op.parts) or 1 for op in whole.operations] == parts


# -- the search with --gil ------------------------------------------------------------------------


def test_fewer_interleavings_are_run_with_a_gil(tmp_path: Path) -> None:
    target = program(tmp_path, "p.x += 1\np.y += 1", PAIRS, threads=3)
    assert explored(target, gil=True).interleavings == 6
    assert explored(target, keep_going=True).interleavings > 100


def test_what_is_shown_can_happen_with_a_gil(tmp_path: Path) -> None:
    body = "a.v += 1\nn = a.v\nint('1')\na.v = n + 1"
    result = explored(program(tmp_path, body, OBJECT), gil=True)
    (finding,) = [finding for finding in result.findings if finding.kind == "lost-update"]
    lines = {step.place.text for step in finding.steps if step.preempted}
    assert lines == {"n = a.v"}
    assert any("--gil" in note for note in result.notes)


def test_deadlocks_are_found_with_a_gil(tmp_path: Path) -> None:
    top = "one, two = threading.Lock(), threading.Lock()\norder = [one, two]\n"
    body = "first, second = order\norder.reverse()\nwith first:\n    with second:\n        pass"
    result = explored(program(tmp_path, body, top), gil=True)
    assert [finding.kind for finding in result.findings] == ["deadlock"]
    assert result.findings[0].gil


def test_a_failure_in_every_order_happens_with_a_gil_too(tmp_path: Path) -> None:
    result = explored(program(tmp_path, "1 / 0"))
    assert [(finding.kind, finding.gil) for finding in result.findings] == [("failure", True)]


def test_a_program_may_have_a_profile_function_of_its_own(tmp_path: Path) -> None:
    body = "sys.setprofile(lambda *_: None)\na.v += 1\nsys.setprofile(None)"
    result = explored(program(tmp_path, body, OBJECT + "import sys\n"), gil=True)
    assert [(finding.kind, finding.gil) for finding in result.findings] == [("lost-update", True)]
    assert result.complete


def test_raceproof_may_be_profiled(tmp_path: Path) -> None:
    profile = cProfile.Profile()
    profile.enable()
    try:
        result = explored(program(tmp_path, "a.v += 1", OBJECT))
    finally:
        profile.disable()
    assert [finding.gil for finding in result.findings] == [False]


def test_the_setting_has_the_same_name_in_python() -> None:
    def race() -> int:
        import threading

        box = [0]

        def add() -> None:
            box[0] += 1

        threads = [threading.Thread(target=add) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return box[0]

    assert raceproof.outcomes(race) == {1, 2}
    assert raceproof.outcomes(race, gil=True) == {2}
