"""Runs one test suite, plain or with modules rewritten, and answers with the outcome of each test.

Rewritten modules come from the same loader, and call the same hooks, as in an exploration; but
there is none, so the hooks must not be noticed at all.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import os
import sys
import traceback
import unittest
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

MOST_EVENTS = 1_000_000
LONGEST = 4_000
"""Characters of a failure that are kept: its end says what went wrong."""


@dataclass
class SuiteOutcome:
    """What became of each test, by its name."""

    outcomes: dict[str, str] = field(default_factory=dict)
    """"passed", "failed", "skipped" or "expected failure"."""
    details: dict[str, str] = field(default_factory=dict)
    """The traceback of each test that failed."""
    rewritten: list[str] = field(default_factory=list)
    """The modules that ran rewritten."""

    def failed(self, name: str, detail: str) -> None:
        """A test that fails in any of its parts has failed."""
        self.outcomes[name] = "failed"
        self.details[name] = detail[-LONGEST:]


class KeepingResult(unittest.TestResult):
    """Notes the outcome of each test of a unittest suite."""

    def __init__(self, kept: SuiteOutcome) -> None:
        super().__init__()
        self.kept = kept

    def addSuccess(self, test: unittest.TestCase) -> None:
        self.kept.outcomes.setdefault(test.id(), "passed")

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        self.kept.outcomes.setdefault(test.id(), "skipped")

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:
        self.kept.outcomes.setdefault(test.id(), "expected failure")

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        self.kept.failed(test.id(), "unexpected success")

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        self.kept.failed(test.id(), "".join(traceback.format_exception(*err)))

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        self.addFailure(test, err)

    def addSubTest(self, test: unittest.TestCase, subtest: Any, err: Any) -> None:
        if err is not None:
            self.kept.failed(test.id(), "".join(traceback.format_exception(*err)))


def run_unittest(names: Sequence[str], kept: SuiteOutcome) -> None:
    """The tests of modules that are written for unittest; resources of CPython's are not used."""
    with contextlib.suppress(ImportError):
        from test import support

        support.use_resources = []
    for name in names:
        module = importlib.import_module(name)
        suite = unittest.defaultTestLoader.loadTestsFromModule(module)
        suite.run(KeepingResult(kept))


def run_pytest(arguments: Sequence[str], kept: SuiteOutcome) -> None:
    """A suite that pytest collects."""
    import pytest

    class Keeping:
        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed:
                kept.failed(report.nodeid, str(report.longrepr))
            elif report.when == "call" or report.skipped:
                expected = hasattr(report, "wasxfail")
                outcome = "expected failure" if expected else str(report.outcome)
                kept.outcomes.setdefault(report.nodeid, outcome)

        def pytest_collectreport(self, report: pytest.CollectReport) -> None:
            if report.failed:
                kept.failed(report.nodeid, str(report.longrepr))

    pytest.main(["-p", "no:cacheprovider", "-q", *arguments], plugins=[Keeping()])


@contextlib.contextmanager
def rewriting(names: Sequence[str]) -> Iterator[list[str]]:
    """Modules of these names, and what lies in them, are imported rewritten."""
    from raceproof.instrument.hooks import Hooks
    from raceproof.instrument.loader import Loader, Watch
    from raceproof.world.scheduler import machine

    nowhere = str(Path(__file__).resolve().parent / "nowhere")
    # What runs the tests keeps the modules that it has.
    loader = Loader(Watch(nowhere, include=names), is_kept=lambda name: True)
    hooks = Hooks(machine, loader.sites)
    loader.install()
    loader.begin()
    hooks.install()
    rewritten: list[str] = []
    try:
        yield rewritten
    finally:
        rewritten.extend(sorted(loader.watched))
        loader.end()
        loader.remove()


def in_an_execution(body: Callable[[], None]) -> None:
    """Do it as the first thread of two, so that hooks announce what they are called for.

    The standard library is the real one: this is about what hooks do to the objects they meet.
    """
    from raceproof.world.execution import Plan
    from raceproof.world.scheduler import machine

    def first() -> None:
        machine.spawn(lambda: None, "other", False)
        body()

    machine.max_events = MOST_EVENTS
    execution = machine.execute(first, Plan())
    if execution.end != "finished":
        print(f"the execution ended early: {execution.end} {execution.detail}", file=sys.stderr)
    if execution.truncated:
        print(f"not all watched: more than {MOST_EVENTS:,} events", file=sys.stderr)


def main() -> None:
    """Carry out the command line; the answer is the last line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rewrite", default="", help="modules, separated by commas")
    parser.add_argument("--runner", choices=["unittest", "pytest"], default="unittest")
    parser.add_argument("--directory", default=".")
    parser.add_argument("--execute", action="store_true", help="with hooks at work")
    parser.add_argument("arguments", nargs="*")
    given = parser.parse_args()
    os.chdir(given.directory)
    sys.path[0] = os.getcwd()
    kept = SuiteOutcome()
    names = [name for name in given.rewrite.split(",") if name]
    run = run_unittest if given.runner == "unittest" else run_pytest
    answer = sys.stdout
    with contextlib.redirect_stdout(io.StringIO()):
        if names:
            with rewriting(names) as kept.rewritten:
                if given.execute:
                    in_an_execution(lambda: run(given.arguments, kept))
                else:
                    run(given.arguments, kept)
        else:
            run(given.arguments, kept)
    json.dump(asdict(kept), answer)
    answer.write("\n")
    answer.flush()
    # Tests leave threads behind that would not let the interpreter go.
    os._exit(0)


if __name__ == "__main__":
    main()
