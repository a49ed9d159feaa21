"""Tests with hypothesis' `@given`: data outside, thread orders inside.

Each example that hypothesis thinks of is explored; a failing one is made smaller by hypothesis as
ever, each attempt again in all thread orders.
"""

from __future__ import annotations

import functools
import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from raceproof import library
from raceproof.functions import FunctionTarget
from raceproof.judge.findings import Result
from raceproof.options import Options
from raceproof.programs import CannotRun
from raceproof.pytest_plugin.searching import search
from raceproof.pytest_plugin.target import other_test_modules
from raceproof.pytest_plugin.told import Told, fail_with, is_usual
from raceproof.pytest_plugin.trap import Trap
from raceproof.world.belongings import Root

LEAST: Final = 0.2
"""Seconds that every example gets."""


def is_one(item: pytest.Function) -> bool:
    """Whether the test is one of hypothesis'."""
    hypothesis: Any = sys.modules.get("hypothesis")
    return hypothesis is not None and bool(hypothesis.is_hypothesis_test(item.obj))


def prepare(item: pytest.Function, options: Options, explicit: bool) -> None:
    """Have each example explored."""
    from hypothesis import settings

    test: Any = getattr(item.obj, "__func__", item.obj)
    chosen: Any = getattr(test, "_hypothesis_internal_use_settings", None) or settings.default
    # A deadline is for one run of an example, not for all its interleavings.
    test._hypothesis_internal_use_settings = settings(parent=chosen, deadline=None)
    each = max(options.max_seconds / max(chosen.max_examples, 1), LEAST)
    each = min(each, options.max_seconds)
    examples = Examples(item, replace(options, max_seconds=each, first=True), explicit)
    run = item.runtest

    def runtest() -> None:
        inner = item.obj.hypothesis.inner_test
        item.obj.hypothesis.inner_test = examples.around(inner)
        try:
            run()
        finally:
            item.obj.hypothesis.inner_test = inner

    item.runtest = runtest  # type: ignore[method-assign]


class Examples:
    """The examples of one test, each explored for itself."""

    def __init__(self, item: pytest.Function, options: Options, explicit: bool) -> None:
        self.item = item
        self.options = options
        self.explicit = explicit

    def around(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        """What hypothesis calls instead of the test."""

        @functools.wraps(inner)
        def example(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            trap = Trap()
            try:
                with trap.set():
                    return inner(*args, **kwargs)
            except BaseException:
                if not trap.sprung:
                    raise
            self._explore(functools.partial(inner, *args, **kwargs))
            return None

        return example

    def _explore(self, test: Callable[[], Any]) -> None:
        __tracebackhide__ = True
        target = FunctionTarget(test, str(self.item.config.rootpath))
        target.command = f"pytest {shlex.quote(self.item.nodeid)}"
        target.title = self.item.nodeid
        target.unrelated = other_test_modules(self.item)
        target.roots = (Root(self.item.nodeid, test),)
        try:
            result = search(target, self.options)
        except CannotRun as error:
            result = Result(self.item.nodeid, "error", error=str(error))
        if result.cut == "interrupted":
            raise KeyboardInterrupt
        if result.verdict != "error":
            self._conclude(result)
        elif self.explicit:
            fail_with(f"raceproof cannot explore this test: {result.error}")
        else:
            told = Told(explored=False, why_not=result.error)
            self.item._raceproof = told  # type: ignore[attr-defined]
            test()

    def _conclude(self, result: Result) -> None:
        __tracebackhide__ = True
        told = self.item._raceproof  # type: ignore[attr-defined]
        if told is None:
            told = Told(complete=True)
            self.item._raceproof = told  # type: ignore[attr-defined]
        told.interleavings += result.interleavings
        told.estimated += result.estimated
        told.seconds += result.seconds
        told.complete = told.complete and result.complete
        findings = [finding for finding in result.findings if not is_usual(finding)]
        if not findings:
            return
        result.findings = findings
        told.text = library.Report(result).text()
        finding = findings[0]
        if finding.exception is not None:
            raise finding.exception
        fail_with(f"{finding.kind}: {finding.message}")
