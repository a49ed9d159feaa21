"""Workflow annotations: one line for each finding, whatever is in it."""

from __future__ import annotations

from report import interleavings

from raceproof.judge.findings import Result
from raceproof.report.github import MOST, to_github


def test_a_finding_is_one_line_at_its_place() -> None:
    result = Result("bank.py", "finding", True, 34, findings=[interleavings.lost_update()])
    first, last = to_github(result).split("\n")
    assert first.startswith(
        "::error file=bank.py,line=11,title=raceproof%3A lost update (RP101)::the update"
    )
    assert "%0AMend: hold one Lock from line 10 to line 13%0A" in first
    assert last == "::notice title=raceproof::bank.py: complete: 34 of 34 interleavings"


def test_nothing_in_a_message_ends_the_command() -> None:
    finding = interleavings.lost_update()
    finding.message = "100 % of\r\n::error::bank"
    finding.name, finding.code = "a, b: c", ""
    result = Result("bank.py", "finding", True, 34, findings=[finding])
    first = to_github(result).split("\n")[0]
    assert "title=raceproof%3A a%2C b%3A c::100 %25 of%0D%0A::error::bank" in first


def test_a_finding_without_a_place_has_no_file() -> None:
    result = Result("bank.py", "finding", True, 34, findings=[interleavings.deadlock()])
    assert to_github(result).startswith("::error title=raceproof%3A lock-order deadlock (RP302)::")


def test_no_more_annotations_than_are_shown() -> None:
    many = [interleavings.lost_update() for _ in range(MOST + 3)]
    lines = to_github(Result("bank.py", "finding", True, 34, findings=many)).split("\n")
    assert sum(line.startswith("::error") for line in lines) == MOST
    assert "::warning title=raceproof::3 more findings in bank.py" in lines


def test_a_search_that_was_cut_off_is_a_warning() -> None:
    result = Result("bank.py", "ok", False, 1_200, cut="time, 10 s")
    assert to_github(result) == (
        "::warning title=raceproof::bank.py: partial: 1,200 interleavings run (stopped: time, 10 s)"
    )


def test_a_program_that_cannot_be_explored_is_an_error() -> None:
    result = Result("bank.py", "error", error="it does not parse")
    assert to_github(result) == "::error title=raceproof::bank.py: it does not parse"
