"""Runs an order of the threads a second time, to see whether the program does the same again.

All that a search concludes rests on that: it repeats the beginning of one execution in another, and
takes every difference for the work of the order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from raceproof.judge import determinism
from raceproof.session import Run, Session
from raceproof.world.execution import Plan


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing that was different the second time."""

    text: str
    in_output_only: bool
    """The threads did the same things in the same order, and all of it ended in the same way."""


class Repetition:
    """An execution that can be run again at any time."""

    def __init__(self, session: Session, run: Run) -> None:
        self._session = session
        self._threads = list(run.execution.threads)
        self._operations = list(run.execution.operations)
        self._end = run.execution.end
        self._outcome = run.outcome

    def difference(self) -> Difference | None:
        """Run it again and compare; None if nothing was different."""
        length = len(self._threads)
        run = self._session.run(
            Plan(
                script=list(self._threads),
                known=length,
                threads=list(self._threads),
                operations=list(self._operations),
            )
        )
        execution = run.execution
        sites = self._session.loader.sites
        if execution.departure is not None:
            return Difference(determinism.in_events(execution.departure, sites), False)
        if len(execution.operations) > length:
            text = determinism.in_length(length, execution.operations[length], sites)
            return Difference(text, False)
        if execution.end != self._end:
            return None if execution.end == "interrupted" else Difference(
                f"it ended as {self._end!r}, and as {execution.end!r} the second time", False
            )  # fmt: skip
        before, now = self._outcome, run.outcome
        text = determinism.in_results(before, now)
        return Difference(text, replace(before, lines=now.lines) == now) if text else None
