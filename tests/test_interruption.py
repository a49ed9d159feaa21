"""Whatever a program does, and on whatever its threads run, the search comes to an end."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import textwrap
from _thread import start_new_thread
from pathlib import Path
from typing import Any

import pytest
from carriers import CARRIERS

from raceproof import exploration
from raceproof.exploration import Options, explore
from raceproof.interruption import Interruption
from raceproof.judge.findings import Result
from raceproof.session import Program
from raceproof.world.scheduler import machine

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them"),
    pytest.mark.parametrize("threads", CARRIERS),
]

ELSEWHERE = """
    import socket

    def spin():
        while True:
            pass

    def refuse():
        while True:
            try:
                spin()
            except BaseException:
                pass

    def block():
        ours, theirs = socket.socketpair()
        ours.recv(1)
"""
"""What is not watched."""

STARTER = """
    import threading, elsewhere
    thread = threading.Thread(target=elsewhere.{function}, name="worker")
    thread.start()
    thread.join()
"""


def write(directory: Path, source: str) -> Path:
    (directory / "elsewhere.py").write_text(textwrap.dedent(ELSEWHERE), encoding="utf-8")
    script = directory / "program.py"
    script.write_text(textwrap.dedent(source), encoding="utf-8")
    return script


def run(script: Path, threads: str, progress: Any = lambda *_: None, **options: Any) -> Result:
    chosen = Options(
        threads=threads, exclude=("elsewhere",), replay_dir=str(script.parent / "replays"),
        **options,
    )  # fmt: skip
    return explore(Program(str(script), None), chosen, progress)


def test_a_loop_that_nobody_watches_is_named_and_left(
    threads: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exploration, "Interruption", functools.partial(Interruption, patience=0.3))
    monkeypatch.delitem(sys.modules, "elsewhere", raising=False)
    script = write(tmp_path, STARTER.format(function="spin"))
    result = run(script, threads)
    place = f"{tmp_path / 'elsewhere.py'}:"
    assert result.verdict == "error"
    assert result.error.startswith("worker has not come back for 0.3 s from " + place)
    assert "(spin)" in result.error
    assert not machine.active
    script.write_text("print('hello')\n")
    assert run(script, threads).verdict == "ok"


IMPATIENT = """
    import select, socket, sys
    from raceproof import interruption
    interruption.Interruption.__init__.__defaults__ = (0.5,)
    from raceproof.cli import main
    sys.exit(main(sys.argv[1:]))
"""


def impatiently(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, with little patience for what hangs."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(IMPATIENT), *arguments],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("function", ["refuse", "block"])
def test_what_cannot_be_ended_gets_a_report_all_the_same(
    threads: str, function: str, tmp_path: Path
) -> None:
    script = write(tmp_path, STARTER.format(function=function))
    options = ["run", "--threads", threads, "--exclude", "elsewhere", "--format", "json"]
    ran = impatiently(*options, str(script))
    assert ran.returncode == 2, ran.stderr
    report = json.loads(ran.stdout)
    assert report["verdict"] == "error"
    assert report["error"].startswith("worker has not come back for 0.5 s from ")
    assert str(tmp_path / "elsewhere.py") in report["error"]


MANY_ORDERS = """
    import threading
    values = [0]
    def work():
        for _ in range(4):
            values[0] += 1
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_control_c_ends_a_search(threads: str, tmp_path: Path) -> None:
    sent = [False]

    def progress(interleavings: int, estimated: float, findings: int) -> None:
        if interleavings == 3 and not sent[0]:
            sent[0] = True
            # It arrives in the middle of one of the executions to come.
            start_new_thread(interrupt, ())

    script = write(tmp_path, MANY_ORDERS)
    result = run(script, threads, progress, keep_going=True, max_seconds=60.0)
    assert result.cut == "interrupted"
    assert result.verdict == "finding"
    assert not machine.active


def test_control_c_ends_an_endless_execution(threads: str, tmp_path: Path) -> None:
    script = write(
        tmp_path,
        """
        import threading
        values = [0]
        def work():
            count = 0
            while True:
                count += 1
                values[0] = count
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        """,
    )

    def wait_and_interrupt() -> None:
        while not machine.active or machine.step < 10:
            pass
        interrupt()

    start_new_thread(wait_and_interrupt, ())
    result = run(script, threads, max_seconds=60.0)
    assert result.error == "interrupted before one interleaving had ended"


UGLY = {
    "threads that swallow everything": (
        """
        import threading
        lock = threading.Lock()
        def refuse():
            while True:
                try:
                    with lock:
                        pass
                    threading.Event().wait()
                except BaseException:
                    pass
        for _ in range(3):
            threading.Thread(target=refuse, daemon=True).start()
        """,
        "ok",
    ),
    "a loop without end": (
        """
        import threading
        values = [0]
        def work():
            count = 0
            while True:
                count += 1
                values[0] = count
        for _ in range(2):
            threading.Thread(target=work).start()
        """,
        "finding",
    ),
    "the end of the process in a thread": (
        """
        import os, threading
        total = 0
        def work():
            global total
            total += 1
            if total == 2:
                os._exit(3)
        for _ in range(2):
            threading.Thread(target=work).start()
        """,
        "finding",
    ),
    "recursion without end": (
        """
        import threading
        lock = threading.Lock()
        def descend():
            with lock:
                pass
            try:
                descend()
            finally:
                with lock:
                    pass
        def work():
            try:
                descend()
            except RecursionError:
                print("too deep")
        for _ in range(2):
            threading.Thread(target=work).start()
        """,
        "",  # how much of a lock fits in at the limit, depends
    ),
    "hundreds of threads": (
        """
        import threading
        done = []
        threads = [threading.Thread(target=done.append, args=(n,)) for n in range(300)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(len(done))
        """,
        "ok",
    ),
    "exits and exceptions of threads, and generators that they leave": (
        """
        import sys, threading
        def generate():
            try:
                while True:
                    yield 1
            finally:
                lock.acquire()
        lock = threading.Lock()
        def work(number):
            values = generate()
            next(values)
            if number:
                sys.exit(number)
            raise ValueError(number)
        for number in range(2):
            threading.Thread(target=work, args=(number,)).start()
        """,
        "finding",
    ),
}


@pytest.mark.parametrize("name", UGLY)
def test_ugly_programs(threads: str, name: str, tmp_path: Path) -> None:
    source, verdict = UGLY[name]
    result = run(write(tmp_path, source), threads, max_interleavings=3, max_seconds=1.0)
    assert result.verdict == (verdict or result.verdict), result.error
    assert not machine.active


def test_threads_that_will_not_go_do_not_keep_the_process(threads: str, tmp_path: Path) -> None:
    script = write(tmp_path, UGLY["threads that swallow everything"][0])
    ran = subprocess.run(
        [sys.executable, "-m", "raceproof", "run", "--threads", threads, str(script)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "ok" in ran.stdout
