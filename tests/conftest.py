"""Options of the test suite."""

from __future__ import annotations

import pytest
from carriers import HAVE_GREENLET, explore_everything_twice


def pytest_addoption(parser: pytest.Parser) -> None:
    """What the command line of the suite understands."""
    parser.addoption(
        "--both-carriers",
        action="store_true",
        help="repeat each exploration on threads of the operating system, and compare the results",
    )


@pytest.fixture(autouse=True)
def both_carriers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do what the option says."""
    if request.config.getoption("--both-carriers"):
        assert HAVE_GREENLET, "without greenlet there is nothing to compare with"
        explore_everything_twice(monkeypatch)
