"""From an interleaving that fails to the smallest one that fails in the same way.

Fewer threads are smaller, then fewer preemptions, fewer context switches, fewer steps, and last of
all the order in which the earliest threads come first.  Steps that the failure can do without are
left out and independent ones put together (no other order is needed for that), stretches are
removed and joined, and single races reversed; whatever still fails and is smaller is kept, until
nothing is.

Compare Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", TSE 28(2), 2002,
and Choi and Zeller, "Isolating failure-inducing thread schedules", ISSTA 2002.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from raceproof.events import ThreadId, conflicting
from raceproof.search.happens_before import Race
from raceproof.search.linearize import Rank, simplest_order
from raceproof.search.trace import Trace, wakeup_sequence
from raceproof.world.execution import Execution

FURTHER = 64
"""How many more events a thread may perform to come to its end rather than be preempted."""

Block = tuple[ThreadId, int]
Cost = tuple[int, int, int, int, tuple[tuple[tuple[int, ...], int], ...]]


@dataclass(slots=True)
class Attempt:
    """An execution of a candidate schedule."""

    execution: Execution
    fails: bool
    """Whether it shows the fault in question."""
    length: int
    """Events up to and including the one that completes the fault."""
    outcome: Any = None
    """What it came to, if it came to an end."""
    passes: bool = False
    """Nothing at all is wrong with it."""
    trace: Trace | None = None
    """The order of its events; only of those that fail."""

    @property
    def script(self) -> list[ThreadId]:
        """The schedule up to the fault."""
        return self.execution.threads[: self.length]


Try = Callable[[list[ThreadId], bool], Attempt]
"""Runs a schedule, as far as it can be followed.  With True the execution goes on from there to
its end, even if the fault is complete."""


@dataclass(slots=True)
class Smallest:
    """What became of an attempt to find the smallest failing interleaving."""

    best: Attempt
    mending: list[tuple[Race, Any]] = field(default_factory=list)
    """The races of `best` that make it pass when they are reversed, in order, and what it comes
    to then."""
    reversed: int = 0
    """How many of its races were reversed to find out."""
    finished: bool = True
    """False if there was no time to try everything."""


class Minimizer:
    """Looks for the smallest execution with one fault; `spent` tells when to stop looking."""

    def __init__(self, attempt: Try, spent: Callable[[], bool], rank: Rank) -> None:
        self._attempt = attempt
        self._spent = spent
        self._rank = rank
        self._tried: set[tuple[ThreadId, ...]] = set()

    def cost(self, attempt: Attempt) -> Cost:
        """What is smaller has a lower cost."""
        preemptions = sum(1 for step in attempt.execution.preemptions if step < attempt.length)
        return cost_of(attempt.script, preemptions, self._rank)

    def smallest(self, first: Attempt) -> Smallest:
        """The smallest failing execution that can be reached from `first`, which fails."""
        found = Smallest(first)
        while True:
            better = self._better(found)
            if better is None:
                found.finished = not self._spent()
                return found
            found = Smallest(better)

    def tidy(self, attempt: Attempt) -> Attempt:
        """Only what the fault of `attempt` needs, in the simplest order, if that still fails."""
        trace = attempt.trace
        if trace is None or not attempt.length:
            return attempt
        if attempt.length < len(trace.threads) or attempt.execution.end == "stopped":
            trace = trace.up_to(attempt.length - 1)
        script = simplest_order(trace, self._rank).threads
        if script == attempt.script or not self._is_new(script):
            return attempt
        candidate = self._attempt(script, False)
        if candidate.fails and self.cost(candidate) < self.cost(attempt):
            return candidate
        return attempt

    # -- one step ------------------------------------------------------------------------------

    def _better(self, found: Smallest) -> Attempt | None:
        """A smaller one, or None; notes which reversals made it pass."""
        best = found.best
        cost = self.cost(best)
        tidy = self.tidy(best)
        if tidy is not best:
            return tidy
        candidates = map(script_of, smaller(blocks_of(best.script)))
        for script in chain(candidates, self._with_others(best)):
            if self._spent():
                return None
            if self._is_new(script):
                candidate = self._attempt(script, False)
                if candidate.fails:
                    candidate = self.tidy(candidate)
                    if self.cost(candidate) < cost:
                        return candidate
        return self._by_reversal(found, cost)

    def _with_others(self, best: Attempt) -> Iterator[list[ThreadId]]:
        """The same schedule with an earlier thread in the place of a later one.

        (Threads that do the same may take part in each other's stead.)
        """
        everyone = sorted((t.tid for t in best.execution.everyone if t.path), key=self._rank)
        for later in sorted(set(best.script) & set(everyone), key=self._rank, reverse=True):
            for earlier in everyone:
                if earlier == later:
                    break
                swap = {later: earlier, earlier: later}
                yield [swap.get(thread, thread) for thread in best.script]

    def _by_reversal(self, found: Smallest, cost: Cost) -> Attempt | None:
        trace = found.best.trace
        assert trace is not None
        for race in trace.races:
            if race.first >= found.best.length:
                continue
            for conflict in further_back(race, trace):
                if self._spent():
                    return None
                candidate = self._attempt(reversed_script(conflict, trace), True)
                found.reversed += 1
                if candidate.passes:
                    found.mending.append((conflict, candidate.outcome))
                    break
                if candidate.fails:
                    candidate = self.tidy(candidate)
                    if self.cost(candidate) < cost:
                        return candidate
        return None

    def _is_new(self, script: list[ThreadId]) -> bool:
        key = tuple(script)
        if key in self._tried:
            return False
        self._tried.add(key)
        return True


def cost_of(script: list[ThreadId], preemptions: int, rank: Rank) -> Cost:
    """What a schedule costs: of two, the one that is smaller costs less."""
    blocks = blocks_of(script)
    order = tuple([(rank(thread), -count) for thread, count in blocks])
    return (len(set(script)), preemptions, len(blocks), len(script), order)


def further_back(race: Race, trace: Trace) -> Iterator[Race]:
    """A race, and the same with what its first thread did before on the same places.

    (It may have looked twice before it acted: then the other has to come before the first look.)
    """
    yield race
    thread = trace.threads[race.first]
    for index in range(race.first - 1, -1, -1):
        if trace.threads[index] == thread and conflicting(trace.operations[index], race.operation):
            if race.second is not None and not trace.can_precede(index, race.second):
                return
            yield Race(index, race.second, race.thread, race.operation)


def reversed_script(race: Race, trace: Trace) -> list[ThreadId]:
    """A schedule that goes like `trace` but for one race, which goes the other way round."""
    sequence = wakeup_sequence(race, trace)
    return trace.threads[: race.first] + [thread for thread, _ in sequence]


def blocks_of(script: list[ThreadId]) -> list[Block]:
    """A schedule as blocks."""
    blocks: list[Block] = []
    for thread in script:
        if blocks and blocks[-1][0] == thread:
            blocks[-1] = (thread, blocks[-1][1] + 1)
        else:
            blocks.append((thread, 1))
    return blocks


def script_of(blocks: list[Block]) -> list[ThreadId]:
    """The schedule that the blocks stand for."""
    return [thread for thread, count in blocks for _ in range(count)]


def smaller(blocks: list[Block]) -> Iterator[list[Block]]:
    """Schedules that may be simpler than `blocks`, the most promising first."""
    count = len(blocks)
    size = count // 2
    while size >= 1:
        for start in range(count - size, -1, -size):
            yield blocks[:start] + blocks[start + size :]
        size //= 2
    for i in range(count):
        for j in range(i + 2, count):
            if blocks[i][0] == blocks[j][0]:
                joined = (blocks[i][0], blocks[i][1] + blocks[j][1])
                yield [*blocks[:i], joined, *blocks[i + 1 : j], *blocks[j + 1 :]]
                yield [*blocks[:i], *blocks[i + 1 : j], joined, *blocks[j + 1 :]]
                break
    for i, (thread, events) in enumerate(blocks):
        for fewer in shorter(events):
            yield [*blocks[:i], (thread, fewer), *blocks[i + 1 :]]
    for i, (thread, events) in enumerate(blocks):
        # As far as it gets: where a thread comes to its end, nothing was taken from it.
        yield [*blocks[:i], (thread, events + FURTHER), *blocks[i + 1 :]]


def shorter(events: int) -> Iterator[int]:
    """Numbers of events to try instead: the small ones, then closer and closer ones."""
    yield from range(1, min(events, 6))
    step = events // 2
    while step and events > 6:
        if events - step >= 6:
            yield events - step
        step //= 2
