"""The progress line, on a terminal and a clock made for the purpose."""

from __future__ import annotations

import io

import pytest

from raceproof.report.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def shown(self) -> str:
        """What a person sees: everything after a carriage return is written over the line."""
        line = ""
        for part in self.getvalue().split("\r"):
            line = part + line[len(part) :]
        return line.rstrip()


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_short_run_shows_nothing(clock: Clock) -> None:
    terminal = Terminal()
    progress = Progress(terminal, clock)
    for _ in range(49):
        clock.now += 0.01
        progress.update(10, 100.0, 0)
    progress.close()
    assert terminal.getvalue() == ""


def test_how_far_a_long_run_is(clock: Clock) -> None:
    terminal = Terminal()
    progress = Progress(terminal, clock)
    clock.now += 3.4
    progress.update(1_234, 10_040.0, 2)
    assert terminal.shown() == "1,234 interleavings, about 12 % of 10,000, 2 findings, 3 s"
    clock.now += 1
    progress.update(2_000, float("inf"), 1)
    assert terminal.shown() == "2,000 interleavings, 1 finding, 4 s"
    progress.close()
    assert terminal.shown() == ""


def test_ten_drawings_a_second_at_most(clock: Clock) -> None:
    terminal = Terminal()
    progress = Progress(terminal, clock)
    clock.now += 1
    for number in range(3_000):
        clock.now += 1 / 3_000
        progress.update(number, 5_000.0, 0)
    assert terminal.getvalue().count("\r") <= 11


def test_nothing_goes_into_a_file(clock: Clock) -> None:
    stream = io.StringIO()
    progress = Progress(stream, clock)
    clock.now += 60
    progress.update(1, 2.0, 0)
    progress.close()
    assert stream.getvalue() == ""


def test_nothing_is_drawn_after_the_end(clock: Clock) -> None:
    terminal = Terminal()
    progress = Progress(terminal, clock)
    progress.close()
    clock.now += 60
    progress.update(1, 2.0, 0)
    assert terminal.getvalue() == ""


def test_a_terminal_that_went_away_does_not_end_the_search(clock: Clock) -> None:
    class Gone(Terminal):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    progress = Progress(Gone(), clock)
    clock.now += 60
    progress.update(1, 2.0, 0)
    progress.close()
