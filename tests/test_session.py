"""Each execution starts from scratch, and afterwards everything is as it was."""

from __future__ import annotations

import decimal
import gc
import json
import locale
import os
import socket
import subprocess
import sys
import textwrap
import time
import warnings
from pathlib import Path
from typing import Any

import pytest

from raceproof.session import Program, Session
from raceproof.world.execution import Plan
from raceproof.world.scheduler import machine


def run_twice(directory: Path, source: str) -> list[list[str]]:
    """What each of two executions of a program prints."""
    script = directory / "program.py"
    script.write_text(textwrap.dedent(source), encoding="utf-8")
    with Session(Program(str(script), None)) as session:
        return [session.run(Plan()).record.lines() for _ in range(2)]


def state() -> dict[str, Any]:
    """What programs change in their process."""
    umask = os.umask(0o22)
    os.umask(umask)
    return {
        "directory": os.getcwd(), "environment": dict(os.environ), "path": sys.path[:],
        "arguments": sys.argv[:], "locale": locale.setlocale(locale.LC_ALL),
        "limit": sys.getrecursionlimit(), "trace": sys.gettrace(), "profile": sys.getprofile(),
        "filters": warnings.filters[:], "show": warnings.showwarning, "umask": umask,
        "interval": sys.getswitchinterval(), "gc": (gc.isenabled(), gc.get_threshold()),
        "timeout": socket.getdefaulttimeout(), "zone": time.tzname, "print": print,
        "precision": decimal.getcontext().prec,
        "stdout": sys.stdout, "__stdout__": sys.__stdout__, "__stderr__": sys.__stderr__,
    }  # fmt: skip


CHANGES = """
    import builtins, decimal, gc, locale, os, random, socket, sys, threading, time, warnings
    print(os.path.basename(os.getcwd()), "X" in os.environ, "HOME" in os.environ, sys.path[-1:],
          sys.argv[1:], locale.setlocale(locale.LC_ALL), sys.getrecursionlimit(),
          sys.gettrace() is None, sys.getprofile() is None, len(warnings.filters),
          warnings.showwarning.__module__, sys.getswitchinterval(), gc.isenabled(),
          gc.get_threshold(), socket.getdefaulttimeout(), time.tzname, decimal.getcontext().prec,
          random.random())
    os.mkdir("new")
    os.chdir("new")
    os.rmdir(os.getcwd())
    os.environ["X"] = "1"
    os.environ["TZ"] = "Asia/Tokyo"
    os.environ.pop("HOME", None)
    time.tzset()
    sys.path.append("elsewhere")
    sys.argv = [*sys.argv, "more"]
    for name in ("C.UTF-8", "C"):
        try:
            locale.setlocale(locale.LC_ALL, name)
        except locale.Error:
            pass
    sys.setrecursionlimit(5_000)
    sys.settrace(lambda *_: None)
    sys.setprofile(lambda *_: None)
    threading.settrace(lambda *_: None)
    warnings.simplefilter("error")
    warnings.filters = warnings.filters[:]
    warnings.showwarning = print
    os.umask(0o77)
    sys.setswitchinterval(1)
    gc.enable()
    gc.set_threshold(5)
    socket.setdefaulttimeout(1)
    decimal.getcontext().prec = 3
    random.seed(1)
    builtins.print = len
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a directory in use cannot be removed there")
def test_what_a_program_changes_in_its_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = state()
    first, second = run_twice(tmp_path, CHANGES)
    assert len(first) == 1
    assert first == second
    assert state() == before


@pytest.mark.skipif(sys.platform == "win32", reason="a directory in use cannot be removed there")
@pytest.mark.parametrize("how", ["os.rmdir(PATH)", "os.system('rmdir ' + PATH)"])
def test_a_working_directory_that_is_removed(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    source = f"""
        import os
        PATH = {str(here)!r}
        print(os.path.exists(PATH))
        {how}
    """
    seen = run_twice(tmp_path, source)
    if "system" in how:  # out of sight, so that nobody puts it back
        assert seen[1][0] == "False"
    else:
        assert seen == [["True"], ["True"]]
        assert os.path.samefile(os.curdir, here)


def test_descriptors_are_mended(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = """
        import os
        os.write(1, b"written\\n")
        print(os.system("echo from below"))
        os.close(1)
        print(os.open(__file__, os.O_RDONLY))
        os.dup2(1, 2)
    """
    assert run_twice(tmp_path, source) == [["written", "0", "1"]] * 2
    os.write(1, b"out\n")
    os.write(2, b"err\n")
    assert capfd.readouterr() == ("out\n", "err\n")


WRITES = """
    import faulthandler, os, subprocess, sys, threading

    def work():
        sys.__stdout__.write("dunder\\n")
        sys.__stderr__.write("dunder\\n")
        os.write(1, b"number\\n")
        os.write(sys.stderr.fileno(), b"number\\n")
        os.system("echo shell; echo shell >&2")
        subprocess.run(["echo", "process"])
        faulthandler.dump_traceback()
        open(1, "w", closefd=False).write("open\\n")

    thread = threading.Thread(target=work)
    thread.start()
    work()
    thread.join()
"""


def raceproof(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "raceproof", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="the shell of POSIX")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_nothing_but_the_report_is_on_standard_output(tmp_path: Path, unbuffered: str) -> None:
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(WRITES), encoding="utf-8")
    done = raceproof(
        "run", "--format", "json", str(script),
        cwd=tmp_path, env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr == ""
    assert json.loads(done.stdout)["outcomes"][0]["lines"] == [
        "dunder", "dunder", "number", "number"
    ] * 2  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="the shell of POSIX")
def test_a_replay_shows_everything(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        textwrap.dedent(
            """
            import os, sys, threading
            count = 0
            def work():
                global count
                count += 1
            threads = [threading.Thread(target=work) for _ in range(2)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
            print("printed", flush=True)
            os.system("echo shell")
            sys.__stdout__.write("dunder\\n")
            1 // 0
            """
        ),
        encoding="utf-8",
    )
    assert raceproof("run", str(script), cwd=tmp_path).returncode == 1
    (recorded, *_) = (tmp_path / ".raceproof").iterdir()
    done = raceproof("replay", str(recorded), cwd=tmp_path)
    assert done.returncode == 1
    for text in ("printed\n", "shell\n", "dunder\n"):
        assert text in done.stdout
    assert "ZeroDivisionError" in done.stderr


def test_standard_streams_that_are_closed(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text("print('hello')\n", encoding="utf-8")
    code = (
        "import os, sys; os.close(1); os.close(2); from raceproof.cli import main; "
        f"sys.exit(main(['run', {str(script)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, timeout=60)
    assert done.returncode in (0, 2)
    code = f"import sys; from raceproof.cli import main; sys.exit(main(['run', {str(script)!r}]))"
    done = subprocess.run(
        f'exec "{sys.executable}" -c "{code}" >&- 2>&-', shell=True, cwd=tmp_path, timeout=60
    )
    assert done.returncode in (0, 2)


def test_the_machine_watches_nothing_any_more(tmp_path: Path) -> None:
    before = machine.watched_files, machine.timeouts
    script = tmp_path / "program.py"
    script.write_text("x = 1", encoding="utf-8")
    with Session(Program(str(script), None), timeouts="any") as session:
        session.run(Plan())
        assert str(script) in machine.watched_files
    assert (machine.watched_files, machine.timeouts) == before


def test_watched_code_that_outlives_its_exploration_runs_on(tmp_path: Path) -> None:
    kept: list[Any] = []
    source = """
        import decimal, threading
        class Counter:
            value = 0
        def count(values, counter):
            items = {}
            try:
                for value in values:
                    counter.value += value
                    items[value] = [*items.get(value, ()), value]
                    yield counter.value, len(items)
            finally:
                while not counter.value > 20:
                    counter.value += 1
                print(items[1], counter.value)
        decimal.left_over = count([1, 2, 3], Counter())
        print(next(decimal.left_over))
    """
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(source), encoding="utf-8")
    with Session(Program(str(script), None)) as session:
        session.run(Plan())
        kept.append(decimal.__dict__.pop("left_over"))
    (generator,) = kept
    assert list(generator) == [(3, 2), (6, 3)]
