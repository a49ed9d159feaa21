"""The columns: what a person sees of an interleaving, to the letter."""

from __future__ import annotations

import pytest
from report import interleavings
from report.expectation import assert_expected

from raceproof.judge.findings import Fold, Place, Step
from raceproof.report.columns import draw
from raceproof.report.layout import ASCII, cells

CASES = [
    "lost_update",
    "self_deadlock",
    "deadlock",
    "four_threads",
    "five_threads",
    "long_lines",
    "wide_characters",
]


def drawn(case: str, width: int) -> list[str]:
    finding = getattr(interleavings, case)()
    return [line.text for line in draw(finding.steps, finding.threads, width)]


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("case", CASES)
def test_the_drawing_is_exactly_this(case: str, width: int) -> None:
    lines = drawn(case, width)
    assert_expected(f"columns-{case}-{width}", "\n".join(lines) + "\n")


@pytest.mark.parametrize("width", [20, 40, 66, 80, 100, 120, 200])
@pytest.mark.parametrize("case", CASES)
def test_no_line_is_wider_than_asked_for(case: str, width: int) -> None:
    # A thread, a place and a text side by side need some room, whatever is asked for.
    assert max(map(cells, drawn(case, width))) <= max(width, 36)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_ends_in_blanks_and_spans_stay_inside(case: str, width: int) -> None:
    finding = getattr(interleavings, case)()
    for line in draw(finding.steps, finding.threads, width):
        assert line.text == line.text.rstrip()
        for span in line.spans:
            assert 0 <= span.start < span.end <= len(line.text)


def test_no_steps_draw_nothing() -> None:
    assert draw([], ["main"], 80) == []


def test_what_a_span_marks() -> None:
    finding = interleavings.lost_update()
    lines = draw(finding.steps, finding.threads, 120)
    marked = {
        (span.style, line.text[span.start : span.end]) for line in lines for span in line.spans
    }
    assert ("thread", "withdraw(500)") in marked
    assert ("key", "*4") in marked
    assert ("key", "self.balance = new_balance") in marked
    assert ("event", "writes balance: 300 → 500") in marked
    assert ("event", "holds log_lock") in marked
    assert ("preempted", "── preempted ──") in marked
    assert ("hidden", "… 1 step of withdraw(500), 14 of withdraw(700) …") in marked


def test_ascii_signs_where_asked_for() -> None:
    finding = interleavings.long_lines()
    lines = draw(finding.steps, finding.threads, 80, ASCII)
    assert all(line.text.isascii() for line in lines)
    assert any("-- preempted --" in line.text for line in lines)


def test_locks_held_are_told_where_that_is_news_and_everywhere_on_request() -> None:
    place = Place("a.py", 1, "f", "x = 1")
    steps = [
        Step(1, "T1", "write", "x", place, "1", held=("lock",)),
        Step(2, "T1", "write", "y", place, "1", held=("lock",)),
        Step(3, "T1", "write", "z", place, "1"),
    ]
    told = [line.text.strip() for line in draw(steps, ["T1"], 80)]
    assert told.count("holds lock") == 1
    assert told.index("holds lock") < told.index("2   writes y: 1")
    everywhere = [line.text.strip() for line in draw(steps, ["T1"], 80, held=True)]
    assert everywhere.count("holds lock") == 2


def test_a_lock_that_a_step_takes_is_not_told_again() -> None:
    place = Place("a.py", 1, "f", "with lock:")
    steps = [
        Step(1, "T1", "acquire", "lock", place, type="Lock"),
        Step(2, "T1", "write", "x", place, "1", held=("lock",)),
    ]
    assert not any("holds lock" in line.text for line in draw(steps, ["T1"], 80))


def test_a_thread_preempted_after_steps_that_are_not_shown_is_marked_there() -> None:
    place = Place("a.py", 1, "f", "x = 1")
    steps = [
        Step(1, "T1", "read", "x", place, "1"),
        Step(2, "T2", "read", "x", place, "1", folds=(Fold("T1", 3, preempted=True),)),
    ]
    lines = [line.text for line in draw(steps, ["T1", "T2"], 80)]
    assert lines[4] == "   … 3 steps of T1 …"
    assert lines[5].startswith("   ── preempted ──")


def test_long_names_are_short_in_columns_where_that_is_clear() -> None:
    place = Place("a.py", 1, "f", "x = 1")
    steps = [
        Step(1, "T1", "read", "Account.balance", place, "1"),
        Step(2, "T1", "read", "Account.owner", place, "1"),
        Step(3, "T1", "read", "Car.owner", place, "1"),
    ]
    text = "\n".join(line.text for line in draw(steps, ["T1"], 80))
    assert "reads balance: 1" in text
    assert "reads Account.owner: 1" in text
    assert "reads Car.owner: 1" in text


def test_a_source_line_is_not_repeated_for_its_next_step() -> None:
    place = Place("a.py", 1, "f", "x += 1")
    steps = [
        Step(1, "T1", "read", "x", place, "0"),
        Step(2, "T1", "write", "x", place, "1", "0"),
    ]
    lines = [line.text for line in draw(steps, ["T1"], 80)]
    assert lines[2:] == [" 1 1 x += 1", "     reads x: 0", " 2   writes x: 0 → 1"]


def test_a_thread_that_is_not_listed_has_a_column_too() -> None:
    steps = [Step(1, "T2", "read", "x", Place("a.py", 1, "f", "print(x)"), "0")]
    assert draw(steps, ["T1"], 80)[0].text.strip() == "T2"


def test_a_place_outside_of_watched_code_has_no_line_number() -> None:
    steps = [Step(1, "T1", "wait", "bell", Place("", 0, ""), blocks=True, type="Event")]
    lines = [line.text for line in draw(steps, ["T1"], 80)]
    assert lines[2:] == [" 1  (not watched)", "    waits for bell to be set"]


def test_what_the_caller_finds_unprintable_is_measured_as_it_is_printed() -> None:
    steps = [Step(1, "T1", "read", "x", Place("a.py", 1, "f", "y = x"), "'\x1b'")]
    lines = draw(steps, ["T1"], 80, clean=lambda text: text.replace("\x1b", "\\x1b"))
    assert lines[-1].text == "     reads x: '\\x1b'"
