"""Programs that take the interpreter with them get a verdict all the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from carriers import CARRIERS

from raceproof import supervision
from raceproof.supervision import Fate

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be copied here")

TOLD = """\
Timeout (0:00:30)!
Thread 0x00007f (most recent call first):
  File "{own}interruption.py", line 95 in _watch

Thread 0x00007e (most recent call first):
  File "{library}ctypes/__init__.py", line 519 in string_at
  File "bank.py", line 7 in withdraw
  File "bank.py", line 12 in <module>
"""


@pytest.fixture
def fate_of(monkeypatch: pytest.MonkeyPatch) -> object:
    """What is said of a process that writes a text to its fault file and ends in some way."""
    monkeypatch.setattr(supervision.signal, "signal", lambda *_: None)

    def fate(told: str, end: object) -> Fate:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writing, told.encode())
            if isinstance(end, int):
                os._exit(end)
            os.kill(os.getpid(), end.number)  # type: ignore[attr-defined]
        os.close(writing)
        return supervision._wait_for(child, reading)

    return fate


class Killed:
    def __init__(self, name: str) -> None:
        self.number = getattr(supervision.signal, name)


def test_an_ordinary_end_is_passed_on(fate_of) -> None:  # type: ignore[no-untyped-def]
    assert fate_of("", 1) == Fate(1)


def test_a_hang_is_told_with_the_line_of_the_program(fate_of) -> None:  # type: ignore[no-untyped-def]
    told = TOLD.format(own=supervision.OWN[0], library=supervision._libraries()[0])
    fate = fate_of(told, 1)
    assert fate.status == 2
    assert fate.error.endswith("did not come back, called at bank.py:7 (withdraw)")


def test_a_thread_that_waits_for_its_turn_does_not_hang(fate_of) -> None:  # type: ignore[no-untyped-def]
    head, rest = TOLD.format(own=supervision.OWN[0], library=supervision._libraries()[0]).split(
        "\n", 1
    )
    waiting = (
        "Thread 0x00007d (most recent call first):\n"
        f'  File "{supervision.WAITING}", line 200 in hand_over\n'
        '  File "bank.py", line 20 in deposit\n\n'
    )
    assert fate_of(f"{head}\n{waiting}{rest}", 1).error.endswith("bank.py:7 (withdraw)")
    assert os.path.isfile(supervision.WAITING)


def test_a_crash_is_told_by_the_name_of_its_signal(fate_of) -> None:  # type: ignore[no-untyped-def]
    fate = fate_of("", Killed("SIGABRT"))
    assert fate == Fate(2, "the interpreter crashed (SIGABRT)", crashed=True)


def test_being_ended_from_outside_is_no_crash(fate_of) -> None:  # type: ignore[no-untyped-def]
    assert fate_of("", Killed("SIGTERM")) == Fate(143)


@pytest.mark.parametrize("threads", CARRIERS)
def test_a_program_that_crashes_the_interpreter_gets_a_report(threads: str, tmp_path: Path) -> None:
    script = tmp_path / "crash.py"
    script.write_text(
        textwrap.dedent("""
        import ctypes, threading

        thread = threading.Thread(target=lambda: ctypes.string_at(0))
        thread.start()
        thread.join()
        """)
    )
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "raceproof",
            "run",
            "--format",
            "json",
            "--threads",
            threads,
            str(script),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(done.stdout)
    assert done.returncode == 2
    assert report["verdict"] == "error"
    assert report["error"].startswith("the interpreter crashed (SIG")
    assert f"{script}:4" in report["error"]
    assert report["error"].endswith("try --threads os") is (threads == "greenlet")
