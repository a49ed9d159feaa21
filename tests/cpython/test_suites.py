"""CPython's own tests pass inside an execution, but for those that `left_out` names."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from cpython.left_out import LEFT_OUT
from cpython.suites import SUITES, World, names_of

REASONS = {case: reason.text for reason in LEFT_OUT for case in reason.cases}
PATIENCE = 60.0
"""Seconds of real time for a case; those that start processes take some."""
IMPATIENCE = 0.5
"""The same for a case that is known not to pass, and perhaps not to end."""

CASES = [(suite, name) for suite in SUITES for name in names_of(suite)]


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """The suite in the simulated world."""
    with World(request.param) as found:
        yield found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each case, suite after suite."""
    if "world" in metafunc.fixturenames:
        metafunc.parametrize(
            ("world", "name"),
            [
                pytest.param(suite, name, id=f"{suite.removeprefix('test.')}-{name}")
                for suite, name in CASES
            ],
            indirect=["world"],
            scope="module",
        )


def test_as_in_cpython(world: World, name: str) -> None:
    reason = REASONS.get(name)
    ran = world.run(name, PATIENCE if reason is None else IMPATIENCE)
    if ran.skipped:
        pytest.skip(f"by CPython: {ran.skipped}")
    if reason is None:
        assert ran.passed, ran.text
    else:
        assert not ran.passed, f"{name} passes: it need not be left out any more ({reason})"


def test_the_list_is_short_and_up_to_date() -> None:
    assert len(REASONS) == sum(len(reason.cases) for reason in LEFT_OUT)
    assert sum(name in REASONS for _, name in CASES) <= 0.04 * len(CASES)
    there = {name for _, name in CASES}
    for reason in LEFT_OUT:
        first, last = reason.versions
        if first <= sys.version_info[:2] <= last:
            missing = [
                case
                for case in reason.cases
                if case not in there and any(_class(case) == _class(name) for name in there)
            ]
            assert not missing, "take them off the list"


def _class(name: str) -> str:
    return name.partition(".")[0]
