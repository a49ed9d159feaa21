"""Runs an order of the threads a second time, to see whether the program does the same again.

All that a search concludes rests on that: it repeats the beginning of one execution in another, and
takes every difference for the work of the order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from raceproof.judge import determinism
from raceproof.judge.determinism import HIDDEN, LIKELY, NOT_DETERMINISTIC, UNSEEN, doubt
from raceproof.judge.findings import Result
from raceproof.judge.judge import Fault, Judge
from raceproof.session import Run, Session
from raceproof.world.execution import Departure, Execution, Plan


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing that was different the second time."""

    text: str
    in_output_only: bool
    """The threads did the same things in the same order, and all of it ended in the same way."""


class Repetition:
    """An execution that can be run again at any time."""

    def __init__(
        self,
        session: Session,
        run: Run,
        patient: bool = False,
        how: Callable[[Plan], Run] | None = None,
    ) -> None:
        """`patient`: as in the plan of `run`; `how` that was run, if not by `session.run`."""
        self._session = session
        self._patient = patient
        self._how = how or session.run
        self._threads = list(run.execution.threads)
        self._operations = list(run.execution.operations)
        self._end = run.execution.end
        self._outcome = run.outcome

    def difference(self) -> Difference | None:
        """Run it again and compare; None if nothing was different."""
        length = len(self._threads)
        run = self._how(
            Plan(
                script=list(self._threads),
                known=length,
                threads=list(self._threads),
                operations=list(self._operations),
                patient=self._patient,
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


class Consistency:
    """Whether the program under test is one that can be judged by comparing its executions."""

    def __init__(
        self, session: Session, result: Result, how: Callable[[Plan], Run] | None = None
    ) -> None:
        """`how` a plan is run; if not said, as `session` does."""
        self._session = session
        self._how = how or session.run
        self._result = result
        self._first: Repetition | None = None
        self._departure: Departure | None = None
        """Where an execution first left the way that it was to go."""
        self._doubtful = False

    @property
    def has_begun(self) -> bool:
        """The first execution is known."""
        return self._first is not None

    def begin(self, run: Run) -> bool:
        """Compare the first execution with itself; whether the search may go on as it is.

        If only what is printed differs, it is to begin anew, without looking at that.
        """
        self._first = Repetition(self._session, run, True, self._how)
        difference = self._first.difference()
        if difference is None:
            return True
        self._tell(difference)
        if difference.in_output_only and self._session.listens:
            self._session.listens = False
            return False
        return True

    def begin_again(self) -> None:
        """The search starts from scratch."""
        self._first = self._departure = None

    @property
    def _likely(self) -> str:
        """What is often the reason."""
        return self._session.stage.doubts or LIKELY

    def note(self, execution: Execution) -> None:
        """Remember where an execution did not go as planned."""
        if self._departure is None:
            self._departure = execution.departure

    def check_again(self, judge: Judge, astray: bool) -> None:
        """The search is over, and may have gone `astray`: compare once more.

        Suspects that may be due to nothing but a difference are dismissed.
        """
        if self._first is None:
            return
        result, departure = self._result, self._departure
        astray = astray or departure is not None
        # An update that is lost is lost, and a search that was cut off has claimed nothing.
        suspects = judge.suspects.values()
        claims = not result.cut or any(s.fault is not Fault.LOST_UPDATE for s in suspects)
        difference = None
        if not self._doubtful and (claims or astray):
            difference = self._first.difference()
        if difference is not None:
            self._tell(difference)
        if self._doubtful:
            result.cut = result.cut or NOT_DETERMINISTIC
            for suspect in list(suspects):
                if suspect.fault is not Fault.LOST_UPDATE:
                    judge.dismiss(suspect)
        elif astray:
            self._tell_of_departure(departure)

    def _tell_of_departure(self, departure: Departure | None) -> None:
        """The first order gives the same each time, but something went another way elsewhere."""
        result, where = self._result, ""
        if departure is not None:
            where = determinism.in_events(departure, self._session.loader.sites)
            if departure.expected is not None:
                doubt(
                    result,
                    f"run again in the same order of its threads, {where}. {self._likely}",
                )
                return
        result.cut = result.cut or UNSEEN
        result.notes.append(
            "some interleavings may be missing, since not all of them went as those before them "
            f"had{': ' if where else ''}{where}. {HIDDEN}"
        )

    def _tell(self, difference: Difference) -> None:
        """The program differs from run to run; without its output, it may still be explored."""
        went_on = ""
        if difference.in_output_only and self._session.listens:
            went_on = "What it prints was not compared from there on. "
        else:
            self._result.cut = self._result.cut or NOT_DETERMINISTIC
        self._doubtful = True
        self._result.notes.append(
            f"{NOT_DETERMINISTIC}: run twice in the same order of its threads, {difference.text}. "
            f"{went_on}{self._likely}"
        )
