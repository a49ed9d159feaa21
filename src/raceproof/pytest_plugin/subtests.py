"""Subtests report by themselves, in the middle of a test: not for each of its interleavings.

Their reports go through the hooks of the item, so for as long as it takes the item has others.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


class HeldReports:
    """The hooks of an item, but for the reports of subtests, which are kept for later."""

    def __init__(self, hooks: Any) -> None:
        self._hooks = hooks
        self._reports: list[Any] = []
        self.failure: BaseException | None = None
        """What the first subtest to fail has raised."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hooks, name)

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Part of what a subtest does at its end."""
        error = None if call.excinfo is None else call.excinfo.value
        if not isinstance(error, pytest.skip.Exception):
            self.failure = self.failure or error
        return self._hooks.pytest_runtest_makereport(item=item, call=call)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """The other part."""
        self._reports.append(report)

    def let_go(self) -> None:
        """Hand on what was kept."""
        for report in self._reports:
            self._hooks.pytest_runtest_logreport(report=report)


@contextmanager
def held_reports(item: pytest.Item) -> Iterator[HeldReports]:
    """Meanwhile, no subtest of the item reports."""
    session: Any = item.session
    held = HeldReports(item.ihook)
    session.gethookproxy = lambda path: held
    try:
        yield held
    finally:
        del session.gethookproxy
