"""The report on a terminal, and without one."""

from __future__ import annotations

import io

import pytest
from report import interleavings
from report.expectation import assert_expected
from rich.console import Console

from raceproof.judge.findings import Finding, OutcomeCount, Place, Result
from raceproof.report.layout import cells
from raceproof.report.text import print_result, report_console


def printed(result: Result, width: int = 80, verbose: bool = False, quiet: bool = False) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, highlight=False)
    print_result(result, console, verbose, quiet=quiet)
    return stream.getvalue()


def result_of(*findings: Finding) -> Result:
    result = Result("bank.py", "finding" if findings else "ok", True, 14, 14.0, 0.0213, "3.13.0")
    result.findings = list(findings)
    for finding in findings:
        if finding.outcome is not None:
            result.outcomes = [finding.outcome, *finding.expected]
    return result


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("case", ["lost_update", "self_deadlock", "deadlock"])
def test_the_report_is_exactly_this(case: str, width: int) -> None:
    result = result_of(getattr(interleavings, case)())
    result.notes = ["the random generator is seeded with 0"]
    result.unwatched = ["requests"]
    assert_expected(f"text-{case}-{width}", printed(result, width))


@pytest.mark.parametrize("width", [80, 120])
def test_a_finding_without_steps_is_exactly_this(width: int) -> None:
    finding = Finding(
        "failure",
        "ZeroDivisionError: division by zero",
        where=[Place("bank.py", 3, "share", "return total / customers")],
        traceback="Traceback (most recent call last):\n"
        + "".join(f'  File "bank.py", line {line}, in share\n' for line in range(1, 21))
        + "ZeroDivisionError: division by zero\n",
    )
    assert_expected(f"text-no_steps-{width}", printed(result_of(finding), width))


def test_plain_without_a_terminal_and_never_wider_than_it() -> None:
    text = printed(result_of(interleavings.lost_update(), interleavings.wide_characters()), 80)
    assert "\x1b" not in text
    assert max(map(cells, text.splitlines())) <= 80


def test_coloured_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = io.StringIO()
    console = Console(file=stream, width=80, force_terminal=True, color_system="standard")
    print_result(result_of(interleavings.lost_update()), console)
    assert "\x1b[1;31mRACE FOUND" in stream.getvalue()


def test_no_color_takes_the_colours_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = io.StringIO()
    console = Console(file=stream, width=80, force_terminal=True)
    print_result(result_of(interleavings.lost_update()), console)
    assert "31m" not in stream.getvalue()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "utf-8"])
def test_every_encoding_gets_a_report(encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    result = result_of(interleavings.lost_update(), interleavings.wide_characters())
    result.outcomes = [OutcomeCount("ok", ["残高: 300", "\udc80"], [], 3)]
    print_result(result, report_console(stream))
    stream.flush()
    assert "RACE FOUND" in raw.getvalue().decode(encoding)


def verdict(result: Result, width: int = 200) -> str:
    return printed(result, width).splitlines()[0]


def test_the_verdict_when_complete() -> None:
    assert verdict(result_of()) == (
        "raceproof: bank.py: ok  |  complete: 14 of 14 interleavings, no race, 0.02 s"
    )
    assert verdict(Result("a.py", "ok", True, 1, 1.0, 0.0)) == (
        "raceproof: a.py: ok  |  complete: 1 of 1 interleaving, no race, 0.00 s"
    )
    assert verdict(result_of(interleavings.lost_update())) == (
        "raceproof: bank.py: RACE FOUND (lost update)  |  complete: 14 of 14 interleavings, 0.02 s"
    )


def test_the_verdict_when_partial() -> None:
    partial = Result("a.py", "ok", False, 12_000, 400_123.0, 10.02, cut="time (10 s)")
    assert verdict(partial) == (
        "raceproof: a.py: no race so far  |  partial: 12,000 run, about 3 % of an estimated "
        "400,000 (stopped: time, 10 s)"
    )
    partial.cut = "interrupted"
    partial.estimated = float("inf")
    assert verdict(partial).endswith("12,000 run of an unknown number (stopped: interrupted), 10 s")
    partial.estimated = 3.2e25
    assert "under 1 % of an estimated 10^25" in verdict(partial)


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("race", "RACE FOUND"),
        ("check-then-act", "RACE FOUND (check then act)"),
        ("deadlock", "DEADLOCK FOUND"),
        ("self-deadlock", "DEADLOCK FOUND (self deadlock)"),
        ("waits-forever", "PROGRAM HANGS (waits forever)"),
        ("failure", "PROGRAM FAILS (in every order: no race)"),
        ("something-new", "FAULT FOUND (something new)"),
    ],
)
def test_the_verdict_names_the_fault(kind: str, word: str) -> None:
    assert verdict(result_of(Finding(kind, "it is wrong"))).startswith(
        f"raceproof: bank.py: {word}  |"
    )


def test_what_cannot_be_explored_says_why() -> None:
    result = Result("a.py", "error", error="it does not parse\n  x = = 1\n      ^")
    assert printed(result).splitlines() == [
        "raceproof: a.py: cannot be explored: it does not parse",
        "  x = = 1",
        "      ^",
    ]


def test_many_outcomes_are_cut_but_not_what_makes_them_differ() -> None:
    result = result_of()
    log = [f"line {number}" for number in range(20)]
    result.outcomes = [
        OutcomeCount("ok", [*log, f"total: {total}"], [], 20 - total) for total in range(10)
    ]
    text = printed(result)
    assert "total: 0" in text
    assert "line 7" not in text
    assert "20 lines in all of the outcomes left out" in text
    assert "total: 8" not in text
    assert "… 2 more outcomes" in text
    assert "line 7" in printed(result, verbose=True)


def test_a_long_outcome_is_cut() -> None:
    result = result_of()
    result.outcomes = [OutcomeCount("ok", [f"line {number}" for number in range(9)], [], 1, True)]
    text = printed(result)
    assert "line 5" in text
    assert "line 6" not in text
    assert "… 3 more lines" in text


def test_five_findings_in_full_and_a_line_for_each_more() -> None:
    findings = [interleavings.self_deadlock() for _ in range(7)]
    text = printed(result_of(*findings))
    assert text.count("Replay:") == 5
    assert "2 more findings:" in text
    assert text.splitlines()[-1].startswith("self-deadlock (RP301): deposit(100) waits at line 17")
    assert printed(result_of(*findings), verbose=True).count("Replay:") == 7


def test_quiet_is_a_line_for_the_verdict_and_one_for_each_finding() -> None:
    text = printed(result_of(interleavings.deadlock(), interleavings.lost_update()), quiet=True)
    assert len(text.splitlines()) == 4
    assert "and 1 more finding" in text


def test_a_program_cannot_paint_on_the_terminal() -> None:
    result = result_of()
    result.outcomes = [OutcomeCount("ok", ["\x1b[2J[red]gone[/red] :smile:"], [], 1, True)]
    assert "\\x1b[2J[red]gone[/red] :smile:" in printed(result)
