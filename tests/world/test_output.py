"""What programs print."""

from __future__ import annotations

import _thread
import atexit
import contextlib
import io
import logging
import sys
import threading
from typing import Any

import pytest
from world.simulation import explore, run, shown, value

from raceproof.world.execution import Plan
from raceproof.world.output import MAX_CHARACTERS, MAX_LENGTH, MAX_LINES, Line
from raceproof.world.patches import Patches
from raceproof.world.scheduler import machine


def test_lines_are_kept_with_their_thread_and_stream() -> None:
    def program() -> None:
        print("one", "two")
        print("bad", file=sys.stderr)
        thread = threading.Thread(target=print, args=("three",))
        thread.start()
        thread.join()

    assert run(program).record.output.lines == [
        Line(0, "stdout", "one two", "one two"),
        Line(0, "stderr", "bad", "bad"),
        Line(1, "stdout", "three", "three"),
    ]


def test_lines_of_two_threads_do_not_run_together() -> None:
    def program() -> None:
        lock = threading.Lock()

        def work(name: str) -> None:
            for _ in range(2):
                with lock:
                    print(name, end=" ")
            print()

        threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert explore(program).lines == {("a a ", "b b "): 6}


def test_an_unfinished_line_is_a_line() -> None:
    assert run(lambda: print("a\nb", end="")).lines == ["a", "b"]
    assert run(lambda: print("", end="")).lines == []


def test_the_streams_are_like_files() -> None:
    def program() -> Any:
        out = sys.stdout
        out.buffer.write("bytes: é\n".encode())
        out.writelines(["x\n", "y\n"])
        out.flush()
        out.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        with pytest.raises(TypeError, match="must be str, not bytes"):
            out.write(b"x")  # type: ignore[arg-type]
        return out.isatty(), out.encoding, out.writable(), out.fileno(), out.write("12\n")

    ran = run(program)
    assert ran.result == (False, "utf-8", True, 1, 3)
    assert ran.lines == ["bytes: é", "x", "y", "12"]


def test_redirected_output_is_none_of_ours_and_ends_with_the_execution() -> None:
    def program() -> Any:
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            print("inside")
        sys.stdout = text
        print("inside")
        return text.getvalue()

    ran = run(program)
    assert (ran.result, ran.lines) == ("inside\ninside\n", [])
    assert run(lambda: print("again")).lines == ["again"]


def printing(lines: list[str]) -> list[str]:
    """What becomes of output in these lines."""

    def program() -> None:
        for line in lines:
            print(line)

    return run(program).lines


def test_of_too_many_lines_a_checksum_is_kept() -> None:
    many = [f"line {number}" for number in range(MAX_LINES + 5)]
    (line,) = printing(many)
    assert line.startswith("10,005 lines (checksum ")
    assert printing(many[::-1]) == [line], "the order of lines is no result"
    assert printing([*many[:-1], "other"]) != [line]
    (line,) = printing(["x" * MAX_LENGTH] * (MAX_CHARACTERS // MAX_LENGTH + 1))
    assert line.startswith("101 lines (checksum ")


def test_addresses_do_not_count_in_the_checksum() -> None:
    many = ["x"] * MAX_LINES
    assert printing([*many, "at 0x7fff1234"]) == printing([*many, "at 0x7fff4321"])


def test_of_a_very_long_line_a_checksum_is_kept() -> None:
    def program(last: str) -> None:
        for _ in range(MAX_LENGTH + 5):
            print("x", end="")
        print(last)

    (line,) = run(lambda: program("a")).lines
    assert line.startswith("x" * MAX_LENGTH + "... 6 more characters (checksum ")
    assert run(lambda: print("x" * (MAX_LENGTH + 5), "a", sep="")).lines == [line]
    assert run(lambda: program("b")).lines != [line]


def test_tracebacks_of_the_interpreter_are_no_output_but_shown() -> None:
    def program() -> None:
        print("before", file=sys.stderr)
        thread = threading.Thread(target=int, args=("x",))
        thread.start()
        thread.join()
        _thread.start_new_thread(int, ("y",))
        raise KeyError("z")

    ran = run(program)
    assert ran.lines == ["before"]
    assert ran.record.exit == "KeyError: 'z'"
    lines = shown(program)
    assert lines[:3] == [
        "before", "Exception in thread Thread-1 (int):", "Traceback (most recent call last):",
    ]  # fmt: skip
    assert lines[-1] == "KeyError: 'z'"


def test_what_hooks_of_the_program_print_is_output() -> None:
    def program() -> None:
        sys.excepthook = lambda kind, error, trace: print("main:", error)
        threading.excepthook = lambda args: print("thread:", args.exc_value)
        thread = threading.Thread(target=int, args=("x",))
        thread.start()
        thread.join()
        raise ValueError("z")

    assert run(program).lines == [
        "thread: invalid literal for int() with base 10: 'x'", "main: z"
    ]  # fmt: skip


def test_an_exception_that_nothing_else_tells_of_is_output_in_short() -> None:
    def program() -> None:
        atexit.register(int, "x")

    assert run(program).lines == ["ValueError: invalid literal for int() with base 10: 'x'"]


def test_what_is_printed_while_a_thread_is_unwound_does_not_count() -> None:
    def program() -> None:
        def wait() -> None:
            try:
                threading.Event().wait()
            finally:
                print("unwound")

        threading.Thread(target=wait, daemon=True).start()

    assert set(explore(program).lines) == {()}


def test_output_can_be_shown_as_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    machine.forget()
    with Patches() as patches:
        patches.begin_execution(echo=True)
        machine.execute(lambda: patches.run_main(lambda: print("shown")), Plan())
        patches.end_execution()
    assert capsys.readouterr().out == "shown\n"


def test_log_handlers_are_no_source_of_interleavings() -> None:
    def program() -> None:
        logging.root.handlers.clear()
        logging.basicConfig(format="%(threadName)s %(message)s", level=logging.INFO)

        def work() -> None:
            for n in range(3):
                logging.info("step %d", n)

        threads = [threading.Thread(target=work, name=f"t{n}") for n in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    lines = tuple(f"t{thread} step {n}" for thread in range(2) for n in range(3))
    assert explore(program).lines == {lines: 1}


def test_logging_is_configured_anew_in_each_execution() -> None:
    def program() -> Any:
        logger = logging.getLogger("of.the.program")
        before = (len(logger.handlers), logger.level)
        logger.addHandler(logging.NullHandler())
        logger.setLevel(5)
        return before

    assert value(program) == (0, 0)
    assert value(program) == (0, 0)
