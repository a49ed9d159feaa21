"""What all tests have in common."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from carriers import HAVE_GREENLET, explore_everything_twice

collect_ignore = ["sample_project"]
"""It is run by tests, in a process of its own: some of its tests are meant to fail."""
pytest_plugins = ["pytester"]


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_tests() -> Iterator[None]:
    """Rewritten code is shared by the tests of a run, and by nobody else."""
    with tempfile.TemporaryDirectory(prefix="raceproof-") as directory:
        before = os.environ.get("RACEPROOF_CACHE")
        os.environ["RACEPROOF_CACHE"] = os.path.join(directory, "cache")
        yield
        if before is None:
            del os.environ["RACEPROOF_CACHE"]
        else:
            os.environ["RACEPROOF_CACHE"] = before


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


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A directory for libraries that are imported before the search."""
    directory = tmp_path / "elsewhere"
    directory.mkdir()
    sys.path.insert(0, str(directory))
    before = set(sys.modules)
    yield directory
    sys.path.remove(str(directory))
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(directory)):
            del sys.modules[name]
