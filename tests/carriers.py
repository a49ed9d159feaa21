"""The same search on greenlets and on threads of the operating system, and what must be equal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

from raceproof import exploration
from raceproof.exploration import Exploration
from raceproof.judge.findings import Finding, Result
from raceproof.world.carriers import AUTO, GREENLET, OS, hub_class, name_of

HAVE_GREENLET = name_of(hub_class(AUTO)) == GREENLET
needs_greenlet = pytest.mark.skipif(not HAVE_GREENLET, reason="greenlet cannot be imported")
CARRIERS = [pytest.param(GREENLET, marks=needs_greenlet), OS]
"""For tests that are run with each."""


def explore_everything_twice(patch: pytest.MonkeyPatch) -> None:
    """From now on, each exploration is repeated with the other carrier, and compared."""
    for name in ("AFTER_FIRST_FINDING", "AFTER_FIRST_OF_LONG", "EXPLAINING", "SAMPLING_AFTER"):
        # How far a search gets must depend on nothing but the program.
        patch.setattr(exploration, name, float("inf"))
    patch.setattr(Exploration, "run", _twice(Exploration.run))


def _twice(once: Callable[[Exploration], Result]) -> Callable[[Exploration], Result]:
    def run(self: Exploration) -> Result:
        first = once(self)
        if self._options.threads == AUTO and first.carrier == GREENLET:
            options = replace(self._options, threads=OS)
            second = once(Exploration(self._program, options, self._progress, self._emergency))
            assert second.carrier == OS
            assert_equal(first, second)
        return first

    return run


def assert_equal(first: Result, second: Result) -> None:
    """Two results say the same, as far as the time or the program allows."""
    if any(result.cut.startswith("time") for result in (first, second)):
        return
    here, there = comparable(first), comparable(second)
    if first.cut == "not deterministic":
        here = {name: here[name] for name in ("verdict", "complete", "cut")}
    for name, value in here.items():
        assert there[name] == value, name


def comparable(result: Result) -> dict[str, Any]:
    """All that a result says, but for how long it took, and on what it ran."""
    found = {field.name: getattr(result, field.name) for field in fields(result)}
    del found["seconds"], found["carrier"]
    found["notes"] = [note for note in result.notes if not note.startswith("threads of the oper")]
    found["findings"] = list(map(_without_file, result.findings))
    return found


def _without_file(finding: Finding) -> Finding:
    return replace(finding, replay="", command="", exception=None, printed=[])
