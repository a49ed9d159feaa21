"""What the source says about a wait."""

from __future__ import annotations

import textwrap

import pytest

from raceproof.judge.findings import Place
from raceproof.judge.source import Source


def line_of(body: str, text: str) -> tuple[Source, Place]:
    source = textwrap.dedent(body)
    number = next(n for n, line in enumerate(source.splitlines(), 1) if text in line)
    return Source({"p.py": source}), Place("p.py", number, "f")


@pytest.mark.parametrize(
    ("body", "check"),
    [
        ("if not items:\n    c.wait()\n", "if"),
        ("while not items:\n    c.wait()\n", "while"),
        ("while True:\n    if not items:\n        c.wait()\n", "if"),
        ("while True:\n    c.wait()\n", ""),
        ("c.wait()\n", ""),
        ("if ready:\n    def f():\n        c.wait()\n", ""),
    ],
)
def test_how_a_condition_is_checked(body: str, check: str) -> None:
    source, place = line_of(body, "c.wait()")
    assert source.check_around(place, "wait") == check


@pytest.mark.parametrize(
    ("line", "ignored"),
    [
        ("done.wait(1)", True),
        ("thread.join(timeout=1)", True),
        ("ok = done.wait(1)", False),
        ("if done.wait(1): pass", False),
        ("return_value(done.wait(1))", False),
        ("print('nothing waits here')", False),
    ],
)
def test_whether_a_result_is_ignored(line: str, ignored: bool) -> None:
    source, place = line_of(f"{line}\n", line)
    assert source.ignores_result(place) is ignored


def test_a_file_that_is_not_watched_says_nothing() -> None:
    source = Source({})
    assert source.check_around(Place("other.py", 3, "f"), "wait") == ""
    assert not source.ignores_result(Place("other.py", 3, "f"))
