"""From a suspect to the smallest interleaving that shows its fault, and to the nearest that passes.

First the interleavings around the plain one are run, for all suspects at once: what is found there
does not depend on what the search came upon first.  From the smallest of them (or, if there is
none, from what the search found) it goes on by leaving out and rearranging.  Whatever else fails on
the way becomes a suspect of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter, process_time

from raceproof.events import ThreadId
from raceproof.judge.judge import ENDED, Fault, Judge, Suspect
from raceproof.search.linearize import simplest_order
from raceproof.search.minimize import Attempt, Cost, Minimizer, Smallest, cost_of
from raceproof.search.nearby import Nearby
from raceproof.search.trace import Trace, trace_of
from raceproof.session import Run, Session
from raceproof.world.execution import Execution, Plan
from raceproof.world.scheduler import machine

PATIENCE = 3
"""How much longer than its budget of processor time something may take by the clock."""
NEARBY = 200
"""Interleavings that are looked at around the plain one."""

Spent = Callable[[], bool]


class Budget:
    """Some seconds of processor time: how much gets done does not depend on who else is busy."""

    def __init__(self, seconds: float) -> None:
        self._end = process_time() + seconds
        self._latest = perf_counter() + seconds * PATIENCE

    def is_spent(self) -> bool:
        """Whether it is time to stop."""
        return process_time() > self._end or perf_counter() > self._latest


@dataclass(frozen=True, slots=True)
class Near:
    """An interleaving with a fault, close to the plain one."""

    depth: int
    """How many reversals away."""
    cost: Cost
    script: list[ThreadId]


@dataclass(slots=True)
class Shrinker:
    """Makes the suspects of one search small.  The search must be over: its order is forgotten."""

    session: Session
    judge: Judge
    is_possible: Callable[[Execution], bool] = lambda execution: True
    """Whether an execution is one of those that are looked at at all."""
    _near: dict[tuple[object, ...], Near] = field(default_factory=dict)
    """Signature of a suspect -> where its fault was found around the plain interleaving."""

    def look_around(self, suspects: list[Suspect], spent: Spent) -> None:
        """Run the interleavings that are close to the plain one, and keep the best of each.

        For each suspect the best is taken of those that are equally close, and the closest with its
        fault; so it makes no difference which other suspects there are.
        """
        nearby = Nearby()
        while nearby.executions < NEARBY and not spent():
            plan = nearby.next_plan()
            if plan is None or all(
                suspect.signature in self._near
                and self._near[suspect.signature].depth < nearby.depth
                for suspect in suspects
            ):
                return
            run = self.session.run(plan)
            if run.execution.truncated:
                return  # not for programs whose executions are too long to be looked at whole
            trace = trace_of(run.execution)
            if nearby.learn(trace) and self.is_possible(run.execution):
                for suspect in suspects:
                    self._consider(suspect, run, trace, nearby.depth)
            self._overhear(run)

    def _consider(self, suspect: Suspect, run: Run, trace: Trace, depth: int) -> None:
        known = self._near.get(suspect.signature)
        if known is not None and known.depth < depth:
            return
        length = self.judge.shows(suspect, run.execution, run.outcome)
        if length is None:
            return
        if length < len(trace.threads):
            trace = trace.up_to(length - 1)
        order = simplest_order(trace, rank)
        cost = cost_of(order.threads, order.preemptions, rank)
        if known is None or cost < known.cost:
            self._near[suspect.signature] = Near(depth, cost, order.threads)

    def nearest(self, suspect: Suspect, first: Attempt) -> Attempt:
        """The smallest interleaving with the fault of `suspect` among those close to the plain one;
        `first` if there is none."""
        known = self._near.get(suspect.signature)
        if known is None:
            return first
        near = self.attempt(suspect, known.script)
        return near if near.fails else first

    def smallest(self, suspect: Suspect, first: Attempt, spent: Spent) -> Smallest:
        """The smallest interleaving with the fault of `suspect`, which `first` shows."""
        minimizer = Minimizer(
            lambda script, to_end: self.attempt(suspect, script, to_end), spent, rank
        )
        near = self.nearest(suspect, first)
        return minimizer.smallest(min(first, near, key=minimizer.cost))

    def attempt(self, suspect: Suspect, script: list[ThreadId], to_end: bool = False) -> Attempt:
        """Run a schedule, and see whether it shows the fault of `suspect`."""
        stop = suspect.fault is Fault.LOST_UPDATE and not to_end
        run = self.session.run(Plan(script=list(script), lenient=True, stop_after_script=stop))
        execution = run.execution
        length = None
        if self.is_possible(execution):
            length = self.judge.shows(suspect, execution, run.outcome)
        ended = execution.end in ENDED
        attempt = Attempt(
            execution, length is not None, length or 0, run.outcome if ended else None
        )
        if attempt.fails:
            attempt.trace = trace_of(execution)
        attempt.passes = not stop and self._passes(run)
        self._overhear(run)
        return attempt

    def _passes(self, run: Run) -> bool:
        """Whether nothing is wrong with an execution, but for what is wrong in every order."""
        judge, outcome = self.judge, run.outcome
        if run.execution.end not in ENDED or not outcome.failure_types <= (
            judge.inevitable or frozenset()
        ):
            return False
        if judge.serial(outcome) is False:
            return False
        if outcome.accidents and any(
            suspect.fault is Fault.UNREAD and not judge.is_unread_everywhere(suspect)
            for suspect in judge.suspects.values()
        ):
            return False
        return not any(
            judge.shows(suspect, run.execution, outcome)
            for suspect in judge.suspects.values()
            if suspect.fault is Fault.LOST_UPDATE
        )

    def _overhear(self, run: Run) -> None:
        if not self.is_possible(run.execution):
            return
        self.judge.hear(run.execution, run.outcome, run.record.lines(), None, aside=True)


def rank(thread: ThreadId) -> tuple[int, ...]:
    """By what to sort threads: their paths, which are the same in every run."""
    return machine.naming.paths[thread]
