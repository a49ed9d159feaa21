"""Exploring from Python: a function in, a report out.

It needs neither the command line nor pytest; the function and the modules of its project are
watched where they are.
"""

from __future__ import annotations

import functools
import io
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar, overload

from raceproof import exploration
from raceproof.functions import FunctionTarget
from raceproof.instrument.loader import Loader
from raceproof.judge.findings import Finding, OutcomeCount, Result
from raceproof.options import Options
from raceproof.programs import Target
from raceproof.session import CannotRun, new_loader
from raceproof.settings import check, options_for

Function = TypeVar("Function", bound=Callable[..., Any])
REPORT_WIDTH = 80


class RaceFound(AssertionError):
    """Something was found.  `report` is the whole report, the message its text.

    >>> import raceproof
    >>> try:
    ...     raceproof.explore(lambda: 1 / 0).raise_for_findings()
    ... except raceproof.RaceFound as found:
    ...     print(found.report.findings[0].kind)
    failure
    """

    def __init__(self, report: Report) -> None:
        super().__init__(str(report))
        self.report = report


class Incomplete(AssertionError):
    """The search was cut off, and what was asked needs all interleavings.

    >>> import raceproof
    >>> issubclass(raceproof.Incomplete, AssertionError)
    True
    """

    def __init__(self, report: Report) -> None:
        super().__init__(str(report))
        self.report = report


class Report:
    """What there is to say about one search; `str(report)` is the text that a person reads.

    >>> import raceproof
    >>> report = raceproof.explore(lambda: 42)
    >>> report.verdict, report.complete, report.interleavings
    ('ok', True, 1)
    >>> [outcome.value for outcome in report.outcomes]
    ['42']
    >>> report.raise_for_findings()
    """

    def __init__(self, result: Result, require_complete: bool = False) -> None:
        self.result = result
        self._require_complete = require_complete

    @property
    def verdict(self) -> str:
        """ "ok", "finding" or "error"."""
        return self.result.verdict

    @property
    def complete(self) -> bool:
        """Every interleaving that can make a difference was run."""
        return self.result.complete

    @property
    def interleavings(self) -> int:
        """How many were run."""
        return self.result.interleavings

    @property
    def estimated(self) -> float:
        """How many there are, as far as can be told; exact if the search is complete."""
        return self.result.estimated

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.result.seconds

    @property
    def outcomes(self) -> list[OutcomeCount]:
        """The different results, the most frequent first."""
        return self.result.outcomes

    @property
    def findings(self) -> list[Finding]:
        """The faults that were found, each with the interleaving that shows it."""
        return self.result.findings

    @property
    def notes(self) -> list[str]:
        """What was not explored, not watched or not controlled."""
        return self.result.notes

    @property
    def replay(self) -> str:
        """The path of the first replay file; "" if there is none."""
        return next((finding.replay for finding in self.findings if finding.replay), "")

    def raise_for_findings(self) -> None:
        """Raise `RaceFound` if there is a finding, from the exception of its interleaving.

        With the setting `require_complete`, a search that was cut off raises `Incomplete`.  A
        function that could not be explored raises `CannotRun`.
        """
        if self.findings:
            raise RaceFound(self) from self.findings[0].exception
        if self.verdict == "error":
            raise CannotRun(self.result.error)
        if self._require_complete and not self.complete:
            raise Incomplete(self)

    def to_json(self) -> str:
        """The report as JSON, as `raceproof run --format json` writes it."""
        from raceproof.report.json import to_json

        return to_json(self.result)

    def text(self, verbose: bool = False) -> str:
        """The report as text; `verbose` shortens nothing."""
        from raceproof.report.text import print_result, report_console

        stream = io.StringIO()
        console = report_console(stream)
        console.width = REPORT_WIDTH
        print_result(self.result, console, verbose)
        return stream.getvalue().rstrip("\n")

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        how = "complete" if self.complete else "partial"
        kinds = "".join(f", {finding.kind}" for finding in self.findings)
        return f"<raceproof.Report {self.verdict}: {how}, {self.interleavings:,} run{kinds}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a notebook shows."""
        printer.text(repr(self) if cycle else str(self))


@dataclass(frozen=True, slots=True)
class Raised:
    """In a set of outcomes: the function, or one of its threads, raised an exception.

    >>> import raceproof
    >>> raceproof.outcomes(lambda: int("x")) == {
    ...     raceproof.Raised("ValueError", "invalid literal for int() with base 10: 'x'")
    ... }
    True
    """

    kind: str
    """The name of its type."""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Stuck:
    """In a set of outcomes: the threads came to a standstill, of this kind.

    >>> import raceproof, threading
    >>> def forget():
    ...     lock = threading.Lock()
    ...     lock.acquire()
    ...     lock.acquire()
    >>> raceproof.outcomes(forget)
    {Stuck(kind='self-deadlock')}
    """

    kind: str


# -- exploring -----------------------------------------------------------------------------------


@overload
def explore(function: Callable[[], Any], /, **settings: Any) -> Report: ...


@overload
def explore(function: None = None, /, **settings: Any) -> Callable[[Function], Function]: ...


def explore(function: Callable[[], Any] | None = None, /, **settings: Any) -> Any:
    """Call `function` in every order of its threads that can matter, and report what comes out.

    The function takes no arguments, and starts its threads itself.  It is called many times: what
    it shares should be made in it.  (What its modules keep is put back between the calls, as far
    as that can be done.)  The settings are those of the command line, with `_` for `-`; what is
    not given is taken from `[tool.raceproof]` of the project's pyproject.toml.

    >>> import raceproof, threading
    >>> def race():
    ...     counter = [0]
    ...     def add():
    ...         counter[0] += 1
    ...     threads = [threading.Thread(target=add) for _ in range(2)]
    ...     for thread in threads:
    ...         thread.start()
    ...     for thread in threads:
    ...         thread.join()
    ...     return counter[0]
    >>> report = raceproof.explore(race, max_seconds=5)
    >>> report
    <raceproof.Report finding: complete, 4 run, lost-update>
    >>> sorted(outcome.value for outcome in report.outcomes)
    ['1', '2']

    Without a function it is a decorator for a test, which then fails if there is a finding:

    >>> @raceproof.explore(max_interleavings=100)
    ... def test_counter():
    ...     assert race() in (1, 2)
    >>> test_counter()
    Traceback (most recent call last):
    raceproof.library.RaceFound: ...

    Raises `BadSetting` for a setting that there is not, `CannotRun` for what cannot be explored.
    """
    if function is None:
        return _decorator(settings)
    if not callable(function):
        raise TypeError(
            f"explore() takes a function to call, not {type(function).__name__}: "
            "raceproof.explore(function, max_seconds=5)"
        )
    check(settings)
    target = FunctionTarget(function)
    return explore_target(target, options_for(target.directory, settings))


def _decorator(settings: Mapping[str, Any]) -> Callable[[Function], Function]:
    check(settings)

    def decorate(test: Function) -> Function:
        @functools.wraps(test)
        def explored(*args: Any, **kwargs: Any) -> None:
            __tracebackhide__ = True
            explore(functools.partial(test, *args, **kwargs), **settings).raise_for_findings()

        # For the pytest plugin, which explores the test with its fixtures.
        explored.__raceproof__ = dict(settings)  # type: ignore[attr-defined]
        return explored  # type: ignore[return-value]

    return decorate


def explore_target(target: Target, options: Options, loader: Loader | None = None) -> Report:
    """Explore anything that can be explored."""
    result = exploration.explore(
        target,
        options,
        lambda interleavings, estimated, findings: None,
        report_emergency,
        loader or loader_for(target.directory, options),
    )
    if result.cut == "interrupted":
        raise KeyboardInterrupt
    return Report(result, options.require_complete)


def report_emergency(result: Result) -> None:
    """The process is about to be ended: say why."""
    print(f"raceproof: {result.program}: {result.error}", file=sys.__stderr__, flush=True)


_loaders: dict[tuple[Any, ...], Loader] = {}


def loader_for(directory: str, options: Options) -> Loader:
    """One loader for all searches in a project: rewritten code is kept."""
    key = (os.path.realpath(directory), options.include, options.exclude)
    found = _loaders.get(key)
    if found is None:
        found = new_loader(directory, options.include, options.exclude, options.cache)
        _loaders[key] = found
    plugin: Any = sys.modules.get("raceproof.pytest_plugin")
    if plugin is not None and plugin.running:
        # A test calls explore(): its assertions explain themselves, here as well.
        from raceproof.pytest_plugin.asserts import preparing

        found.preparing = preparing(plugin.running[-1])
    return found


def outcomes(function: Callable[[], Any], /, **settings: Any) -> set[Any]:
    """The set of all results that `function` can have, depending on the order of its threads.

    A result is what the function returns (hashable), `Raised` for an exception that ends it or one
    of its threads, `Stuck` for a standstill.  So a test can say which results are possible: these,
    and no others.

    >>> import raceproof, threading
    >>> def race():
    ...     box = {"n": 0}
    ...     def add():
    ...         box["n"] = box["n"] + 1
    ...     threads = [threading.Thread(target=add) for _ in range(2)]
    ...     for thread in threads:
    ...         thread.start()
    ...     for thread in threads:
    ...         thread.join()
    ...     return box["n"]
    >>> raceproof.outcomes(race)
    {1, 2}

    Raises `Incomplete` if the search was cut off: then the set says nothing.  (With
    `require_complete=False` it returns the results seen.)
    """
    settings = {"keep_going": True, "require_complete": True, **settings}
    target = FunctionTarget(function)
    options = options_for(target.directory, settings)
    report = explore_target(target, options)
    if report.verdict == "error":
        raise CannotRun(report.result.error)
    if options.require_complete and not report.complete:
        raise Incomplete(report)
    return {_result_of(outcome, target) for outcome in report.outcomes}


def _result_of(outcome: OutcomeCount, target: FunctionTarget) -> Any:
    exit = outcome.exit
    if exit in STANDSTILLS:
        return Stuck(exit)
    failure = next(iter([exit] if exit != "ok" else outcome.errors), None)
    if failure is not None:
        kind, _, message = failure.partition(": ")
        return Raised(kind, message)
    value = target.values.get(outcome.value)
    try:
        hash(value)
    except TypeError:
        _refuse(value)
    return value


STANDSTILLS = frozenset(
    {"deadlock", "self-deadlock", "lost-wakeup", "waits-forever", "barrier-starved", "livelock"}
)


def _refuse(value: Any) -> NoReturn:
    raise TypeError(
        f"outcomes() needs results that can be in a set, not {type(value).__name__}: return a "
        "tuple, a number or a text"
    )


def replay(file: str, function: Callable[[], Any], /) -> Report:
    """Run the interleaving in a replay file once more, with its output.

    >>> import raceproof, threading
    >>> def race():
    ...     seen = []
    ...     def check():
    ...         if not seen:
    ...             seen.append(1)
    ...     threads = [threading.Thread(target=check) for _ in range(2)]
    ...     for thread in threads:
    ...         thread.start()
    ...     for thread in threads:
    ...         thread.join()
    ...     assert len(seen) == 1
    >>> report = raceproof.explore(race)
    >>> raceproof.replay(report.replay, race).verdict
    'finding'

    The verdict is "finding" if the interleaving still fails, "ok" if it does not.  Raises
    `CannotRun` if the file cannot be used.
    """
    target = FunctionTarget(function)
    recording, options = exploration.recorded(file)
    loader = loader_for(target.directory, options)
    replayed = exploration.replay_recording(target, recording, options, loader=loader)
    result = Result(target.title, "finding" if replayed.reproduced else "ok", interleavings=1)
    result.cut = "only one interleaving was run"
    if replayed.result is not None:
        replayed.result.replay = file
        replayed.result.command = target.rerun_command(file)
        result.findings = [replayed.result]
    elif replayed.message:
        result.notes.append(replayed.message)
    return Report(result)
