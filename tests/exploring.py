"""Explores programs that are given as text."""

from __future__ import annotations

import textwrap
from pathlib import Path

from raceproof.exploration import Options, explore
from raceproof.judge.findings import Result
from raceproof.session import Program


def explored(source: str, directory: Path, **options: object) -> Result:
    """What comes of exploring a program with this source."""
    script = directory / "program.py"
    script.write_text(textwrap.dedent(source), encoding="utf-8")
    chosen = Options(replay_dir=str(directory / "replays"), **options)  # type: ignore[arg-type]
    return explore(Program(str(script), None, ()), chosen, lambda *_: None)


def kinds(result: Result) -> list[str]:
    """The kinds of the findings."""
    return [finding.kind for finding in result.findings]


def assert_ok(result: Result) -> None:
    """The search is complete and there is nothing to report."""
    assert kinds(result) == []
    assert result.error == ""
    assert result.complete, (result.cut, result.notes)


def assert_told_apart(right: Result, wrong: Result, expected: tuple[int, int]) -> None:
    """The right twin is left alone, the wrong one is not; so many interleavings they have."""
    assert_ok(right)
    assert {tuple(outcome.lines) for outcome in right.outcomes} == {("2",)}
    assert kinds(wrong) == ["lost-update"]
    assert wrong.complete
    assert (right.interleavings, wrong.interleavings) == expected
