"""The search for one test: quiet, and measured by coverage if anything is."""

from __future__ import annotations

from collections.abc import Sequence

from raceproof import exploration, library
from raceproof.judge.findings import Result
from raceproof.options import Options
from raceproof.programs import Target
from raceproof.pytest_plugin.neighbours import coverage_of_fibers
from raceproof.search.replay import Recording


def search(target: Target, options: Options, kept: Sequence[Recording] = ()) -> Result:
    """Explore a test; the recordings in `kept` are run first.

    Raises `CannotRun` for what cannot be explored.
    """
    with coverage_of_fibers(options.threads):
        return exploration.explore(
            target,
            options,
            lambda interleavings, estimated, findings: None,
            library.report_emergency,
            library.loader_for(target.directory, options),
            kept,
        )
