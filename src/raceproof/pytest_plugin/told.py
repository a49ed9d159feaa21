"""What the search of one test comes to, for its report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import pytest

from raceproof.judge.findings import Finding


@dataclass(slots=True)
class Told:
    """What the report of a test says about its search; plain data, for xdist."""

    explored: bool = True
    complete: bool = False
    interleavings: int = 0
    estimated: float = 0.0
    seconds: float = 0.0
    why_not: str = ""
    """Why it could not be explored."""
    changed: tuple[str, ...] = ()
    """What it changes though other tests use it too."""
    doubt: str = ""
    """Why its interleavings may not be comparable."""
    replayed: bool = False
    """Only a recorded interleaving was run."""
    text: str = ""
    """The explanation of what was found."""


def fail_with(message: str) -> NoReturn:
    """Fail the test with a message that is all there is to show."""
    # This frame is not hidden, or pytest would add that all of them are.
    pytest.fail(message, pytrace=False)


def is_everywhere(finding: Finding) -> bool:
    """Whether it shows in every order of the threads."""
    return finding.kind == "failure" and not is_usual(finding)


def is_usual(finding: Finding) -> bool:
    """Whether pytest would let the test pass: a thread dies of an exception in every order."""
    return (
        finding.kind == "failure" and finding.outcome is not None and finding.outcome.exit == "ok"
    )
