"""Whatever carries the threads: the same search, the same results, the same replay."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import textwrap
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from carriers import CARRIERS, HAVE_GREENLET, assert_equal, needs_greenlet
from search.programs import Generator, Interpreter, Program

from raceproof import exploration, session
from raceproof.exploration import CannotRun, Options, explore, replay
from raceproof.judge.findings import Result
from raceproof.search.dpor import Dpor
from raceproof.world import carriers
from raceproof.world.carriers import AUTO, GREENLET, OS, NoGreenlet, hub_class
from raceproof.world.scheduler import machine

EXAMPLES = Path(__file__).parent.parent / "examples"
WITHOUT = Path(__file__).parent / "without_greenlet"


def run(script: Path, directory: Path, threads: str, **options: Any) -> Result:
    chosen = Options(
        replay_dir=str(directory / threads), threads=threads, keep_going=True, **options
    )
    return explore(session.Program(str(script), None), chosen, lambda *_: None)


def write(directory: Path, source: str) -> Path:
    script = directory / "program.py"
    script.write_text(textwrap.dedent(source), encoding="utf-8")
    return script


@needs_greenlet
@pytest.mark.parametrize(
    "name",
    [
        "01_pool_counters.py", "02_account_race.py", "03_account_lock.py", "04_self_deadlock.py",
        "05_rlock.py", "07_events.py", "09_barrier.py", "09b_barrier_starved.py",
    ],
)  # fmt: skip
def test_examples_come_to_the_same_result(name: str, tmp_path: Path) -> None:
    first, second = (run(EXAMPLES / name, tmp_path, carrier) for carrier in (GREENLET, OS))
    assert first.complete
    assert (first.carrier, second.carrier) == (GREENLET, OS)
    assert_equal(first, second)


def history(program: Program, threads: str, most: int) -> list[Any]:
    """What the first executions of a search do, one by one."""
    machine.carry_by(hub_class(threads))
    machine.forget()
    search = Dpor()
    found: list[Any] = []

    def execute(plan: Any) -> Any:
        interpreters: list[Interpreter] = []

        def body() -> None:
            interpreters.append(Interpreter(program))
            interpreters[0].main()

        execution = machine.execute(body, plan)
        search.learn(execution)
        return (
            list(execution.threads), [repr(operation) for operation in execution.operations],
            execution.end, execution.detail, sorted(interpreters[0].seen.items()),
            [(blocked.thread.name, blocked.operation.kind) for blocked in execution.blocked],
            execution.preemptions,
        )  # fmt: skip

    for plan in islice(iter(search.next_plan, None), most):
        found.append(execute(plan))
    return found


@pytest.fixture
def _greenlets_afterwards() -> Any:
    yield
    machine.carry_by(hub_class(AUTO))


@needs_greenlet
@pytest.mark.usefixtures("_greenlets_afterwards")
@pytest.mark.parametrize("seed", range(40))
def test_generated_programs_are_executed_alike(seed: int) -> None:
    program = Generator(random.Random(seed)).program()
    assert history(program, OS, 25) == history(program, GREENLET, 25)


@pytest.mark.parametrize("name", ["02_account_race.py", "04_self_deadlock.py"])
@pytest.mark.parametrize("threads", CARRIERS)
@pytest.mark.parametrize("other", CARRIERS)
def test_a_replay_works_with_either(name: str, threads: str, other: str, tmp_path: Path) -> None:
    for finding in run(EXAMPLES / name, tmp_path, threads).findings:
        file = Path(finding.replay)
        content = json.loads(file.read_text())
        assert content["options"]["threads"] == threads
        content["options"]["threads"] = other
        file.write_text(json.dumps(content))
        again = replay(str(file))
        assert again.reproduced, again.message


PROGRAMS = {
    "contexts": """
        import contextvars, decimal
        variable = contextvars.ContextVar("variable", default=0)
        def work(number):
            print(variable.get(), decimal.getcontext().prec)
            variable.set(number)
            decimal.getcontext().prec = number
            box.append(number)
            print(variable.get(), decimal.Decimal(1) / 3)
        variable.set(9)
    """,
    "warnings": """
        import warnings
        def work(number):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                box.append(number)
                warnings.warn(str(number))
                print(len(caught) <= 2)
    """,
    "logging": """
        import logging, sys
        logging.basicConfig(stream=sys.stdout, format="%(threadName)s %(thread)d %(message)s")
        def work(number):
            box.append(number)
            logging.warning("from %s", number)
    """,
    "locals": """
        import threading
        kept = threading.local()
        def work(number):
            kept.value = getattr(kept, "value", 0) + number
            box.append(number)
            print(kept.value, threading.get_ident(), threading.current_thread().name)
    """,
    "processes": """
        import os, subprocess, sys
        def work(number):
            box.append(number)
            os.write(1, b"past the stream\\n")
            print(subprocess.run([sys.executable, "-Sc", "print(1)"], capture_output=True).stdout)
    """,
    "databases": """
        import sqlite3
        def work(number):
            with sqlite3.connect(":memory:") as connection:
                box.append(number)
                print(connection.execute("select ? + 1", (number,)).fetchone())
    """,
    "limits": """
        import sys
        def work(number):
            sys.setrecursionlimit(500 + number)
            box.append(number)
            sys.setswitchinterval(number)
            print(sys.getrecursionlimit() > 500, sys.getswitchinterval() >= 1)
    """,
}


@needs_greenlet
@pytest.mark.parametrize("name", PROGRAMS)
def test_what_surrounds_threads_is_the_same_too(name: str, tmp_path: Path) -> None:
    start = """
        import threading
        box = []
        threads = [threading.Thread(target=work, args=(number,)) for number in (1, 2)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
    """
    script = write(tmp_path, textwrap.dedent(PROGRAMS[name]) + textwrap.dedent(start))
    first, second = (run(script, tmp_path, carrier) for carrier in (GREENLET, OS))
    assert not first.error
    assert first.interleavings >= 2
    assert_equal(first, second)


@needs_greenlet
def test_a_module_that_another_thread_is_just_importing_is_no_real_lock(tmp_path: Path) -> None:
    (tmp_path / "common.py").write_text("counter = 0\n")
    (tmp_path / "imported.py").write_text(
        "import common\ncommon.counter += 1\ncommon.counter += 1\n"
    )
    script = write(
        tmp_path,
        """
        import threading, common
        def first():
            import imported
        def second():
            common.counter += 1
            import imported
        threads = [threading.Thread(target=body) for body in (first, second)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """,
    )
    first, second = (run(script, tmp_path, carrier) for carrier in (GREENLET, OS))
    assert not first.error
    assert first.interleavings > 1
    assert_equal(first, second)


GREENLETS_OF_ITS_OWN = """
    import threading
    import greenlet
    seen = []
    ready, event = threading.Event(), threading.Event()
    def inner():
        ready.set()
        event.wait()
        seen.append("inner")
    def work():
        greenlet.greenlet(inner).switch()
        seen.append("outer")
    thread = threading.Thread(target=work)
    thread.start()
    ready.wait()
    event.set()
    thread.join()
    print(seen)
"""


@needs_greenlet
def test_a_program_that_has_greenlets_is_told_what_to_do(tmp_path: Path) -> None:
    script = write(tmp_path, GREENLETS_OF_ITS_OWN)
    refused = run(script, tmp_path, GREENLET)
    assert refused.verdict == "error"
    assert f"{script}:8 (inner)" in refused.error
    assert refused.error.endswith("use --threads os")
    result = run(script, tmp_path, OS)
    assert result.verdict == "ok"
    assert [outcome.lines for outcome in result.outcomes] == [["['inner', 'outer']"]]


@pytest.mark.parametrize("threads", CARRIERS)
def test_a_program_that_wants_larger_stacks_is_told_what_to_do(
    threads: str, tmp_path: Path
) -> None:
    script = write(
        tmp_path,
        """
        import threading
        threading.stack_size(16 * 1024 * 1024)
        threading.Thread(target=print).start()
        """,
    )
    notes = " ".join(run(script, tmp_path, threads).notes)
    assert ("use --threads os if it needs them" in notes) is (threads == GREENLET)


RACY = """
    import threading
    total = 0
    def add():
        global total
        total += 1
    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert total == 2
"""


def note(result: Result) -> list[str]:
    return [note for note in result.notes if note.startswith("threads of the operating system")]


@needs_greenlet
def test_what_was_used_is_told_unless_it_is_the_usual(tmp_path: Path) -> None:
    script = write(tmp_path, RACY)
    assert note(run(script, tmp_path, AUTO)) == []
    assert note(run(script, tmp_path, GREENLET)) == []
    assert note(run(script, tmp_path, OS)) == [
        "threads of the operating system were used (--threads os)"
    ]


@needs_greenlet
def test_without_a_gil_greenlets_are_used_only_if_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    script = write(tmp_path, RACY)
    result = run(script, tmp_path, AUTO)
    assert result.carrier == OS
    assert note(result) == ["threads of the operating system were used, as always without a GIL"]
    assert run(script, tmp_path, GREENLET).carrier == GREENLET


def test_greenlets_that_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(threads: str) -> Any:
        raise NoGreenlet("no module named greenlet")

    monkeypatch.setattr(session, "hub_class", refuse)
    with pytest.raises(CannotRun, match=r"^--threads greenlet: .*no module.*--threads os$"):
        run(write(tmp_path, RACY), tmp_path, GREENLET)


def raceproof(*arguments: str, greenlet: bool) -> subprocess.CompletedProcess[str]:
    """The command, in a Python with or without greenlet."""
    path = os.environ.get("PYTHONPATH", "")
    if not greenlet:
        path = os.pathsep.join([str(WITHOUT), *filter(None, [path])])
    return subprocess.run(
        [sys.executable, "-m", "raceproof", *arguments],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_the_command_without_greenlet(tmp_path: Path) -> None:
    script = str(write(tmp_path, RACY))
    place = ["--replay-dir", str(tmp_path)]
    shown = raceproof("run", *place, script, greenlet=False)
    assert shown.returncode == 1, shown.stderr
    text = " ".join(shown.stdout.split())
    assert (
        "threads of the operating system were used: greenlet, which is quicker, cannot be imported"
        in text
    )
    refused = raceproof("run", "--threads", "greenlet", script, greenlet=False)
    assert refused.returncode == 2
    assert refused.stderr.startswith("raceproof: --threads greenlet: greenlet cannot be imported")
    again = raceproof("replay", str(next(tmp_path.glob("*-1.json"))), greenlet=False)
    assert again.returncode == 1, again.stderr


@needs_greenlet
def test_the_command_says_in_json_what_it_used(tmp_path: Path) -> None:
    script = str(write(tmp_path, RACY))
    options = ["run", "--format", "json", "--replay-dir", str(tmp_path)]
    found = [
        json.loads(raceproof(*options, "--threads", threads, script, greenlet=True).stdout)
        for threads in (AUTO, GREENLET, OS)
    ]
    assert [report["carrier"] for report in found] == [GREENLET, GREENLET, OS]
    assert {report["interleavings"] for report in found} == {4}


def test_auto_takes_what_there_is() -> None:
    assert carriers.name_of(hub_class(AUTO)) == (GREENLET if HAVE_GREENLET else OS)
    assert carriers.name_of(hub_class(OS)) == OS
    assert exploration.Options().threads == AUTO
