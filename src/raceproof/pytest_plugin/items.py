"""One test: run as usual until it starts a thread, then under every order of its threads.

The test keeps its place in pytest's protocol: what is shared with other tests is set up in its
setup, the search takes place in its call, and one report says how it went.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from raceproof import exploration, library
from raceproof.functions import NoFunction, belongings_now
from raceproof.judge.determinism import NOT_DETERMINISTIC
from raceproof.judge.findings import Result
from raceproof.options import Options
from raceproof.programs import CannotRun
from raceproof.pytest_plugin import hypothesis_tests, neighbours, replaying
from raceproof.pytest_plugin.choices import ATTRIBUTE, Wish, profile_of, settings_of
from raceproof.pytest_plugin.fixtures import Rounds
from raceproof.pytest_plugin.kept import directory_for, recordings_of
from raceproof.pytest_plugin.searching import search
from raceproof.pytest_plugin.subtests import held_reports
from raceproof.pytest_plugin.target import TestTarget
from raceproof.pytest_plugin.told import Told, fail_with, is_everywhere, is_usual
from raceproof.pytest_plugin.trap import Trap
from raceproof.settings import BadSetting, check
from raceproof.world.exits import Escape


def prepare(item: pytest.Function, wish: Wish) -> None:
    """Have the item run in the way that this module is about."""
    try:
        settings = {**settings_of(item.config), **check(wish.settings)}
    except BadSetting as error:
        raise pytest.UsageError(f"{item.nodeid}: {error}") from None
    settings["replay_dir"] = directory_for(item.config, settings.get("replay_dir"))
    options = neighbours.within_time_limit(item, Options(**settings))
    item._raceproof = None  # type: ignore[attr-defined]
    if hypothesis_tests.is_one(item):
        hypothesis_tests.prepare(item, options, wish.explicit)
        return
    search = Search(item, options, wish.explicit)
    item.setup = search.set_up  # type: ignore[method-assign]
    item.runtest = search.run  # type: ignore[method-assign]


class Search:
    """The life of one test under the plugin."""

    def __init__(self, item: pytest.Function, options: Options, explicit: bool) -> None:
        self.item = item
        self.options = options
        self.explicit = explicit
        self.rounds = Rounds(item)
        self.trap = Trap()
        self._is_replay = False
        self._setup = item.setup
        self._run = item.runtest

    # -- pytest's phases -------------------------------------------------------------------------

    def set_up(self) -> None:
        """The test's setup: what it shares with others, then as usual if there are no threads."""
        self.rounds.set_up_wide_fixtures()
        self.rounds.run_inside_of(ATTRIBUTE)
        watch = library.loader_for(str(self.item.config.rootpath), self.options).watch
        self._before = belongings_now(watch, self.rounds.wide_fixtures())
        self._until_thread(self._setup)

    def run(self) -> None:
        """The test's call."""
        __tracebackhide__ = True
        if not self.trap.sprung:
            self._until_thread(self._run)
        if self.trap.sprung:
            self._explore()

    def _until_thread(self, phase: Callable[[], None]) -> None:
        __tracebackhide__ = True
        try:
            with (
                held_reports(self.item) as held,
                neighbours.warnings_unless(lambda: self.trap.sprung),
                self.trap.set(),
            ):
                phase()
        except BaseException:
            # Whatever comes of it when a thread is not started is not the test's doing.
            if not self.trap.sprung:
                raise
        finally:
            if not self.trap.sprung:
                held.let_go()
        if self.trap.sprung:
            neighbours.drop_captured(self.item)

    # -- the search ------------------------------------------------------------------------------

    def _explore(self) -> None:
        __tracebackhide__ = True
        self.rounds.begin()
        self._before.restore()
        try:
            target = TestTarget(self.rounds)
            recording = replaying.recording_for(self.item)
            if recording is not None:
                result = self._replay(target, recording)
            else:
                result = self._search(target)
        except Escape as escape:
            self.rounds.leave()
            raise escape.reason from None
        except (CannotRun, NoFunction) as error:
            result = Result(self.item.nodeid, "error", error=str(error))
            target = None
        if target is not None:
            target.warn_once()
        if result.verdict == "error":
            self._not_explored(result.error)
            return
        if result.cut == "interrupted":
            self.rounds.leave()
            raise KeyboardInterrupt
        self._conclude(result, target)

    def _search(self, target: TestTarget) -> Result:
        kept = recordings_of(self.item.nodeid, self.options.replay_dir)
        return search(target, self.options, kept)

    def _replay(self, target: TestTarget, recording: Any) -> Result:
        loader = library.loader_for(target.directory, self.options)
        options = replaying.options_of(recording, self.options)
        replayed = exploration.replay_recording(
            target, recording, options, loader=loader, echo=False
        )
        result = Result(target.title, "ok", interleavings=1)
        result.cut = "only one interleaving was run"
        self._is_replay = True
        if replayed.result is not None:
            result.findings = [replayed.result]
            result.verdict = "finding"
        return result

    def _not_explored(self, why: str) -> None:
        """The test does what cannot be simulated."""
        __tracebackhide__ = True
        told = Told(explored=False, why_not=why)
        self.item._raceproof = told  # type: ignore[attr-defined]
        if self.explicit:
            self.rounds.leave()
            fail_with(f"raceproof cannot explore this test: {why}")
        # Asked for as one of all tests, it is run like those without threads.
        self._run_as_usual()

    def _run_as_usual(self) -> None:
        __tracebackhide__ = True
        self.rounds.begin()
        self.rounds.set_up()
        self._run()

    def _fails_everywhere(self, result: Result) -> None:
        """It fails whatever the order of the threads: no race, so a usual run tells what it is.

        That one may pass, in which case the test depends on real time or the like.
        """
        __tracebackhide__ = True
        for finding in result.findings:
            with suppress(OSError):
                os.remove(finding.replay)
        self.item._raceproof = Told(  # type: ignore[attr-defined]
            explored=False,
            why_not="it fails in every order of its threads in simulated time, which is no race",
        )
        self._run_as_usual()

    def _conclude(self, result: Result, target: TestTarget | None) -> None:
        __tracebackhide__ = True
        if result.findings and not self._is_replay and all(map(is_everywhere, result.findings)):
            self._fails_everywhere(result)
            return
        self.rounds.leave()
        findings = [finding for finding in result.findings if not is_usual(finding)]
        told = Told(
            True, result.complete, result.interleavings, result.estimated, result.seconds,
            changed=tuple(result.changed), replayed=self._is_replay,
        )  # fmt: skip
        if result.cut == NOT_DETERMINISTIC:
            told.doubt = next((note for note in result.notes if note.startswith(result.cut)), "")
        self.item._raceproof = told  # type: ignore[attr-defined]
        if findings:
            result.findings = findings
            finding = findings[0]
            told.text = library.Report(result).text()
            if profile_of(self.item.config) == "ci" and finding.replay:
                told.text += f"\n\n  Elsewhere: {replaying.command_with_text(finding.replay)}"
            neighbours.print_lines(finding.printed)
            if finding.exception is not None:
                raise finding.exception
            fail_with(f"{finding.kind}: {finding.message}")
        if target is not None:
            neighbours.print_lines(target.printed)
        if self.options.require_complete and not self._is_replay and not result.complete:
            fail_with(f"raceproof: not all interleavings were run ({result.cut})")
