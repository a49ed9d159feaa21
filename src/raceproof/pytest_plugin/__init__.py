"""The pytest plugin: tests that start threads are run in every order of their threads.

This module has the hooks and nothing else.  It is imported by every run of pytest in an environment
that has raceproof, so everything that takes time is imported when a test asks for it.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from raceproof.pytest_plugin.summary import Summary

MARK_HELP = (
    "raceproof(**settings): run the test under every order of its threads that can matter; "
    "raceproof(False, reason=...): do not, even with --raceproof."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, in a group of their own."""
    from raceproof.pytest_plugin.choices import add_options

    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """The mark; and what the command line asks for, if anything."""
    running.append(config)
    config.addinivalue_line("markers", MARK_HELP)
    if config.option.raceproof_replay:
        from raceproof.pytest_plugin.replaying import load_recording

        load_recording(config)


def pytest_report_header(config: pytest.Config) -> str | None:
    """A line about the settings, when they were asked for."""
    from raceproof.pytest_plugin.choices import is_on, overview

    return overview(config) if is_on(config) else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """For a replay, only its test is run."""
    if config.option.raceproof_replay:
        from raceproof.pytest_plugin.replaying import select

        select(config, items)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """A test that wants it is explored in its call phase; nothing happens to the others."""
    from raceproof.pytest_plugin.choices import wish_of

    wish = wish_of(item)
    if wish is not None and isinstance(item, pytest.Function):
        from raceproof.pytest_plugin.items import prepare

        prepare(item, wish)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What was found is added to the report of the call."""
    report = yield
    if call.when == "call" and hasattr(item, "_raceproof"):
        from raceproof.pytest_plugin.reports import add_to

        add_to(report, item)
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count, for the summary; with xdist, in the process that writes it."""
    told = getattr(report, "raceproof", None)
    if told is not None:
        _summary().count(report.nodeid, told)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line for the whole run, and what people should know of single tests."""
    if _counted is not None:
        _counted.write(terminalreporter)


def pytest_unconfigure(config: pytest.Config) -> None:
    """The run is over; another one in this process counts anew."""
    global _counted
    _counted = None
    if config in running:
        running.remove(config)


running: Final[list[pytest.Config]] = []
"""The runs of pytest that are going on in this process, the innermost last."""
_counted: Summary | None = None


def _summary() -> Summary:
    global _counted
    if _counted is None:
        from raceproof.pytest_plugin.summary import Summary

        _counted = Summary()
    return _counted
